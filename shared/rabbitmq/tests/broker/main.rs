//! The adapter on a real broker, each test in a virtual host of its own.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod contract;
mod publishing;
mod town;
