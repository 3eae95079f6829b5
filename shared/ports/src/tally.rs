//! How many tasks of a stage are done: a hint, so that the end of a stage is noticed at once.

use async_trait::async_trait;
use langflix_domain::{RunId, Stage, TaskId};

/// Counts done tasks. Every adapter passes `langflix_testkit::tally::tally_contract`.
///
/// It may forget at any time: what is true of a stage is told by the artifact store alone.
#[async_trait]
pub trait Tally: Send + Sync {
    /// Counts `task` of `run` as done, once however often it is told, and gives how many are.
    ///
    /// # Errors
    /// [`Error`] where it cannot be told; the end of the stage is then noticed later by other means.
    async fn done(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<u32, Error>;

    /// Forgets a stage.
    ///
    /// # Errors
    /// [`Error`] where it cannot be told; the count expires by itself.
    async fn forget(&self, run: &RunId, stage: Stage) -> Result<(), Error>;
}

/// Why the tally failed.
#[derive(Debug, thiserror::Error)]
#[error("tally: {message}")]
pub struct Error {
    /// What happened, in one line.
    pub message: String,
}
