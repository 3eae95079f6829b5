//! The proxies between a client and its server.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod http;
mod link;
mod tls;
