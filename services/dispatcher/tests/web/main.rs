//! The dispatcher's HTTP API on the real servers.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod actions;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod clips;
#[cfg(test)]
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "../../../fleet/tests/faults/episode.rs"]
mod episode;
#[cfg(test)]
mod events;
#[cfg(test)]
mod guard;
#[cfg(test)]
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "../../../fleet/tests/support/program.rs"]
mod program;
#[cfg(test)]
mod site;
