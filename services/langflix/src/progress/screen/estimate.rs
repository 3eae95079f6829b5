//! How quickly it goes, and when it may end.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use langflix_domain::RunId;

use super::{Count, Episode};

/// A rate is that of so long.
const WINDOW: Duration = Duration::from_secs(180);
/// Of less than this nothing is concluded.
const LEAST: Duration = Duration::from_secs(15);
/// Nor of fewer tasks.
const LEAST_TASKS: u64 = 3;

/// Tasks done over time, chunks and clips.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many of a run were done at the last look.
    last: BTreeMap<RunId, [usize; 2]>,
    /// All that were done since the first look.
    done: [u64; 2],
    history: VecDeque<(Duration, [u64; 2])>,
}

/// Chunks and clips of a run.
fn counts(episode: &Episode) -> [Option<Count>; 2] {
    [episode.analysis, episode.encoding]
}

/// Tasks of a stage over all episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    pub(super) done: usize,
    /// Those that are known.
    pub(super) tasks: usize,
    /// Whether these are all: how many clips come shows only behind the chunks.
    pub(super) whole: bool,
    /// All there may be, where episodes that are not planned have as many as the others; `None` where none is planned.
    pub(super) expected: Option<f64>,
}

impl Sum {
    /// Of chunks (0) or clips (1).
    pub(super) fn of(stage: usize, episodes: &[Episode]) -> Self {
        let (mut done, mut tasks, mut planned, mut unplanned) = (0, 0, 0, 0);
        for episode in episodes {
            match counts(episode).get(stage).copied().flatten() {
                Some(count) => {
                    // Of one that has ended nothing is left, whatever became of it.
                    done += if episode.status.is_some() { count.tasks } else { count.done };
                    tasks += count.tasks;
                    planned += 1;
                }
                None if episode.status.is_some() => planned += 1,
                None => unplanned += 1,
            }
        }
        let of_others = || (tasks as f64 / f64::from(planned)) * f64::from(unplanned);
        let expected = match (planned, unplanned) {
            (0, 1..) => None,
            (_, 0) => Some(tasks as f64),
            _ => Some(tasks as f64 + of_others()),
        };
        Self { done, tasks, whole: unplanned == 0, expected }
    }
}

impl Pace {
    pub(super) fn look(&mut self, at: Duration, episodes: &[Episode]) {
        for episode in episodes {
            let now = counts(episode).map(|count| count.unwrap_or_default().done);
            // What was done before anybody looked took another's time, and what is done again counts again.
            let before = self.last.insert(episode.run.clone(), now).unwrap_or(now);
            for (sum, (now, before)) in self.done.iter_mut().zip(now.into_iter().zip(before)) {
                *sum += now.saturating_sub(before) as u64;
            }
        }
        self.history.push_back((at, self.done));
        while self.history.get(1).is_some_and(|(second, _)| at.saturating_sub(*second) >= WINDOW) {
            self.history.pop_front();
        }
    }

    /// Tasks a minute of a stage, and how many that is concluded from; `None` before there is anything to go by.
    fn rate(&self, stage: usize) -> Option<(f64, u64)> {
        let (first, last) = (self.history.front()?, self.history.back()?);
        let span = last.0.saturating_sub(first.0);
        let done = last.1.get(stage)? - first.1.get(stage)?;
        (span >= LEAST).then(|| (done as f64 * 60.0 / span.as_secs_f64(), done))
    }

    /// Chunks and clips a minute.
    pub(super) fn a_minute(&self) -> [Option<f64>; 2] {
        [0, 1].map(|stage| Some(self.rate(stage)?.0))
    }

    /// How long it still takes at the present rate; `None` where that is not known, or nothing is left.
    pub(super) fn left(&self, episodes: &[Episode]) -> Option<Duration> {
        let stages = [0, 1].map(|stage| self.left_of(stage, episodes));
        // Both stages go on at once.
        let longest = stages.into_iter().try_fold(0.0, |longest: f64, minutes| Some(longest.max(minutes?)))?;
        (longest > 0.0).then(|| Duration::from_secs_f64(longest * 60.0))
    }

    /// Minutes.
    fn left_of(&self, stage: usize, episodes: &[Episode]) -> Option<f64> {
        let sum = Sum::of(stage, episodes);
        let left = sum.expected? - sum.done as f64;
        if left <= 0.0 {
            return Some(0.0);
        }
        let (rate, _) = self.rate(stage).filter(|(_, done)| *done >= LEAST_TASKS)?;
        Some(left / rate)
    }
}

/// `about 12 min`, no more precise than anybody can tell.
pub(super) fn about(time: Duration) -> String {
    let minutes = time.as_secs_f64() / 60.0;
    let to = |step: f64| (minutes / step).round() * step;
    match minutes {
        minutes if minutes < 1.0 => "less than a minute".to_owned(),
        minutes if minutes < 20.0 => format!("about {:.0} min", to(1.0)),
        minutes if minutes < 87.5 => format!("about {:.0} min", to(5.0)),
        minutes if minutes < 285.0 => format!("about {} h", to(30.0) / 60.0),
        minutes if minutes < 48.0 * 60.0 => format!("about {:.0} h", to(60.0) / 60.0),
        _ => format!("about {:.0} days", to(24.0 * 60.0) / 1440.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_no_more_precise_than_it_can_be() {
        let said = |seconds| about(Duration::from_secs(seconds));
        assert_eq!(said(20), "less than a minute");
        assert_eq!(said(61), "about 1 min");
        assert_eq!(said(12 * 60 + 20), "about 12 min");
        assert_eq!(said(43 * 60), "about 45 min");
        assert_eq!(said(88 * 60), "about 1.5 h");
        assert_eq!(said(5 * 3600 + 900), "about 5 h");
        assert_eq!(said(75 * 3600), "about 3 days");
    }
}
