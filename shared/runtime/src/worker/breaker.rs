use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row are taken for the worker's own.
const FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Stops a worker that fails task after task, and tries one task now and then until one succeeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Breaker {
    failures: u32,
    /// Why the last one failed.
    why: String,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
        pause: Duration,
    },
    Probing {
        pause: Duration,
    },
}

/// What a breaker lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lets {
    /// All.
    All,
    /// One task at a time.
    One,
    /// None before that time.
    None(Instant),
}

impl Breaker {
    /// A task failed, and it may be the worker's own fault.
    pub(super) fn failed(&mut self, now: Instant, why: &str) {
        self.failures = self.failures.saturating_add(1);
        let pause = match self.state {
            State::Closed if self.failures < FAILURES => return,
            State::Closed => FIRST_PAUSE,
            State::Probing { pause } => (pause * 2).min(LONGEST_PAUSE),
            // A task that had begun before.
            State::Open { .. } => return,
        };
        why.clone_into(&mut self.why);
        self.state = State::Open { until: now + pause, pause };
    }

    /// A task succeeded.
    pub(super) fn succeeded(&mut self) {
        if self.failures > 0 {
            *self = Self::default();
        }
    }

    /// What it lets through now.
    pub(super) fn lets(&mut self, now: Instant) -> Lets {
        match self.state {
            State::Closed => Lets::All,
            State::Probing { .. } => Lets::One,
            State::Open { until, .. } if now < until => Lets::None(until),
            State::Open { pause, .. } => {
                self.state = State::Probing { pause };
                Lets::One
            }
        }
    }

    /// Why it does not let all through, in one line; nothing where it does.
    pub(super) fn why(&self) -> Option<String> {
        let failed = || format!("{} tasks failed in a row, the last one: {}", self.failures, self.why);
        match self.state {
            State::Closed => None,
            State::Open { pause, .. } => Some(format!("{}; one is tried after {} s", failed(), pause.as_secs())),
            State::Probing { .. } => Some(format!("{}; one is tried now", failed())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn broken(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(now, "no ffmpeg"));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_stop_it_and_a_success_between_does_not_let_them_add_up() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| breaker.failed(now, "no ffmpeg"));
            assert_eq!((breaker.lets(now), breaker.why()), (Lets::All, None));
            breaker.succeeded();
        }
        let mut breaker = broken(now);
        assert_eq!(breaker.lets(now), Lets::None(now + FIRST_PAUSE));
        assert_eq!(breaker.why().unwrap(), "5 tasks failed in a row, the last one: no ffmpeg; one is tried after 10 s");
    }

    #[test]
    fn after_the_pause_one_is_tried_and_its_failure_doubles_the_pause_up_to_five_minutes() {
        let mut now = Instant::now();
        let mut breaker = broken(now);
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            let until = now + Duration::from_secs(seconds);
            assert_eq!(breaker.lets(now), Lets::None(until));
            breaker.failed(now, "one that had begun before");
            assert_eq!(breaker.lets(until - Duration::from_millis(1)), Lets::None(until));
            now = until;
            assert_eq!((breaker.lets(now), breaker.lets(now)), (Lets::One, Lets::One));
            breaker.failed(now, "no ffmpeg");
        }
    }

    #[test]
    fn a_success_closes_it_whenever_it_comes() {
        let now = Instant::now();
        for later in [Duration::ZERO, FIRST_PAUSE] {
            let mut breaker = broken(now);
            let _ = breaker.lets(now + later);
            breaker.succeeded();
            assert_eq!(breaker, Breaker::default());
        }
    }

    proptest! {
        #[test]
        fn it_lets_all_through_only_while_fewer_than_five_failed_since_the_last_success(
            steps in proptest::collection::vec((any::<bool>(), 0..400u64), 0..60),
        ) {
            let mut now = Instant::now();
            let (mut breaker, mut failures) = (Breaker::default(), 0);
            for (success, seconds) in steps {
                now += Duration::from_secs(seconds);
                let lets = breaker.lets(now);
                prop_assert_eq!(lets == Lets::All, failures < FAILURES);
                prop_assert_eq!(breaker.why().is_none(), failures < FAILURES);
                if let Lets::None(until) = lets {
                    prop_assert!(until > now && until <= now + LONGEST_PAUSE);
                }
                if success { breaker.succeeded() } else { breaker.failed(now, "") }
                failures = if success { 0 } else { failures + 1 };
            }
        }
    }
}
