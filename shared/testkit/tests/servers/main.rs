//! The servers that tests are given, and those that they start.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod heavy;
mod private;
mod shared;

use reqwest::{Client, Method};
use serde_json::Value;

/// What the management API answers: the status, and the body where it is JSON.
async fn ask(api: &str, method: Method, path: &str, body: &'static str) -> (u16, Value) {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, format!("{api}/api/{path}")).header("content-type", "application/json");
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

async fn redis(url: &str) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
    redis::Client::open(url)?.get_multiplexed_async_connection().await
}
