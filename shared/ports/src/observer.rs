//! What a run tells while it goes on.

use langflix_domain::{EpisodeStatus, Failure, RunId, Stage};
use serde::Serialize;

/// Is told every step of a run; must return quickly.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn notice(&self, run: &RunId, event: Event);
}

/// A step of a run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A stage has a plan of this many tasks, `done` of which already have their outcome.
    StagePlanned {
        /// The stage.
        stage: Stage,
        /// All tasks.
        tasks: usize,
        /// Tasks with an outcome.
        done: usize,
    },
    /// Work on a task began.
    TaskStarted {
        /// The stage.
        stage: Stage,
        /// The task.
        task: String,
        /// What people call it: a line number range or an expression.
        label: String,
    },
    /// A running task is this far.
    TaskProgress {
        /// The stage.
        stage: Stage,
        /// The task.
        task: String,
        /// 0 to 1.
        fraction: f32,
    },
    /// A task has its outcome; `failure` says why it failed, if it did.
    TaskFinished {
        /// The stage.
        stage: Stage,
        /// The task.
        task: String,
        /// Why it failed.
        failure: Option<Failure>,
    },
    /// The manifest is written.
    RunFinished {
        /// How the episode ended.
        status: EpisodeStatus,
    },
}
