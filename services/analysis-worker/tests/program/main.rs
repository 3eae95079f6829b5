//! The analysis worker as it is installed, on the real servers: what its probes tell, and how it ends.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod drain;
#[cfg(test)]
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "../../../fleet/tests/faults/episode.rs"]
mod episode;
#[cfg(test)]
mod heap;
#[cfg(test)]
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "../../../fleet/tests/support/program.rs"]
mod program;
#[cfg(test)]
mod versions;

#[cfg(test)]
const PROGRAM: &str = env!("CARGO_BIN_EXE_langflix-analysis-worker");

#[cfg(test)]
#[tokio::test(flavor = "multi_thread")]
async fn probes_tell_what_it_waits_for_and_that_it_is_alive() {
    program::probes_tell_how_it_is(PROGRAM, ["queues", "store"]).await;
}
