use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use langflix_ports::rate::{LONGEST_WAIT, Limits, Outcome, Permit, RateLimiter, Refusal};
use langflix_testkit::rate::rate_contract;
use tokio::time::{Instant, sleep, sleep_until};

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    AllowsTwice,
    UsesHalf,
    StartsFull,
    LimitsRequestsOnly,
    LimitsTokensOnly,
    RefusesWhatIsLarge,
    HoldsSomeBack,
    KeepsTheEstimate,
    TakesUnknownForNothing,
    TakesFailedForNothing,
    LimitsNothingToNothing,
    IgnoresPeace,
    KeepsThePeaceForEver,
    WaitsOutEveryPeace,
    TakesTheLastPeace,
}

/// What is let through is spread evenly.
struct Even {
    flaw: Flaw,
    limits: Limits,
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
}

struct State {
    /// When what was let through is paid for, by requests and by tokens.
    paid: [Instant; 2],
    /// Tokens used beyond the estimates; negative where they were too high.
    owed: i64,
    blocked: Instant,
}

struct Turn {
    limiter: Arc<Even>,
    estimate: u32,
}

impl Even {
    fn interval(&self, limit: Option<NonZeroU32>) -> Duration {
        let faster = match self.flaw {
            Flaw::AllowsTwice => 0.5,
            Flaw::UsesHalf => 2.0,
            _ => 1.0,
        };
        limit.map_or(Duration::ZERO, |limit| self.limits.period.mul_f64(faster / f64::from(limit.get())))
    }

    /// When a request of so many tokens is paid for.
    fn take(&self, tokens: u32) -> Instant {
        let (now, mut state) = (Instant::now(), self.state.lock().unwrap());
        let due = i64::from(tokens) + state.owed;
        let charged = u32::try_from(due.max(0)).unwrap_or(u32::MAX);
        state.owed = due - i64::from(charged);
        let costs = [self.interval(self.limits.requests), self.interval(self.limits.tokens) * charged];
        for (nth, cost) in costs.into_iter().enumerate() {
            let skipped = [Flaw::LimitsTokensOnly, Flaw::LimitsRequestsOnly].get(nth) == Some(&self.flaw);
            let full = if self.flaw == Flaw::StartsFull && nth == 0 { self.limits.period } else { Duration::ZERO };
            let paid = state.paid[nth].max(now - full);
            state.paid[nth] = if skipped { paid } else { paid + cost };
        }
        state.paid[0].max(state.paid[1])
    }

    fn settle(&self, estimate: u32, outcome: Outcome) {
        let (now, mut state) = (Instant::now(), self.state.lock().unwrap());
        let real = match (outcome, self.flaw) {
            (_, Flaw::KeepsTheEstimate) => None,
            (Outcome::Answered(0), Flaw::TakesUnknownForNothing) => Some(0),
            (Outcome::Failed(_), Flaw::TakesFailedForNothing) => Some(0),
            (Outcome::Answered(0) | Outcome::Failed(0) | Outcome::TooMany(_), _) => None,
            (Outcome::Answered(real) | Outcome::Failed(real), _) => Some(i64::try_from(real).unwrap()),
        };
        state.owed += real.map_or(0, |real| real - i64::from(estimate));
        if let Outcome::TooMany(Some(after)) = outcome
            && self.flaw != Flaw::IgnoresPeace
        {
            let until = now + if self.flaw == Flaw::KeepsThePeaceForEver { after * 30 } else { after };
            state.blocked = if self.flaw == Flaw::TakesTheLastPeace { until } else { state.blocked.max(until) };
        }
    }
}

/// What the trait's methods need to give out permits.
struct Limiter(Arc<Even>);

#[async_trait]
impl RateLimiter for Limiter {
    async fn admit(&self, tokens: u32) -> Result<Box<dyn Permit>, Refusal> {
        let even = &self.0;
        if even.flaw == Flaw::LimitsNothingToNothing && even.limits.requests.or(even.limits.tokens).is_none() {
            sleep(Duration::from_millis(50)).await;
        }
        if even.flaw == Flaw::RefusesWhatIsLarge && even.limits.tokens.is_some_and(|limit| tokens > limit.get() / 4) {
            return Err(Refusal::Later(Duration::MAX));
        }
        let turn = even.turn.lock().await;
        let blocked = even.state.lock().unwrap().blocked;
        let left = blocked.duration_since(Instant::now());
        if left > LONGEST_WAIT && even.flaw != Flaw::WaitsOutEveryPeace {
            return Err(Refusal::Later(left));
        }
        sleep_until(blocked).await;
        let mut paid = even.take(tokens);
        if even.flaw == Flaw::HoldsSomeBack && fastrand::bool() {
            drop(turn);
            paid += Duration::from_millis(150);
        }
        sleep_until(paid).await;
        Ok(Box::new(Turn { limiter: even.clone(), estimate: tokens }))
    }
}

#[async_trait]
impl Permit for Turn {
    async fn settle(self: Box<Self>, outcome: Outcome) {
        self.limiter.settle(self.estimate, outcome);
    }
}

async fn found(flaw: Flaw) -> Option<String> {
    let new = |limits: Limits| -> Arc<dyn RateLimiter> {
        let now = Instant::now();
        let full = if flaw == Flaw::StartsFull { limits.period } else { Duration::ZERO };
        let state = Mutex::new(State { paid: [now - full, now], owed: 0, blocked: now });
        Arc::new(Limiter(Arc::new(Even { flaw, limits, state, turn: tokio::sync::Mutex::default() })))
    };
    verdict(rate_contract(new)).await
}

#[tokio::test(start_paused = true)]
async fn a_sound_limiter_passes() {
    assert_eq!(found(Flaw::None).await, None);
}

#[tokio::test(start_paused = true)]
async fn each_flaw_of_a_limiter_is_found_by_what_it_breaks() {
    let flaws = [
        (Flaw::AllowsTwice, "half a period's tokens"),
        (Flaw::UsesHalf, "are allowed each"),
        (Flaw::StartsFull, "in a period of"),
        (Flaw::LimitsRequestsOnly, "in a period of"),
        (Flaw::LimitsTokensOnly, "in a period of 60"),
        (Flaw::RefusesWhatIsLarge, "takes no requests"),
        (Flaw::HoldsSomeBack, "in order"),
        (Flaw::KeepsTheEstimate, "half a period's tokens"),
        (Flaw::TakesUnknownForNothing, "an estimate of a quarter"),
        (Flaw::TakesFailedForNothing, "half a period's tokens"),
        (Flaw::LimitsNothingToNothing, "nothing is limited"),
        (Flaw::IgnoresPeace, "the provider asked for a second"),
        (Flaw::KeepsThePeaceForEver, "of the 200 s"),
        (Flaw::WaitsOutEveryPeace, "let through although"),
        (Flaw::TakesTheLastPeace, "let through although"),
    ];
    for (flaw, says) in flaws {
        let verdict = found(flaw).await;
        assert!(verdict.as_ref().is_some_and(|text| text.contains(says)), "{flaw:?}: {verdict:?}");
    }
}
