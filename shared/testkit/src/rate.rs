//! What every rate limiter does, whatever it stands on.

use std::{cell::RefCell, num::NonZeroU32, sync::Arc, time::Duration};

use futures::{future::join_all, join};
use langflix_ports::rate::{Limits, Outcome, Permit, RateLimiter, Refusal};
use tokio::time::Instant;

/// A minute that goes by quickly, for the sake of those who know no clock but the real one.
const PERIOD: Duration = Duration::from_secs(4);
const REQUESTS: u32 = 60;
const TOKENS: u32 = 600;
/// What no limiter takes for nothing.
const SOON: Duration = Duration::from_millis(500);

/// Holds rate limiters, of which `new` gives one each time that nobody used before, to all that [`RateLimiter`] promises.
/// They wait by tokio's clock, which may be paused where they have no other; eight seconds go by on it.
///
/// # Panics
/// Where a limiter breaks a promise.
pub async fn rate_contract(new: impl Fn(Limits) -> Arc<dyn RateLimiter>) {
    let limiter = |requests, tokens| {
        new(Limits { requests: NonZeroU32::new(requests), tokens: NonZeroU32::new(tokens), period: PERIOD })
    };
    // Most of them wait for most of their time.
    join!(
        requests_are_kept_to_and_used(limiter(REQUESTS, 0)),
        tokens_are_kept_to_and_used(limiter(0, TOKENS)),
        the_narrower_limit_holds(limiter(1_000_000, TOKENS)),
        those_who_wait_are_let_through_in_order(limiter(REQUESTS, 0)),
        what_was_not_used_may_be_used(limiter(0, TOKENS)),
        what_was_used_beyond_the_estimate_is_waited_for(limiter(0, TOKENS)),
        where_the_cost_is_unknown_the_estimate_stands(limiter(0, TOKENS)),
        a_short_peace_is_kept(limiter(0, 0)),
        a_long_peace_is_told(limiter(0, 0)),
        without_limits_all_are_let_through(limiter(0, 0)),
    );
}

async fn admit(limiter: &dyn RateLimiter, tokens: u32) -> Box<dyn Permit> {
    limiter.admit(tokens).await.unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// How long a request of so many tokens waits.
async fn waiting(limiter: &dyn RateLimiter, tokens: u32) -> Duration {
    let began = Instant::now();
    admit(limiter, tokens).await;
    began.elapsed()
}

/// When each of so many requests of so many tokens was let through.
async fn paced(limiter: &dyn RateLimiter, requests: u32, tokens: u32) -> Vec<Instant> {
    let mut at = join_all((0..requests).map(|_| async {
        admit(limiter, tokens).await;
        Instant::now()
    }))
    .await;
    at.sort();
    at
}

/// Looks whether at most `limit` of the requests, which began at `began`, came within any period, and almost so many.
fn keeps_to(limit: usize, began: Instant, at: &[Instant]) {
    let within = |start: &Instant| at.iter().filter(|at| *at >= start && at.duration_since(*start) < PERIOD).count();
    let most = at.iter().map(within).max().unwrap_or_default();
    // Where the clock is the real one, a request that is late is nearer to the next.
    assert!(most <= limit + limit.div_ceil(20), "{most} in a period of {limit}");
    let took = at.last().map_or(Duration::ZERO, |last| last.duration_since(began));
    let longest = PERIOD.mul_f64(at.len() as f64 / limit as f64 * 1.25);
    assert!(took <= longest, "{} take {took:?}, and {limit} are allowed each {PERIOD:?}", at.len());
}

async fn requests_are_kept_to_and_used(limiter: Arc<dyn RateLimiter>) {
    let began = Instant::now();
    keeps_to(60, began, &paced(&*limiter, 90, 1).await);
}

async fn tokens_are_kept_to_and_used(limiter: Arc<dyn RateLimiter>) {
    let began = Instant::now();
    keeps_to(20, began, &paced(&*limiter, 30, TOKENS / 20).await);
}

/// A request of more tokens than may come at once is let through all the same.
async fn the_narrower_limit_holds(limiter: Arc<dyn RateLimiter>) {
    let began = Instant::now();
    keeps_to(2, began, &paced(&*limiter, 3, TOKENS / 2).await);
}

async fn those_who_wait_are_let_through_in_order(limiter: Arc<dyn RateLimiter>) {
    let order = RefCell::new(Vec::new());
    join_all((0..20).map(|nth| {
        let (limiter, order) = (&limiter, &order);
        async move {
            admit(&**limiter, 1).await;
            order.borrow_mut().push(nth);
        }
    }))
    .await;
    let order = order.into_inner();
    assert!(order.is_sorted(), "those who wait are let through in order: {order:?}");
}

async fn what_was_not_used_may_be_used(limiter: Arc<dyn RateLimiter>) {
    admit(&*limiter, 300).await.settle(Outcome::Answered(30)).await;
    let waited = waiting(&*limiter, 150).await;
    assert!(waited < SOON, "most of the estimate comes back: {waited:?}");
}

async fn what_was_used_beyond_the_estimate_is_waited_for(limiter: Arc<dyn RateLimiter>) {
    for outcome in [Outcome::Answered(315), Outcome::Failed(315)] {
        admit(&*limiter, 15).await.settle(outcome).await;
        let waited = waiting(&*limiter, 15).await;
        assert!(waited > Duration::from_millis(1200), "half a period's tokens were used: {waited:?}");
    }
}

async fn where_the_cost_is_unknown_the_estimate_stands(limiter: Arc<dyn RateLimiter>) {
    admit(&*limiter, 300).await.settle(Outcome::Answered(0)).await;
    let settled = waiting(&*limiter, 150).await;
    // That one is dropped unsettled.
    let dropped = waiting(&*limiter, 150).await;
    assert!(settled > SOON && dropped > SOON, "an estimate of a quarter of a period: {settled:?} and {dropped:?}");
}

async fn a_short_peace_is_kept(limiter: Arc<dyn RateLimiter>) {
    admit(&*limiter, 1).await.settle(Outcome::TooMany(Some(Duration::from_secs(1)))).await;
    let kept = waiting(&*limiter, 1).await;
    assert!((900..3000).contains(&kept.as_millis()), "the provider asked for a second: {kept:?}");
    let over = waiting(&*limiter, 1).await;
    assert!(over < SOON, "the peace is over: {over:?}");
}

async fn a_long_peace_is_told(limiter: Arc<dyn RateLimiter>) {
    let (one, other) = (admit(&*limiter, 1).await, admit(&*limiter, 1).await);
    one.settle(Outcome::TooMany(Some(Duration::from_secs(200)))).await;
    // A shorter one that is told later ends no longer one.
    other.settle(Outcome::TooMany(Some(Duration::from_secs(1)))).await;
    let began = Instant::now();
    let Err(Refusal::Later(left)) = limiter.admit(1).await else {
        panic!("let through although the provider wants none")
    };
    assert!(began.elapsed() < SOON, "a long peace is told at once");
    assert!((190..=200).contains(&left.as_secs()), "{left:?} of the 200 s that the provider asked for");
}

async fn without_limits_all_are_let_through(limiter: Arc<dyn RateLimiter>) {
    let began = Instant::now();
    for _ in 0..100 {
        admit(&*limiter, 1_000_000).await.settle(Outcome::Answered(2_000_000)).await;
    }
    let took = began.elapsed();
    assert!(took < PERIOD, "nothing is limited: {took:?}");
}
