//! The adapter on a real broker, each test in a virtual host of its own.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod contract;
mod faults;
mod publishing;
mod refusals;
mod scaling;
mod settling;
mod shelves;
mod tls;
mod topology;
mod town;
