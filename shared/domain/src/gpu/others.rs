use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How many of the sessions that the driver counts are of other processes.
///
/// The driver counts them all together, and shows ours late: not before ffmpeg has read the source and opened one, and
/// still for a moment after it has ended. So a sample leaves a range, and only what falls out of it changes what is
/// held for true.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    sessions: u32,
    /// Since when we had how many clips at hand, the oldest first.
    own: VecDeque<(Instant, u32)>,
}

impl Others {
    /// How long after a clip was taken its session may be missing from a sample.
    const OPENING: Duration = Duration::from_secs(5);
    /// How long after a clip has ended its session may still be in a sample, whose own age is part of it.
    const CLOSING: Duration = Duration::from_secs(1);

    /// The number now, with `shown` sessions in the sample and `own` clips at hand.
    pub(super) fn update(&mut self, now: Instant, shown: u32, own: u32) -> u32 {
        if self.own.back().is_none_or(|&(_, last)| last != own) {
            self.own.push_back((now, own));
        }
        while self.own.get(1).is_some_and(|&(next, _)| now.saturating_duration_since(next) >= Self::OPENING) {
            self.own.pop_front();
        }
        let fewest = self.own.iter().map(|&(_, count)| count).min().unwrap_or(own);
        let ended = self.own.iter().skip(1).map(|&(next, _)| now.saturating_duration_since(next) >= Self::CLOSING);
        let most = self.own.iter().zip(ended.chain([false])).filter(|(_, ended)| !ended);
        let most = most.map(|(&(_, count), _)| count).max().unwrap_or(own);
        self.sessions = self.sessions.clamp(shown.saturating_sub(most), shown.saturating_sub(fewest));
        self.sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_ours_that_are_shown_late_are_not_taken_for_anothers_and_hide_none() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut others = Others::default();
        for (ms, shown, own, expected, why) in [
            (0, 1, 0, 1, "what we do not have is of others"),
            (100, 1, 1, 1, "ours is not shown yet"),
            (2000, 1, 1, 1, "ffmpeg may still be reading"),
            (2500, 2, 1, 1, "now it is"),
            (9000, 2, 1, 1, "and stays so"),
            (9500, 2, 0, 1, "ours has ended and is still shown"),
            (10_600, 2, 0, 2, "so it was another's"),
            (11_000, 0, 0, 0, "all are gone"),
        ] {
            assert_eq!(others.update(at(ms), shown, own), expected, "{why}");
        }
    }

    #[test]
    fn a_session_of_another_that_ends_is_noticed_while_ours_come_and_go() {
        let start = Instant::now();
        let mut others = Others::default();
        assert_eq!(others.update(start, 3, 2), 1);
        let last = (1..=20u64)
            .map(|n| others.update(start + Duration::from_millis(n * 500), 1 + n as u32 % 2, 1 + n as u32 % 2));
        assert_eq!(last.last(), Some(0));
    }
}
