use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::retry::RetryConfig,
    error::{ProvideErrorMetadata as _, SdkError},
};
use langflix_testkit::{
    proxy::{Act, Http},
    servers::{self, S3},
};

/// A bucket, and a client that comes to it by way of a proxy and tries once.
async fn bucket() -> (S3, Http, Client) {
    let direct = servers::s3().await;
    let proxy = Http::before(&direct.endpoint);
    let by_proxy = S3 { endpoint: proxy.url.clone(), bucket: direct.bucket.clone(), ..clone(&direct) };
    let config = by_proxy.client().config().to_builder().retry_config(RetryConfig::disabled()).build();
    (direct, proxy, Client::from_conf(config))
}

fn clone(s3: &S3) -> S3 {
    S3 {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        bucket: s3.bucket.clone(),
        access_key: s3.access_key.clone(),
        secret_key: s3.secret_key.clone(),
    }
}

async fn put(client: &Client, s3: &S3, key: &str, bytes: usize) -> Result<(), String> {
    let put = client.put_object().bucket(&s3.bucket).key(key).if_none_match("*").body(vec![7; bytes].into());
    match put.send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) => {
            Err(format!("{} {}", error.raw().status().as_u16(), error.err().code().unwrap_or_default()))
        }
        Err(_) => Err("no answer".into()),
    }
}

async fn exists(s3: &S3, key: &str) -> bool {
    s3.client().head_object().bucket(&s3.bucket).key(key).send().await.is_ok()
}

#[tokio::test]
async fn requests_pass_with_their_signatures_and_bodies() {
    let (s3, proxy, client) = bucket().await;
    put(&client, &s3, "a key", 3_000_000).await.unwrap();
    let got = client.get_object().bucket(&s3.bucket).key("a key").send().await.unwrap();
    assert!(got.body.collect().await.unwrap().into_bytes() == vec![7; 3_000_000]);
    assert_eq!(put(&client, &s3, "a key", 1).await.unwrap_err(), "412 PreconditionFailed");
    let (method, target) = (["PUT", "GET", "PUT"], format!("/{}/a%20key", s3.bucket));
    let requests = proxy.requests();
    assert_eq!(requests.len(), 3);
    for (request, method) in requests.iter().zip(method) {
        assert!(request.starts_with(&format!("{method} {target}")), "{request}");
    }
}

#[tokio::test]
async fn the_next_requests_that_fit_are_answered_and_the_server_sees_none() {
    let (s3, proxy, client) = bucket().await;
    proxy.next(1, "PUT", "/outcome", Act::Answer(500, "InternalError"));
    proxy.next(2, "PUT", "/outcome", Act::Answer(503, "SlowDown"));
    proxy.next(1, "PUT", "/outcome", Act::Answer(409, "ConditionalRequestConflict"));
    assert_eq!(put(&client, &s3, "plan", 9).await, Ok(()));
    for answer in ["500 InternalError", "503 SlowDown", "503 SlowDown", "409 ConditionalRequestConflict"] {
        assert_eq!(put(&client, &s3, "outcome", 2_000_000).await.unwrap_err(), answer);
        assert!(!exists(&s3, "outcome").await);
    }
    assert_eq!(proxy.left(), 0);
    assert_eq!(put(&client, &s3, "outcome", 9).await, Ok(()));
}

#[tokio::test]
async fn a_lost_answer_hides_what_the_server_has_done() {
    let (s3, proxy, client) = bucket().await;
    proxy.next(1, "PUT", "lost", Act::Lose);
    proxy.next(1, "PUT", "cut", Act::Cut);
    for (key, done) in [("lost", true), ("cut", false)] {
        assert_eq!(put(&client, &s3, key, 2_000_000).await.unwrap_err(), "no answer");
        assert_eq!(exists(&s3, key).await, done, "{key}");
    }
}

#[tokio::test]
async fn an_answer_may_end_in_its_middle() {
    let (s3, proxy, client) = bucket().await;
    put(&client, &s3, "long", 2_000_000).await.unwrap();
    proxy.next(1, "GET", "long", Act::CutAnswer(1_234_567));
    let mut got = client.get_object().bucket(&s3.bucket).key("long").send().await.unwrap();
    let mut bytes = 0;
    let ended = loop {
        match got.body.next().await {
            Some(Ok(chunk)) => bytes += chunk.len(),
            Some(Err(_)) => break "in its middle",
            None => break "as it should",
        }
    };
    assert_eq!((bytes, ended), (1_234_567, "in its middle"));
}

#[tokio::test]
async fn a_stalled_request_gets_nothing() {
    let (s3, proxy, client) = bucket().await;
    proxy.next(1, "PUT", "stalled", Act::Stall);
    let stalled = tokio::time::timeout(Duration::from_millis(200), put(&client, &s3, "stalled", 9)).await;
    assert!(stalled.is_err() && !exists(&s3, "stalled").await);
    assert_eq!(put(&client, &s3, "stalled", 9).await, Ok(()));
}
