//! Encoding workers on GPUs that are not there.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod scenarios;
mod worker;
