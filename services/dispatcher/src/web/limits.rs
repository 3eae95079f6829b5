use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::{sync::Semaphore, time::sleep};

/// Requests a second over a longer time, and at once, of those who may look. A page takes some twenty for its files, and few
/// after that.
const A_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
const AT_ONCE: NonZeroU32 = NonZeroU32::new(400).unwrap();
/// The same of all others together, who are refused: a browser asks once, and then its user.
const REFUSED_A_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const REFUSED_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Requests that are worked on at the same time.
const WORKED_ON: usize = 64;
/// Wrong tokens of one address, a minute and at once.
const WRONG: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Addresses that gave wrong tokens and are remembered.
const REMEMBERED: usize = 4096;

/// How often the log tells of refusals.
const BETWEEN_LINES: Duration = Duration::from_mins(1);

/// How much is taken of whoever asks.
pub(super) struct Limits {
    requests: DefaultDirectRateLimiter,
    refused: DefaultDirectRateLimiter,
    wrong: DefaultKeyedRateLimiter<IpAddr>,
    pub(super) worked_on: Semaphore,
    pub(super) refusals: Refusals,
}

/// Requests that were refused: the log tells of them at most once a minute, and of each within one.
#[derive(Default)]
pub(super) struct Refusals(Arc<Mutex<Untold>>);

#[derive(Default)]
struct Untold {
    refused: u64,
    wrong_tokens: u64,
    last_peer: Option<IpAddr>,
    /// Whether there was a line within the last minute, so that the next one waits.
    waits: bool,
}

impl Refusals {
    /// Counts one of `peer`, which may have come with a wrong token.
    pub(super) fn count(&self, peer: Option<IpAddr>, wrong: bool) {
        let mut untold = lock(&self.0);
        untold.refused += 1;
        untold.wrong_tokens += u64::from(wrong);
        untold.last_peer = peer;
        if std::mem::replace(&mut untold.waits, true) {
            return;
        }
        untold.tell();
        drop(untold);
        let untold = Arc::clone(&self.0);
        // Whoever guessed may not come again.
        tokio::spawn(async move {
            loop {
                sleep(BETWEEN_LINES).await;
                let mut untold = lock(&untold);
                if untold.refused == 0 {
                    untold.waits = false;
                    return;
                }
                untold.tell();
            }
        });
    }
}

fn lock(untold: &Mutex<Untold>) -> MutexGuard<'_, Untold> {
    untold.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Untold {
    fn tell(&mut self) {
        let (refused, last_peer) = (std::mem::take(&mut self.refused), self.last_peer.map(tracing::field::display));
        match std::mem::take(&mut self.wrong_tokens) {
            // A browser asks without a token first.
            0 => tracing::info!(refused, last_peer, "requests to the page were refused"),
            wrong_tokens => tracing::warn!(refused, wrong_tokens, last_peer, "requests to the page were refused"),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: RateLimiter::direct(Quota::per_second(A_SECOND).allow_burst(AT_ONCE)),
            refused: RateLimiter::direct(Quota::per_second(REFUSED_A_SECOND).allow_burst(REFUSED_AT_ONCE)),
            wrong: RateLimiter::keyed(Quota::per_minute(WRONG)),
            worked_on: Semaphore::new(WORKED_ON),
            refusals: Refusals::default(),
        }
    }
}

impl Limits {
    /// Whether one more request is taken now, of somebody who may look or of one of the others: these take nothing away
    /// from those.
    pub(super) fn takes(&self, may_look: bool) -> bool {
        let requests = if may_look { &self.requests } else { &self.refused };
        requests.check().is_ok()
    }

    /// Counts a wrong token of `peer`; `false` where that had too many.
    pub(super) fn forgives(&self, peer: IpAddr) -> bool {
        if self.wrong.len() > REMEMBERED {
            self.wrong.retain_recent();
        }
        // Whoever has more addresses than are remembered is no longer told apart.
        let peer = if self.wrong.len() > REMEMBERED { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { network(peer) };
        self.wrong.check_key(&peer).is_ok()
    }
}

/// The network of an address: a customer has a whole one of IPv6.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_of_one_address_are_forgiven_for_a_while_and_those_of_others_all_the_same() {
        let limits = Limits::default();
        let peer = |text: &str| text.parse::<IpAddr>().unwrap();
        let forgiven = (0..50).filter(|_| limits.forgives(peer("10.0.0.1"))).count();
        assert!((10..12).contains(&forgiven), "{forgiven}");
        assert!(limits.forgives(peer("10.0.0.2")));
        let of_one_network = |last: u16| peer(&format!("2001:db8::{last:x}"));
        assert!((1..50).filter(|last| limits.forgives(of_one_network(*last))).count() < 12);
    }

    #[tokio::test(start_paused = true)]
    async fn each_refusal_is_told_within_a_minute_though_nobody_comes_after_it() {
        let refusals = Refusals::default();
        let untold = || lock(&refusals.0).refused;
        for _ in 0..12 {
            refusals.count(None, true);
        }
        assert_eq!(untold(), 11, "only the first one was told at once");
        sleep(BETWEEN_LINES + Duration::from_secs(1)).await;
        assert_eq!(untold(), 0);
        refusals.count(None, true);
        assert_eq!(untold(), 1, "a line a minute");
        sleep(BETWEEN_LINES * 3).await;
        refusals.count(None, true);
        assert_eq!(untold(), 0, "after a quiet minute the next one is told at once");
    }

    #[test]
    fn strangers_take_nothing_from_those_who_may_look() {
        let limits = Limits::default();
        let taken = (0..1000).filter(|_| limits.takes(false)).count();
        assert!((100..120).contains(&taken), "{taken}");
        assert!((0..400).all(|_| limits.takes(true)));
    }

    #[test]
    fn no_number_of_addresses_takes_more_memory() {
        let limits = Limits::default();
        for number in 0..20_000_u32 {
            limits.forgives(IpAddr::V4(number.into()));
        }
        assert!(limits.wrong.len() <= REMEMBERED + 2, "{}", limits.wrong.len());
    }
}
