use std::{num::NonZeroU32, sync::Arc};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_measures::{LLM_REFUSED, LLM_WAITING, Operation};
use langflix_ports::{
    llm::{Answer, Error, ErrorKind, LanguageModel},
    rate::{Outcome, Permit, RateLimiter, Refusal},
};
use tokio::sync::Semaphore;

use crate::prompt;

/// Asks no faster than a limiter allows: callers wait their turn, in order.
///
/// Tokens are estimated before and settled with what the answer really cost.
pub struct Limited<M: ?Sized> {
    slots: Semaphore,
    limiter: Arc<dyn RateLimiter>,
    inner: Arc<M>,
}

impl<M: LanguageModel + ?Sized> Limited<M> {
    /// Wraps `inner`, to which `at_once` requests at most are in flight from here.
    pub fn new(inner: Arc<M>, at_once: NonZeroU32, limiter: Arc<dyn RateLimiter>) -> Self {
        LLM_REFUSED.add((inner.name().to_owned().into(),), 0);
        let slots = usize::try_from(at_once.get()).unwrap_or(usize::MAX);
        Self { slots: Semaphore::new(slots.min(Semaphore::MAX_PERMITS)), limiter, inner }
    }

    async fn admitted(&self, tokens: u32) -> Result<Box<dyn Permit>, Error> {
        let of = || (self.name().to_owned().into(),);
        let waiting = LLM_WAITING.of(&of());
        waiting.increment(1.0);
        // Counted down also where the caller gives up meanwhile.
        let _waits = guard(|| waiting.decrement(1.0));
        let admitted = Operation::LimiterWait.time(self.limiter.admit(tokens)).await;
        LLM_REFUSED.add(of(), u64::from(matches!(admitted, Err(Refusal::Later(_)))));
        admitted.map_err(|refusal| self.refused(&refusal))
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        let kind = match refusal {
            Refusal::Later(after) => ErrorKind::RateLimited { after: Some(*after) },
            Refusal::Unavailable(_) => ErrorKind::Unavailable,
        };
        let (provider, message) = (self.inner.name().to_owned(), refusal.to_string());
        Error { kind, provider, message, usage: Usage::default() }
    }
}

/// Does `last` when it is dropped.
fn guard(last: impl FnOnce()) -> impl Drop {
    struct Guard<F: FnOnce()>(Option<F>);

    impl<F: FnOnce()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(last) = self.0.take() {
                last();
            }
        }
    }

    Guard(Some(last))
}

fn outcome(result: &Result<Answer, Error>) -> Outcome {
    let tokens = |usage: Usage| usage.input_tokens.saturating_add(usage.output_tokens);
    match result {
        Ok(answer) => Outcome::Answered(tokens(answer.usage)),
        Err(Error { kind: ErrorKind::RateLimited { after }, .. }) => Outcome::TooMany(*after),
        Err(error) => Outcome::Failed(tokens(error.usage)),
    }
}

#[async_trait]
impl<M: LanguageModel + ?Sized> LanguageModel for Limited<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.inner.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        // The semaphore is never closed; without a permit the limits below still hold.
        let _slot = self.slots.acquire().await.ok();
        let tokens = prompt::estimate_tokens(request, feedback);
        let permit = self.admitted(tokens).await?;
        let result = self.inner.ask(request, feedback).await;
        permit.settle(outcome(&result)).await;
        result
    }
}

#[cfg(test)]
#[path = "limited_tests.rs"]
mod tests;
