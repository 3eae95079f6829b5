//! The operator's commands as a user runs them, on the real servers.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod asleep;
#[cfg(test)]
mod bucket;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod dead;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod fetch;
#[cfg(test)]
mod gpu;
#[cfg(test)]
mod help;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod season;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod services;
#[cfg(test)]
mod steer;
#[cfg(test)]
#[expect(dead_code, reason = "the other suite needs more of it")]
#[path = "../run/support.rs"]
mod support;
#[cfg(test)]
#[expect(dead_code, reason = "the other suite needs more of it")]
#[path = "../run/teacher.rs"]
mod teacher;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod trouble;
