use std::time::{Duration, Instant};

/// Closed at a limit, and open again only where it is better by a margin, so that a figure at the limit opens and closes
/// nothing again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gate {
    closed: bool,
}

impl Gate {
    /// Whether it is closed now.
    pub(super) fn is_closed(&mut self, beyond_limit: bool, better_by_margin: bool) -> bool {
        self.closed = beyond_limit || (self.closed && !better_by_margin);
        self.closed
    }
}

/// A noisy figure, its past fading with time, so that it does not matter how often it is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Smoothed {
    last: Option<(Instant, f64)>,
}

impl Smoothed {
    /// In which time the past fades to a third. A fall from 100 to nothing passes 90 within one sample of 500 ms.
    const FADING: Duration = Duration::from_secs(1);

    /// The figure now; `None` forgets the past.
    pub(super) fn update(&mut self, now: Instant, raw: Option<f64>) -> Option<f64> {
        self.last = raw.map(|raw| match self.last {
            None => (now, raw),
            Some((at, past)) => {
                let passed = now.saturating_duration_since(at).as_secs_f64();
                (now.max(at), raw + (past - raw) * (-passed / Self::FADING.as_secs_f64()).exp())
            }
        });
        self.last.map(|(_, value)| value)
    }
}
