use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use langflix_ports::rate::{Limits, Permit, RateLimiter, Refusal, Sharers};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::LocalLimiter;

/// For so long a count of the sharers holds.
const COUNTED_FOR: Duration = Duration::from_secs(10);
/// A count that takes longer tells nothing.
const COUNTED_WITHIN: Duration = Duration::from_secs(5);

/// Keeps to the limit of the whole fleet, and while that cannot be asked to an equal share of it.
pub struct ShareWhileAway {
    fleet: Arc<dyn RateLimiter>,
    limits: Limits,
    sharers: Arc<dyn Sharers>,
    share: Mutex<Option<Share>>,
}

/// A share of the limit.
struct Share {
    of: NonZeroU32,
    counted: Instant,
    limiter: Arc<LocalLimiter>,
}

impl ShareWhileAway {
    /// Asks `fleet`, and else keeps to `limits` divided among the `sharers`.
    pub fn new(fleet: Arc<dyn RateLimiter>, limits: Limits, sharers: Arc<dyn Sharers>) -> Self {
        Self { fleet, limits, sharers, share: Mutex::default() }
    }

    /// Keeps to the share of one among as many as there are now, or were when they could be counted last; to the whole where
    /// they never could.
    async fn share(&self) -> Arc<LocalLimiter> {
        let mut share = self.share.lock().await;
        if let Some(share) = share.as_ref().filter(|share| share.counted.elapsed() < COUNTED_FOR) {
            return share.limiter.clone();
        }
        let counted = timeout(COUNTED_WITHIN, self.sharers.count()).await.ok().flatten();
        let before = share.take();
        let of = counted.or(before.as_ref().map(|share| share.of)).unwrap_or(NonZeroU32::MIN);
        let limiter = match before {
            Some(before) if before.of == of => before.limiter,
            _ => Arc::new(LocalLimiter::new(self.limits.share(of))),
        };
        share.insert(Share { of, counted: Instant::now(), limiter }).limiter.clone()
    }
}

#[async_trait]
impl RateLimiter for ShareWhileAway {
    async fn admit(&self, tokens: u32) -> Result<Box<dyn Permit>, Refusal> {
        match self.fleet.admit(tokens).await {
            // The limiter itself tells why.
            Err(Refusal::Unavailable(_)) => self.share().await.admit(tokens).await,
            decided => decided,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
        time::Duration,
    };

    use langflix_ports::rate::Outcome;
    use tokio::time::Instant;

    use super::*;

    /// A limiter that lets all through, unless it is away.
    #[derive(Default)]
    struct Fleet {
        away: AtomicBool,
        admitted: AtomicU32,
    }

    /// So many workers, of whom nobody knows where there are none.
    #[derive(Default)]
    struct Workers {
        there: AtomicU32,
        counted: AtomicUsize,
    }

    #[async_trait]
    impl Sharers for Workers {
        async fn count(&self) -> Option<NonZeroU32> {
            self.counted.fetch_add(1, Ordering::SeqCst);
            NonZeroU32::new(self.there.load(Ordering::SeqCst))
        }
    }

    struct Free;

    #[async_trait]
    impl Permit for Free {
        async fn settle(self: Box<Self>, _: Outcome) {}
    }

    #[async_trait]
    impl RateLimiter for Fleet {
        async fn admit(&self, _: u32) -> Result<Box<dyn Permit>, Refusal> {
            if self.away.load(Ordering::SeqCst) {
                return Err(Refusal::Unavailable("away".to_owned()));
            }
            self.admitted.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Free))
        }
    }

    fn limits(requests: u32) -> Limits {
        Limits { requests: NonZeroU32::new(requests), tokens: None, period: Duration::from_secs(60) }
    }

    /// How long so many requests take, in seconds.
    async fn taking(limiter: &ShareWhileAway, requests: u32) -> u64 {
        let began = Instant::now();
        for _ in 0..requests {
            limiter.admit(1).await.unwrap();
        }
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_keeps_to_its_share_for_as_long_as_the_fleet_cannot_be_asked() {
        let (fleet, workers) = (Arc::new(Fleet::default()), Arc::new(Workers::default()));
        workers.there.store(10, Ordering::SeqCst);
        let limiter = ShareWhileAway::new(fleet.clone(), limits(600), workers.clone());
        assert_eq!((taking(&limiter, 120).await, fleet.admitted.load(Ordering::SeqCst)), (0, 120));
        assert_eq!(workers.counted.load(Ordering::SeqCst), 0, "nobody is counted while the fleet can be asked");
        fleet.away.store(true, Ordering::SeqCst);
        // Sixty a minute of the six hundred: six at once, and then 54 a minute.
        assert_eq!((taking(&limiter, 114).await, fleet.admitted.load(Ordering::SeqCst)), (120, 120));
        // Once in ten seconds.
        assert!((11..=13).contains(&workers.counted.load(Ordering::SeqCst)));
        fleet.away.store(false, Ordering::SeqCst);
        assert_eq!((taking(&limiter, 120).await, fleet.admitted.load(Ordering::SeqCst)), (0, 240));
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_follows_the_number_of_workers_and_is_kept_while_nobody_knows_it() {
        let workers = Arc::new(Workers::default());
        workers.there.store(10, Ordering::SeqCst);
        let fleet = Arc::new(Fleet { away: AtomicBool::new(true), ..Fleet::default() });
        let limiter = ShareWhileAway::new(fleet, limits(600), workers.clone());
        assert_eq!(taking(&limiter, 60).await, 60);
        workers.there.store(0, Ordering::SeqCst);
        assert_eq!(taking(&limiter, 54).await, 60);
        // All of it: sixty at once, and then 540 a minute.
        workers.there.store(1, Ordering::SeqCst);
        let all = taking(&limiter, 54 * 10 + 60).await;
        assert!((60..=71).contains(&all), "{all} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_never_nothing() {
        let (fleet, workers) =
            (Arc::new(Fleet { away: AtomicBool::new(true), ..Fleet::default() }), Workers::default());
        workers.there.store(10, Ordering::SeqCst);
        let limiter = ShareWhileAway::new(fleet, limits(3), Arc::new(workers));
        assert!(limiter.admit(1).await.is_ok());
    }
}
