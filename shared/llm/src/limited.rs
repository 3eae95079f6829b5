use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until},
};

use crate::prompt;

const MINUTE: Duration = Duration::from_secs(60);

/// A block that lasts longer is told to the caller instead of being waited for.
const LONGEST_BLOCK: Duration = Duration::from_secs(30);

/// How much may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in flight at once.
    pub max_concurrent_requests: NonZeroU32,
    /// Requests a minute; unlimited where `None`.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens a minute, prompts and answers together; unlimited where `None`.
    pub tokens_per_minute: Option<NonZeroU32>,
}

/// Keeps within [`Limits`]: callers wait their turn, in order.
///
/// Tokens are estimated before and settled with what the answer really cost. When the provider itself says for how
/// long it wants no requests, all wait for that, or get the error back where it is more than 30 s.
pub struct Limited<M: ?Sized> {
    slots: Semaphore,
    turn: tokio::sync::Mutex<()>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    account: Mutex<Account>,
    inner: Arc<M>,
}

#[derive(Default)]
struct Account {
    /// Tokens spent beyond the estimates so far; negative where the estimates were too high.
    owed: i64,
    blocked_until: Option<Instant>,
}

impl<M: LanguageModel + ?Sized> Limited<M> {
    /// Wraps `inner`.
    pub fn new(inner: Arc<M>, limits: Limits) -> Self {
        let slots = usize::try_from(limits.max_concurrent_requests.get()).unwrap_or(usize::MAX);
        Self {
            slots: Semaphore::new(slots.min(Semaphore::MAX_PERMITS)),
            turn: tokio::sync::Mutex::default(),
            requests: limits.requests_per_minute.map(Bucket::per_minute),
            tokens: limits.tokens_per_minute.map(Bucket::per_minute),
            account: Mutex::default(),
            inner,
        }
    }

    fn account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a request of about `estimate` tokens may be sent.
    async fn wait_for_turn(&self, estimate: u32) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        self.wait_while_blocked().await?;
        if let Some(requests) = &self.requests {
            requests.take(1).await;
        }
        if let Some(tokens) = &self.tokens {
            tokens.take(self.account(|account| account.charge(estimate))).await;
        }
        // A provider may have asked for peace while this one waited.
        self.wait_while_blocked().await
    }

    async fn wait_while_blocked(&self) -> Result<(), Error> {
        while let Some(until) = self.account(|account| account.blocked_until).filter(|until| *until > Instant::now()) {
            let left = until.duration_since(Instant::now());
            if left > LONGEST_BLOCK {
                return Err(Error {
                    kind: ErrorKind::RateLimited { after: Some(left) },
                    provider: self.inner.name().to_owned(),
                    message: format!("the provider takes no requests for another {} s", left.as_secs()),
                    usage: Usage::default(),
                });
            }
            sleep_until(until).await;
        }
        Ok(())
    }

    fn settle(&self, estimate: u32, result: &Result<Answer, Error>) {
        let usage = match result {
            Ok(answer) => answer.usage,
            Err(error) => error.usage,
        };
        let blocked = match result {
            Err(Error { kind: ErrorKind::RateLimited { after: Some(after) }, .. }) => Some(Instant::now() + *after),
            _ => None,
        };
        self.account(|account| {
            account.settle(estimate, usage.input_tokens.saturating_add(usage.output_tokens));
            account.blocked_until = account.blocked_until.max(blocked);
        });
    }
}

impl Account {
    /// What to take for a request of `estimate` tokens, with what earlier ones left open.
    fn charge(&mut self, estimate: u32) -> u32 {
        let due = i64::from(estimate).saturating_add(self.owed);
        let now = u32::try_from(due.max(0)).unwrap_or(u32::MAX);
        self.owed = due - i64::from(now);
        now
    }

    /// Some servers do not say what a request cost: then the estimate stands.
    fn settle(&mut self, estimate: u32, real: u64) {
        if real > 0 {
            let real = i64::try_from(real).unwrap_or(i64::MAX);
            self.owed = self.owed.saturating_add(real.saturating_sub(i64::from(estimate)));
        }
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
        let estimate = prompt::estimate_tokens(request, feedback);
        self.wait_for_turn(estimate).await?;
        let result = self.inner.ask(request, feedback).await;
        self.settle(estimate, &result);
        result
    }
}

/// A bucket that lets through at most its limit in any minute.
struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    clock: TokioClock,
    burst: NonZeroU32,
}

impl Bucket {
    /// A tenth may come at once, and the rest is spread over the minute: with a full bucket at the start, twice the
    /// limit would pass in the first minute.
    fn per_minute(limit: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(limit.get() / 10).unwrap_or(NonZeroU32::MIN);
        let spread = NonZeroU32::new(limit.get() - burst.get()).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(MINUTE / spread.get()).unwrap_or(Quota::per_minute(limit)).allow_burst(burst);
        let clock = TokioClock { start: Instant::now() };
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock, burst }
    }

    /// Takes `amount`, in parts where it is more than the bucket holds at once. Callers take turns.
    async fn take(&self, amount: u32) {
        let mut left = amount;
        while let Some(part) = NonZeroU32::new(left.min(self.burst.get())) {
            match self.limiter.check_n(part) {
                Ok(Err(not_yet)) => sleep(not_yet.wait_time_from(self.clock.now())).await,
                // The other case, a part above the burst, cannot be: see `min` above.
                Ok(Ok(())) | Err(_) => left -= part.get(),
            }
        }
    }
}

/// Tokio's clock, so that tests can hold the time.
#[derive(Clone, Debug)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
#[path = "limited_tests.rs"]
mod tests;
