//! The adapters on a real Redis.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod contracts;

use langflix_redis::{Redis, Settings};

fn redis(url: &str) -> Redis {
    Redis::new(Settings { url: url.to_owned(), username: None, password: None, ca_pem: None }).unwrap()
}
