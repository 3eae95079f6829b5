use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use governor::{
    Quota,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use langflix_ports::rate::{LONGEST_WAIT, Limits, Outcome, Permit, RateLimiter, Refusal};
use tokio::time::{Instant, sleep, sleep_until};

/// Keeps within [`Limits`] where all requests come from this process.
///
/// Tokens are settled with what the answer really cost. When the provider itself says for how long it wants no requests,
/// all wait for that, or are refused where it is more than 30 s.
pub struct LocalLimiter {
    inner: Arc<Inner>,
}

struct Inner {
    turn: tokio::sync::Mutex<()>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    account: Mutex<Account>,
}

#[derive(Default)]
struct Account {
    /// Tokens spent beyond the estimates so far; negative where the estimates were too high.
    owed: i64,
    blocked_until: Option<Instant>,
}

struct LocalPermit {
    limiter: Arc<Inner>,
    estimate: u32,
}

impl LocalLimiter {
    /// Begins with nothing used.
    pub fn new(limits: Limits) -> Self {
        let bucket = |limit| Bucket::new(limit, limits.period);
        let inner = Inner {
            turn: tokio::sync::Mutex::default(),
            requests: limits.requests.map(bucket),
            tokens: limits.tokens.map(bucket),
            account: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}

#[async_trait]
impl RateLimiter for LocalLimiter {
    async fn admit(&self, tokens: u32) -> Result<Box<dyn Permit>, Refusal> {
        self.inner.wait_for_turn(tokens).await?;
        Ok(Box::new(LocalPermit { limiter: self.inner.clone(), estimate: tokens }))
    }
}

#[async_trait]
impl Permit for LocalPermit {
    async fn settle(self: Box<Self>, outcome: Outcome) {
        self.limiter.account(|account| account.settle(self.estimate, outcome));
    }
}

impl Inner {
    fn account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a request of about `estimate` tokens may be sent.
    async fn wait_for_turn(&self, estimate: u32) -> Result<(), Refusal> {
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

    async fn wait_while_blocked(&self) -> Result<(), Refusal> {
        while let Some(until) = self.account(|account| account.blocked_until).filter(|until| *until > Instant::now()) {
            let left = until.duration_since(Instant::now());
            if left > LONGEST_WAIT {
                return Err(Refusal::Later(left));
            }
            sleep_until(until).await;
        }
        Ok(())
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

    fn settle(&mut self, estimate: u32, outcome: Outcome) {
        match outcome {
            Outcome::Answered(0) | Outcome::Failed(0) | Outcome::TooMany(None) => {}
            Outcome::Answered(real) | Outcome::Failed(real) => {
                let real = i64::try_from(real).unwrap_or(i64::MAX);
                self.owed = self.owed.saturating_add(real.saturating_sub(i64::from(estimate)));
            }
            Outcome::TooMany(Some(after)) => {
                self.blocked_until = self.blocked_until.max(Instant::now().checked_add(after));
            }
        }
    }
}

/// A bucket that lets through at most its limit in any period.
struct Bucket {
    limiter: governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    clock: TokioClock,
    burst: NonZeroU32,
}

impl Bucket {
    /// A tenth may come at once, and the rest is spread over the period: with a full bucket at the start, twice the
    /// limit would pass in the first one.
    fn new(limit: NonZeroU32, period: Duration) -> Self {
        let burst = NonZeroU32::new(limit.get() / 10).unwrap_or(NonZeroU32::MIN);
        let spread = NonZeroU32::new(limit.get() - burst.get()).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period / spread.get()).unwrap_or(Quota::per_minute(limit)).allow_burst(burst);
        let clock = TokioClock { start: Instant::now() };
        Self { limiter: governor::RateLimiter::direct_with_clock(quota, clock.clone()), clock, burst }
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
mod tests {
    use langflix_testkit::rate::rate_contract;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_keeps_what_a_rate_limiter_promises() {
        rate_contract(|limits| Arc::new(LocalLimiter::new(limits))).await;
    }

    #[test]
    fn an_unknown_cost_leaves_the_estimate_as_it_was() {
        let mut account = Account::default();
        assert_eq!(account.charge(100), 100);
        account.settle(100, Outcome::Answered(0));
        assert_eq!(account.charge(100), 100);
        account.settle(100, Outcome::Answered(40));
        assert_eq!((account.charge(50), account.charge(50)), (0, 40));
    }
}
