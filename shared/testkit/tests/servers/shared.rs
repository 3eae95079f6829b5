use langflix_testkit::servers;
use redis::AsyncCommands as _;
use reqwest::Method;

use crate::{ask, redis};

#[tokio::test]
async fn a_virtual_host_is_a_tests_own_and_goes_with_it() {
    let (one, other) = (servers::rabbitmq().await, servers::rabbitmq().await);
    let queue = format!("queues/{}/things", one.vhost);
    assert_eq!(ask(&one.api, Method::PUT, &queue, r#"{"durable":true}"#).await.0, 201);
    assert_eq!(ask(&one.api, Method::GET, &queue, "").await.0, 200);
    assert_eq!(ask(&one.api, Method::GET, &format!("queues/{}/things", other.vhost), "").await.0, 404);
    assert!(one.url.ends_with(&format!("/{}", one.vhost)));
    let (api, vhost) = (one.api.clone(), one.vhost.clone());
    drop(one);
    assert_eq!(ask(&api, Method::GET, &format!("vhosts/{vhost}"), "").await.0, 404);
}

#[tokio::test]
async fn a_database_is_a_tests_own_and_empty() {
    let (one, other) = (servers::redis().await, servers::redis().await);
    let mut connection = redis(&one.url).await.unwrap();
    let () = connection.set("key", "value").await.unwrap();
    let keys: u64 = redis::cmd("DBSIZE").query_async(&mut redis(&other.url).await.unwrap()).await.unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn a_bucket_is_a_tests_own_and_empty() {
    let (one, other) = (servers::s3().await, servers::s3().await);
    one.client().put_object().bucket(&one.bucket).key("key").body(vec![1; 9].into()).send().await.unwrap();
    for (s3, objects) in [(one, 1), (other, 0)] {
        let listed = s3.client().list_objects_v2().bucket(&s3.bucket).send().await.unwrap();
        assert_eq!(listed.contents().len(), objects);
    }
}
