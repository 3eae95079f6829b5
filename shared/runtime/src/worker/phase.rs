use std::time::Duration;

use tokio::time::Instant;

/// How long consumers may take to be cancelled, and messages to be handed back, when the process ends.
const LAST_WITHIN: Duration = Duration::from_secs(10);

/// How near an intake's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Far.
    Taking,
    /// What runs may finish until then; consumers must be cancelled before `lanes`.
    Draining { lanes: Instant, until: Instant },
    /// What runs is handed back until then.
    HandingBack { until: Instant },
}

/// What a phase's time asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing before that time, if ever.
    Nothing(Option<Instant>),
    /// Consumers are not waited for any longer; the next time is that.
    DropConsumers(Instant),
    /// What runs is to be handed back.
    HandBack,
    /// Nothing is waited for any longer.
    GiveUp,
}

impl Phase {
    /// What runs may take `limit` to finish.
    pub(super) fn draining(now: Instant, limit: Duration) -> Self {
        Self::Draining { lanes: now + LAST_WITHIN, until: now + limit }
    }

    /// What runs is handed back from now on.
    pub(super) fn handing_back(now: Instant) -> Self {
        Self::HandingBack { until: now + LAST_WITHIN }
    }

    /// What it is time for.
    pub(super) fn due(self, now: Instant) -> Due {
        match self {
            Self::Taking => Due::Nothing(None),
            Self::Draining { until, .. } if until <= now => Due::HandBack,
            Self::Draining { lanes, until } if lanes <= now => Due::DropConsumers(until),
            Self::Draining { lanes, until } => Due::Nothing(Some(lanes.min(until))),
            Self::HandingBack { until } if until <= now => Due::GiveUp,
            Self::HandingBack { until } => Due::Nothing(Some(until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_its_times() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(Phase::Taking.due(after(1_000_000)), Due::Nothing(None));
        let draining = Phase::draining(now, Duration::from_secs(60));
        assert_eq!(draining.due(now), Due::Nothing(Some(after(10))));
        assert_eq!(draining.due(after(10)), Due::DropConsumers(after(60)));
        assert_eq!(draining.due(after(60)), Due::HandBack);
        assert_eq!(Phase::draining(now, Duration::ZERO).due(now), Due::HandBack);
        let handing_back = Phase::handing_back(now);
        assert_eq!((handing_back.due(now), handing_back.due(after(10))), (Due::Nothing(Some(after(10))), Due::GiveUp));
    }
}
