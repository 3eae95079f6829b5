use std::time::{Duration, Instant};

use super::{GpuState, Saturation};

/// How many sessions the driver takes, which it does not tell and which may change.
///
/// Beyond what has been seen open at once, sessions are begun one at a time, so that finding the limit costs one
/// refusal and not a handful. After a refusal nothing goes beyond the limit for a while.
#[derive(Clone, Debug)]
pub(super) struct SessionLimit {
    configured: Option<u32>,
    /// As many as have been open at once since the last refusal, of all processes.
    proven: u32,
    refusal: Option<Refusal>,
    own: u32,
}

#[derive(Clone, Copy, Debug)]
struct Refusal {
    at: Instant,
    /// How many were open.
    limit: u32,
    /// How long nothing goes beyond the limit.
    wait: Duration,
    /// Clips begun since.
    begun: u32,
}

/// After a first refusal.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// Clips between one try and the next at a limit that has held once, so that about one in a hundred is refused.
const CLIPS_BETWEEN: u32 = 100;

impl Refusal {
    fn has_passed(&self, now: Instant) -> bool {
        let waited = now.saturating_duration_since(self.at);
        // With nothing allowed, nothing is begun that could be counted.
        let counted = self.limit == 0 || self.wait == FIRST_WAIT || self.begun >= CLIPS_BETWEEN;
        waited >= self.wait && (counted || waited >= LONGEST_WAIT)
    }
}

impl SessionLimit {
    /// What an operator allows is believed until a refusal.
    pub(super) fn new(configured: Option<u32>) -> Self {
        Self { configured, proven: configured.unwrap_or(0), refusal: None, own: 0 }
    }

    /// Notes that so many were open at once.
    pub(super) fn opened(&mut self, sessions: u32) {
        self.proven = self.proven.max(sessions);
    }

    /// Notes how many clips of ours are at hand.
    pub(super) fn begun(&mut self, own: u32) {
        if let Some(refusal) = &mut self.refusal {
            refusal.begun = refusal.begun.saturating_add(own.saturating_sub(self.own));
        }
        self.own = own;
    }

    /// Notes that one was refused while so many were open.
    pub(super) fn refused(&mut self, now: Instant, sessions: u32) {
        // The first refusal of a session that would have been the only one may be chance.
        let only_once = sessions == 0 && !(self.refusal.is_some() && self.proven <= 1);
        let limit = if only_once { 1 } else { sessions };
        let wait = match self.refusal {
            Some(last) if limit <= last.limit && last.has_passed(now) => (last.wait * 2).min(LONGEST_WAIT),
            // Clips that were begun together are refused together.
            Some(last) if limit <= last.limit => last.wait,
            _ => FIRST_WAIT,
        };
        self.proven = limit;
        self.refusal = Some(Refusal { at: now, limit, wait, begun: 0 });
    }

    /// How many may be begun while `open` are.
    pub(super) fn room(&self, now: Instant, open: u32) -> u32 {
        let explores = self.refusal.is_none_or(|refusal| refusal.has_passed(now));
        let learned = self.proven.saturating_add(u32::from(explores));
        learned.min(self.configured.unwrap_or(u32::MAX)).saturating_sub(open)
    }

    /// The state where there is no room.
    pub(super) fn state(&self, open: u32) -> GpuState {
        match (self.configured, self.refusal) {
            (Some(configured), _) if open >= configured => GpuState::Saturated { by: Saturation::Sessions },
            (_, Some(_)) => GpuState::SessionLimit { learned: self.proven },
            _ => GpuState::Saturated { by: Saturation::Opening },
        }
    }
}
