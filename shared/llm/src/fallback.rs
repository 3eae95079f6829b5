use std::{num::NonZeroU32, sync::Arc};

use async_trait::async_trait;
use langflix_ports::rate::{Limits, Permit, RateLimiter, Refusal};

use crate::LocalLimiter;

/// Keeps to the limit of the whole fleet, and while that cannot be asked to an equal share of it.
pub struct ShareWhileAway {
    fleet: Arc<dyn RateLimiter>,
    share: LocalLimiter,
}

impl ShareWhileAway {
    /// Asks `fleet`, and else keeps to `limits` divided among so many `replicas`.
    pub fn new(fleet: Arc<dyn RateLimiter>, limits: Limits, replicas: NonZeroU32) -> Self {
        let share = |limit: NonZeroU32| NonZeroU32::new(limit.get() / replicas).unwrap_or(NonZeroU32::MIN);
        let (requests, tokens) = (limits.requests.map(share), limits.tokens.map(share));
        Self { fleet, share: LocalLimiter::new(Limits { requests, tokens, ..limits }) }
    }
}

#[async_trait]
impl RateLimiter for ShareWhileAway {
    async fn admit(&self, tokens: u32) -> Result<Box<dyn Permit>, Refusal> {
        match self.fleet.admit(tokens).await {
            // The limiter itself tells why.
            Err(Refusal::Unavailable(_)) => self.share.admit(tokens).await,
            decided => decided,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicU32, Ordering},
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

    #[tokio::test(start_paused = true)]
    async fn a_worker_keeps_to_its_share_for_as_long_as_the_fleet_cannot_be_asked() {
        let fleet = Arc::new(Fleet::default());
        let limiter = ShareWhileAway::new(fleet.clone(), limits(600), NonZeroU32::new(10).unwrap());
        let taken = async |requests: u32| {
            let began = Instant::now();
            for _ in 0..requests {
                limiter.admit(1).await.unwrap();
            }
            began.elapsed().as_secs()
        };
        assert_eq!((taken(120).await, fleet.admitted.load(Ordering::SeqCst)), (0, 120));
        fleet.away.store(true, Ordering::SeqCst);
        // Sixty a minute of the six hundred: six at once, and then 54 a minute.
        assert_eq!((taken(114).await, fleet.admitted.load(Ordering::SeqCst)), (120, 120));
        fleet.away.store(false, Ordering::SeqCst);
        assert_eq!((taken(120).await, fleet.admitted.load(Ordering::SeqCst)), (0, 240));
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_never_nothing() {
        let fleet = Arc::new(Fleet { away: AtomicBool::new(true), ..Fleet::default() });
        let limiter = ShareWhileAway::new(fleet, limits(3), NonZeroU32::new(10).unwrap());
        assert!(limiter.admit(1).await.is_ok());
    }
}
