use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the two fan-outs of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One task a chunk.
    Analysis,
    /// One task a clip.
    Encoding,
}

impl Stage {
    /// The name used in keys and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Encoding => "encoding",
        }
    }
}

/// How urgent a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for it: taken first.
    Interactive,
    /// Seasons, at night.
    #[default]
    Bulk,
}

impl Lane {
    /// The name used in messages and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}

/// How a task ended. Exactly one is recorded for each task of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// It gave this.
    Ok(T),
    /// It failed for good.
    Failed(Failure),
}

/// Why something failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What sort of failure; programs read this and never the message.
    pub kind: FailureKind,
    /// What, where and what to do, in one line.
    pub message: String,
}

/// Sorts of failures, stable names in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The provider's rate limit outlasted the task's deadline.
    RateLimited,
    /// The provider could not be reached or answered with a server error until the deadline.
    Unavailable,
    /// The provider declines this text.
    Refused,
    /// The answer was cut off even for the smallest chunk.
    Truncated,
    /// No usable answer after all re-asks.
    Malformed,
    /// The credentials are wrong or lack a permission.
    Auth,
    /// The quota is used up.
    QuotaExhausted,
    /// The input itself cannot be worked on.
    Input,
    /// The encoder failed on this input.
    Encoder,
    /// An outside program ran out of time or made no progress.
    TimedOut,
    /// An artifact could not be read or written.
    Store,
    /// Its worker ended, again and again, while it worked on it.
    Crashed,
    /// Somebody cancelled the run.
    Cancelled,
}
