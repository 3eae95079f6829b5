use std::{fmt, ops};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A position or a duration on an episode's timeline, in whole milliseconds.
///
/// Zero is the first presentation time of the container, whatever timestamp it carries: a transport stream that
/// starts at 17.7 s still starts at zero here, as players show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The start of the timeline.
    pub const ZERO: Self = Self(0);

    /// `ms` milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// `s` whole seconds.
    pub const fn from_secs(s: i64) -> Self {
        Self(s * 1000)
    }

    /// The value in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl ops::Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl ops::Sub for MediaTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Writes `[-]H:MM:SS.mmm`, the form used in every message to people.
impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
    }
}

/// A stretch of an episode's timeline, `start` included, `end` excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First moment, in milliseconds.
    pub start: MediaTime,
    /// First moment after the stretch, in milliseconds.
    pub end: MediaTime,
}

impl Span {
    /// The stretch from `start` to `end`, both in milliseconds; an `end` before `start` gives an empty stretch.
    pub const fn from_millis(start: i64, end: i64) -> Self {
        Self {
            start: MediaTime::from_millis(start),
            end: MediaTime::from_millis(if end < start { start } else { end }),
        }
    }

    /// How long it lasts; zero for an empty stretch.
    pub fn duration(self) -> MediaTime {
        MediaTime::from_millis((self.end - self.start).as_millis().max(0))
    }

    /// How long both stretches run at the same time; zero where they do not meet.
    pub fn overlap(self, other: Self) -> MediaTime {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }.duration()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_hours_and_milliseconds() {
        assert_eq!(MediaTime::from_millis(3_723_004).to_string(), "1:02:03.004");
        assert_eq!(MediaTime::from_millis(-1_500).to_string(), "-0:00:01.500");
    }

    #[test]
    fn stretches_that_only_touch_do_not_overlap() {
        assert_eq!(Span::from_millis(0, 10).overlap(Span::from_millis(10, 20)), MediaTime::ZERO);
        assert_eq!(Span::from_millis(0, 15).overlap(Span::from_millis(10, 20)), MediaTime::from_millis(5));
    }
}
