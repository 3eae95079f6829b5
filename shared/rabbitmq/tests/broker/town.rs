//! What the tests stand on.

use std::time::Duration;

use langflix_ports::queue::{Error, ErrorKind};
use langflix_rabbitmq::{RabbitQueue, Settings};
use langflix_testkit::servers::{self, Rabbit};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::time::sleep;

/// How `url`, which holds the credentials that the tests' servers have, is reached.
pub(crate) fn settings(url: &str) -> Settings {
    let (username, password) = ("guest".to_owned(), "guest".to_owned());
    Settings { url: url.replace("guest:guest@", ""), username, password, ca_pem: None, name: "test".to_owned() }
}

/// Queues in a virtual host of one's own, which is there as long as its handle is.
pub(crate) async fn queues() -> (Rabbit, RabbitQueue) {
    let rabbit = servers::rabbitmq().await;
    let queue = RabbitQueue::new(settings(&rabbit.url)).unwrap();
    queue.apply_topology().await.unwrap();
    (rabbit, queue)
}

/// As a caller does: until it succeeds, where the broker is only unavailable.
pub(crate) async fn again<T>(step: impl AsyncFn() -> Result<T, Error>) -> T {
    loop {
        match step().await {
            Ok(done) => return done,
            Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Asks the management API for something that must succeed.
pub(crate) async fn manage(api: &str, method: Method, path: &str, body: Value) -> Value {
    let (status, text) = ask(api, method, path, body).await;
    assert!(status.is_success(), "{path}: {status} {text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

/// What the management API answers.
pub(crate) async fn ask(api: &str, method: Method, path: &str, body: Value) -> (StatusCode, String) {
    let request = Client::builder().no_proxy().build().unwrap().request(method, format!("{api}/api/{path}"));
    let answer = request.json(&body).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// Deletes a queue behind the adapter's back.
pub(crate) async fn delete_queue(rabbit: &Rabbit, queue: &str) {
    manage(&rabbit.api, Method::DELETE, &format!("queues/{}/{queue}", rabbit.vhost), Value::Null).await;
}
