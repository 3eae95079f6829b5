use std::{
    num::NonZeroU32,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use langflix_ports::rate::{LONGEST_WAIT, Limits, Outcome, Permit, RateLimiter, Refusal};
use redis::Script;
use tokio::{sync::Mutex, time::sleep};

use crate::{Failure, Redis};

/// How far ahead turns are given. Whoever asks within that time is asking for the last time; and no more than that is on
/// its way when a provider asks for peace.
const AHEAD: Duration = Duration::from_secs(1);
/// The longest that a provider's wish is kept.
const DAY: Duration = Duration::from_hours(24);
/// By how much an answer raises a lowered rate where requests are not limited; else by one request a period.
const STEP: f64 = 0.01;

static ADMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("admit.lua")));
static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("settle.lua")));

/// One rate limit for all who ask Redis, below `langflix:rate:`.
///
/// Requests and tokens each have a theoretical arrival time (GCRA), taken together or not at all, by Redis's clock. A
/// request too many halves the rate, and each answer raises it a little, up to the limits.
#[derive(Clone, Debug)]
pub struct RedisRateLimiter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    redis: Redis,
    key: String,
    turn: Mutex<()>,
    requests: Pace,
    tokens: Pace,
    period: u64,
    step: f64,
}

/// In microseconds; 0 where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pace {
    interval: f64,
    burst: f64,
}

struct Turn {
    limiter: Arc<Inner>,
    tokens: u32,
    given: u64,
    lowered: bool,
}

impl RedisRateLimiter {
    /// The limit that all share who ask for `name`, such as `provider/model`, with the same `limits`.
    pub fn new(redis: Redis, name: &str, limits: Limits) -> Self {
        let pace = |limit: Option<NonZeroU32>| limit.map(|limit| Pace::of(limit, limits.period)).unwrap_or_default();
        let inner = Inner {
            redis,
            key: format!("langflix:rate:{{{name}}}"),
            turn: Mutex::default(),
            requests: pace(limits.requests),
            tokens: pace(limits.tokens),
            period: micros(limits.period),
            step: limits.requests.map_or(STEP, |limit| 1.0 / f64::from(limit.get())),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Pace {
    /// A fiftieth may come at once, a hundredth is left for what varies on the way, and the rest is spread over the
    /// period: so no period sees more than the limit, and a long time sees 97 % of it.
    fn of(limit: NonZeroU32, period: Duration) -> Self {
        let limit = limit.get();
        let burst = (limit / 50).max(1);
        let spread = (limit - burst).saturating_sub(limit / 100).max(1);
        let interval = period.as_secs_f64() * 1e6 / f64::from(spread);
        Self { interval, burst: interval * f64::from(burst) }
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn admit(&self, tokens: u32) -> Result<Box<dyn Permit>, Refusal> {
        // One at a time asks Redis from here, so that the others wait without asking, and in order.
        let _turn = self.inner.turn.lock().await;
        loop {
            let (admitted, wait, given, lowered) = self.inner.ask(tokens).await?;
            if admitted {
                sleep(wait).await;
                return Ok(Box::new(Turn { limiter: self.inner.clone(), tokens, given, lowered }));
            }
            if wait > LONGEST_WAIT {
                return Err(Refusal::Later(wait));
            }
            // Up to half of the time ahead is not too late for the next turn, and those who wait do not all come at once.
            sleep(wait + AHEAD.mul_f64(fastrand::f64() / 2.0)).await;
        }
    }
}

impl Inner {
    async fn ask(&self, tokens: u32) -> Result<(bool, Duration, u64, bool), Refusal> {
        let mut script = ADMIT.key(&self.key);
        script.arg(micros(AHEAD)).arg(self.period);
        for (cost, pace) in [(1, self.requests), (tokens, self.tokens)] {
            script.arg(cost).arg(pace.interval).arg(pace.burst);
        }
        let script = &script;
        let ask = |mut connection| async move { script.invoke_async(&mut connection).await };
        let (admitted, wait, now, lowered) =
            self.redis.call("rate", ask).await.map_err(|failure: Failure| Refusal::Unavailable(failure.to_string()))?;
        Ok((admitted, Duration::from_micros(wait), now, lowered))
    }
}

#[async_trait]
impl Permit for Turn {
    async fn settle(self: Box<Self>, outcome: Outcome) {
        let Self { limiter, tokens, given, lowered } = *self;
        let (what, real, after) = match outcome {
            Outcome::Answered(real) => ("answered", real, None),
            Outcome::Failed(real) => ("failed", real, None),
            Outcome::TooMany(after) => ("too-many", 0, after),
        };
        let limited = limiter.tokens != Pace::default() && real > 0;
        let more = if limited { i128::from(real) - i128::from(tokens) } else { 0 };
        if more == 0 && (what == "failed" || (what == "answered" && !lowered)) {
            return;
        }
        let mut script = SETTLE.key(&limiter.key);
        script.arg(what).arg(given).arg(more.to_string()).arg(limiter.tokens.interval);
        script.arg(limiter.period).arg(limiter.step).arg(micros(after.unwrap_or_default().min(DAY)));
        let script = &script;
        let settle = |mut connection| async move { script.invoke_async::<()>(&mut connection).await };
        // Unsettled, the request counts as estimated.
        let _told = limiter.redis.call("settle", settle).await;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_period_sees_more_than_the_limit_and_a_long_time_almost_all_of_it() {
        let period = Duration::from_secs(60);
        for (limit, used) in [(1, 1.0), (2, 0.5), (10, 0.9), (60, 0.97), (600, 0.97), (1_000_000, 0.97)] {
            let Pace { interval, burst } = Pace::of(NonZeroU32::new(limit).unwrap(), period);
            let (spread, at_once) = (60e6 / interval, burst / interval);
            assert!(limit == 1 || spread + at_once <= f64::from(limit) + 1e-6, "{limit}: {spread} and {at_once}");
            assert!(spread >= f64::from(limit) * used - 1e-6, "{limit}: {spread}");
        }
    }
}
