//! How fast an outside system may be asked, by all who ask it.

use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;

/// A longer wait is told to the caller instead of being waited for: a queue can wait better.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How much may be asked within any period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests; unlimited where `None`.
    pub requests: Option<NonZeroU32>,
    /// Tokens, of requests and answers together; unlimited where `None`.
    pub tokens: Option<NonZeroU32>,
    /// How long a period is.
    pub period: Duration,
}

impl Limits {
    /// What one of so many who ask may have, and at least one request.
    pub fn share(self, of: NonZeroU32) -> Self {
        let share = |limit: NonZeroU32| NonZeroU32::new(limit.get() / of).unwrap_or(NonZeroU32::MIN);
        Self { requests: self.requests.map(share), tokens: self.tokens.map(share), ..self }
    }
}

/// Lets requests through as fast as the outside system takes them. Every adapter passes
/// `langflix_testkit::rate::rate_contract`.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Waits until a request of about so many tokens may be sent; those who wait here are let through in order.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is taken then.
    async fn admit(&self, tokens: u32) -> Result<Box<dyn Permit>, Refusal>;
}

/// Those who ask an outside system, and divide its limit among them while no limiter of them all can be asked.
#[async_trait]
pub trait Sharers: Send + Sync {
    /// How many there are, the caller included; `None` where that cannot be told now.
    async fn count(&self) -> Option<NonZeroU32>;
}

/// Leave to send one request. Where it is dropped unsettled, the request counts as estimated.
#[async_trait]
pub trait Permit: Send + Sync {
    /// Tells what came of the request.
    async fn settle(self: Box<Self>, outcome: Outcome);
}

/// What came of a request. So many tokens it cost; 0 where nobody says, and then the estimate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered(u64),
    /// It failed for a reason that has nothing to do with its rate.
    Failed(u64),
    /// It was one too many. None is wanted for so long, where that is said.
    TooMany(Option<Duration>),
}

/// Why a request may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not within [`LONGEST_WAIT`], but after so long.
    #[error("the provider takes no requests for another {} s", .0.as_secs())]
    Later(Duration),
    /// The limiter cannot be asked; why, in one line.
    #[error("rate limit: {0}")]
    Unavailable(String),
}
