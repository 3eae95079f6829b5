use std::time::Duration;

use langflix_measures::Closed;
use tokio::time::Instant;

use super::breaker::{Breaker, Lets};
use crate::pressure::Short;

const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// Whether tasks may be begun at all: not while draining, not in a pause, and as the breaker and what is short let them.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    pub(super) breaker: Breaker,
    paused: Option<(Instant, String)>,
    short: Option<Short>,
    draining: bool,
}

/// How far a gate is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// Most tasks that may run, where there is such a number.
    pub(super) most: Option<u16>,
    /// When to look again by oneself.
    pub(super) again: Option<Instant>,
}

impl Gate {
    /// Nothing more is begun.
    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    /// Nothing is begun for that long, a day at most, and why; a longer pause holds.
    pub(super) fn pause(&mut self, now: Instant, lasting: Duration, why: String) {
        let until = now + lasting.min(LONGEST_PAUSE);
        if self.paused.as_ref().is_none_or(|(held, _)| *held < until) {
            self.paused = Some((until, why));
        }
    }

    /// That is short now, or nothing.
    pub(super) fn press(&mut self, short: Option<Short>) {
        self.short = short;
    }

    /// How far it is open now.
    pub(super) fn opening(&mut self, now: Instant) -> Opening {
        if self.draining {
            return Opening { most: Some(0), again: None };
        }
        if self.paused.as_ref().is_some_and(|(until, _)| *until <= now) {
            self.paused = None;
        }
        if let Some((until, _)) = self.paused {
            return Opening { most: Some(0), again: Some(until) };
        }
        let pressed = self.short.as_ref().map(|short| short.most);
        match self.breaker.lets(now) {
            Lets::All => Opening { most: pressed, again: None },
            Lets::One => Opening { most: Some(pressed.map_or(1, |most| most.min(1))), again: None },
            Lets::None(until) => Opening { most: Some(0), again: Some(until) },
        }
    }

    /// Why it is not wide open, and that in one line; nothing where it is.
    pub(super) fn why(&self) -> Option<(Closed, String)> {
        let paused = || self.paused.as_ref().map(|(_, why)| (Closed::Paused, format!("paused: {why}")));
        let short = || self.short.as_ref().map(|short| (short.closed, short.why.clone()));
        paused().or_else(|| self.breaker.why().map(|why| (Closed::Breaker, why))).or_else(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn the_longest_pause_holds_and_ends_by_itself() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.pause(now, 2 * MINUTE, "no quota".to_owned());
        gate.pause(now, MINUTE, "no encoder".to_owned());
        assert_eq!(gate.opening(now + MINUTE), Opening { most: Some(0), again: Some(now + 2 * MINUTE) });
        assert_eq!(gate.why(), Some((Closed::Paused, "paused: no quota".to_owned())));
        assert_eq!(gate.opening(now + 2 * MINUTE), Opening { most: None, again: None });
        assert_eq!(gate.why(), None);
    }

    #[test]
    fn the_breaker_counts_when_the_pause_is_over_and_draining_closes_for_good() {
        let now = Instant::now();
        let mut gate = Gate::default();
        (0..5).for_each(|_| gate.breaker.failed(now, "no ffmpeg"));
        gate.pause(now, MINUTE, "no quota".to_owned());
        assert_eq!(gate.opening(now), Opening { most: Some(0), again: Some(now + MINUTE) });
        assert_eq!(gate.opening(now + MINUTE), Opening { most: Some(1), again: None });
        let (closed, why) = gate.why().unwrap();
        assert!(closed == Closed::Breaker && why.ends_with("one is tried now"), "{why}");
        gate.drain();
        assert_eq!(gate.opening(now + MINUTE), Opening { most: Some(0), again: None });
    }

    #[test]
    fn what_is_short_counts_beside_the_breaker() {
        let (now, mut gate) = (Instant::now(), Gate::default());
        let short = |most| Some(Short { most, closed: Closed::Memory, why: "memory: all but gone".to_owned() });
        gate.press(short(1));
        assert_eq!(gate.opening(now), Opening { most: Some(1), again: None });
        assert_eq!(gate.why(), Some((Closed::Memory, "memory: all but gone".to_owned())));
        (0..5).for_each(|_| gate.breaker.failed(now, "no ffmpeg"));
        gate.press(short(0));
        assert_eq!(gate.opening(now + MINUTE), Opening { most: Some(0), again: None });
        assert!(matches!(gate.why(), Some((Closed::Breaker, _))));
        gate.press(None);
        assert_eq!(gate.opening(now + MINUTE), Opening { most: Some(1), again: None });
    }
}
