//! The language model that finds expressions in a chunk.

use std::time::Duration;

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};

/// Something that answers an [`AnalysisRequest`] with a JSON text, which the caller checks.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Who answers, as `provider/model`.
    fn name(&self) -> &str;

    /// Digest of all that shapes an answer beside the request: prompt version, schema, provider, model, base URL's
    /// kind and sampling settings. Part of the cache key.
    fn fingerprint(&self) -> &Digest;

    /// Asks once. `feedback` names the items of the previous answer that failed a check; empty on the first ask.
    ///
    /// # Errors
    /// See [`ErrorKind`]; the usage of a failed attempt is part of the error.
    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error>;
}

/// The text of an answer as it came, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// A JSON text: an array of items, one item, or `{"expressions": […]}`, bare or fenced.
    pub text: String,
    /// What it cost, every attempt included; nothing for an answer from a cache.
    pub usage: Usage,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct Error {
    /// What sort of error; retries read this and never the message.
    pub kind: ErrorKind,
    /// Who was asked, as `provider/model`.
    pub provider: String,
    /// What happened and what to do, in one line, without any secret.
    pub message: String,
    /// What the failed attempts cost.
    pub usage: Usage,
}

/// Sorts of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many requests or tokens just now; `after` is what the provider asks to wait.
    RateLimited {
        /// The wait that the provider asked for.
        after: Option<Duration>,
    },
    /// Not reached, connection cut, timed out, or a server error.
    Unavailable,
    /// The provider declines this text; asking again gives the same.
    Refused,
    /// The answer was cut off: ask for less.
    Truncated,
    /// The answer is not what the protocol promises.
    Malformed,
    /// Wrong credentials or a missing permission.
    Auth,
    /// The quota is used up for now, beyond any wait worth making.
    QuotaExhausted,
}

impl ErrorKind {
    /// Whether the same request may succeed after a wait.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable)
    }
}
