//! The page in a real browser, before the real services on the real servers.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod actions;
#[cfg(test)]
mod browser;
#[cfg(test)]
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "../../../fleet/tests/faults/episode.rs"]
mod episode;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod live;
#[cfg(test)]
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "../../../fleet/tests/support/program.rs"]
mod program;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod thousand;
