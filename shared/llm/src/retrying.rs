use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_measures::LLM_RETRIES;
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};
use tokio::time::{Instant, sleep};

/// When to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often at most; N means N + 1 attempts.
    pub max_retries: u32,
    /// The first wait; doubles with each retry, with jitter, up to 30 s.
    pub backoff: Duration,
    /// A longer wait is not made: the caller gets the error and may do something else meanwhile.
    pub longest_wait: Duration,
    /// No attempt starts later than this after the first one, whatever is left of `max_retries`.
    pub deadline: Duration,
}

impl RetryPolicy {
    /// The longest wait where somebody else can wait better, such as a queue.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

    /// With the usual deadline of ten minutes, which leaves room for waiting in a rate limiter.
    pub const fn new(max_retries: u32, backoff: Duration) -> Self {
        Self { max_retries, backoff, longest_wait: Self::LONGEST_WAIT, deadline: Duration::from_secs(600) }
    }

    fn waits(self) -> impl Iterator<Item = Duration> {
        ExponentialBuilder::new()
            .with_min_delay(self.backoff)
            .with_max_delay(Self::LONGEST_WAIT)
            .with_max_times(usize::try_from(self.max_retries).unwrap_or(usize::MAX))
            .with_jitter()
            .build()
            .map(|wait| wait.min(Self::LONGEST_WAIT))
    }
}

/// Asks again after errors that pass: the one retry layer.
///
/// An answer that was paid for and still failed is asked for once more and not again.
pub struct Retrying<M: ?Sized> {
    inner: Arc<M>,
    policy: RetryPolicy,
}

impl<M: LanguageModel + ?Sized> Retrying<M> {
    /// Wraps `inner`.
    pub fn new(inner: Arc<M>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    /// How long to wait before asking again; `None` where that is of no use or takes too long.
    fn wait(&self, kind: ErrorKind, backoff: Duration) -> Option<Duration> {
        match kind {
            ErrorKind::RateLimited { after: Some(after) } => {
                Some(after.max(backoff)).filter(|_| after < self.policy.longest_wait)
            }
            kind => kind.is_transient().then_some(backoff),
        }
    }
}

#[async_trait]
impl<M: LanguageModel + ?Sized> LanguageModel for Retrying<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.inner.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        let started = Instant::now();
        let mut waits = self.policy.waits();
        let mut usage = Usage::default();
        let mut paid_failures = 0;
        loop {
            let mut error = match self.inner.ask(request, feedback).await {
                Ok(mut answer) => {
                    answer.usage += usage;
                    return Ok(answer);
                }
                Err(error) => error,
            };
            usage += error.usage;
            paid_failures += u32::from(error.usage.output_tokens + error.usage.input_tokens > 0);
            error.usage = usage;
            let wait = match waits.next() {
                Some(backoff) if paid_failures < 2 => self.wait(error.kind, backoff),
                _ => None,
            };
            match wait {
                Some(wait) if started.elapsed() + wait <= self.policy.deadline => {
                    tracing::debug!(model = self.name(), kind = ?error.kind, wait_ms = wait.as_millis(), "asking again");
                    LLM_RETRIES.add((self.name().to_owned().into(),), 1);
                    sleep(wait).await;
                }
                _ => return Err(error),
            }
        }
    }
}

#[cfg(test)]
#[path = "retrying_tests.rs"]
mod tests;
