//! How quickly runs go on, and when they may have ended: for the page, the API and the command line alike.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use langflix_domain::RunId;
use langflix_pipeline::fleet::Progress;

use crate::view::Run;

/// A rate is that of so long.
const WINDOW: Duration = Duration::from_secs(180);
/// Of less than this nothing is concluded.
const LEAST: Duration = Duration::from_secs(15);
/// Nor of fewer tasks.
const LEAST_TASKS: u64 = 3;

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Far<'a> {
    /// Which one.
    pub run: &'a RunId,
    /// Whether it has ended.
    pub ended: bool,
    /// Its chunks and its clips, where they are planned.
    pub stages: [Option<Progress>; 2],
}

impl<'a> From<&'a Run> for Far<'a> {
    fn from(run: &'a Run) -> Self {
        Self { run: &run.run, ended: !run.is_open(), stages: [run.analysis, run.encoding] }
    }
}

/// Tasks of a stage over many runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    /// Those of which nothing is left to do.
    pub done: usize,
    /// Those that are known.
    pub tasks: usize,
    /// Whether these are all: how many clips come shows only behind the chunks.
    pub whole: bool,
    /// All there may be, where runs that are not planned have as many as the others; `None` where none is planned.
    pub expected: Option<f64>,
}

impl Sum {
    /// Of chunks and of clips.
    pub fn of<'a>(runs: impl IntoIterator<Item = Far<'a>>) -> [Self; 2] {
        let mut stages = [Planned::default(); 2];
        for run in runs {
            for (stage, progress) in stages.iter_mut().zip(run.stages) {
                stage.add(progress, run.ended);
            }
        }
        stages.map(Planned::sum)
    }
}

/// What is planned of a stage.
#[derive(Clone, Copy, Default)]
struct Planned {
    done: usize,
    tasks: usize,
    planned: u32,
    unplanned: u32,
}

impl Planned {
    fn add(&mut self, progress: Option<Progress>, ended: bool) {
        match progress {
            Some(Progress { done, tasks, .. }) => {
                // Of one that has ended nothing is left, whatever became of it.
                self.done += if ended { tasks } else { done };
                self.tasks += tasks;
                self.planned += 1;
            }
            None if ended => self.planned += 1,
            None => self.unplanned += 1,
        }
    }

    fn sum(self) -> Sum {
        let Self { done, tasks, planned, unplanned } = self;
        let of_others = || (tasks as f64 / f64::from(planned)) * f64::from(unplanned);
        let expected = match (planned, unplanned) {
            (0, 1..) => None,
            (_, 0) => Some(tasks as f64),
            _ => Some(tasks as f64 + of_others()),
        };
        Sum { done, tasks, whole: unplanned == 0, expected }
    }
}

/// Tasks done over time.
#[derive(Debug, Default)]
pub struct Pace {
    /// How many of a run were done at the last look.
    last: BTreeMap<RunId, [usize; 2]>,
    /// All that were done since the first look.
    done: [u64; 2],
    history: VecDeque<(Duration, [u64; 2])>,
}

impl Pace {
    /// Takes in where all runs stood at `at`, counted from any beginning.
    pub fn look<'a>(&mut self, at: Duration, runs: impl IntoIterator<Item = Far<'a>>) {
        for run in runs {
            let now = run.stages.map(|progress| progress.map_or(0, |progress| progress.done));
            // What was done before anybody looked took another's time, and what is done again counts again.
            let before = self.last.insert(run.run.clone(), now).unwrap_or(now);
            for (sum, (now, before)) in self.done.iter_mut().zip(now.into_iter().zip(before)) {
                *sum += now.saturating_sub(before) as u64;
            }
        }
        self.history.push_back((at, self.done));
        while self.history.get(1).is_some_and(|(second, _)| at.saturating_sub(*second) >= WINDOW) {
            self.history.pop_front();
        }
    }

    /// Chunks and clips a minute; `None` before there is anything to go by.
    pub fn a_minute(&self) -> [Option<f64>; 2] {
        [0, 1].map(|stage| Some(self.rate(stage)?.0))
    }

    /// How long it still takes at the present rate; `None` where that is not known, or nothing is left.
    pub fn left<'a>(&self, runs: impl IntoIterator<Item = Far<'a>>) -> Option<Duration> {
        let stages = Sum::of(runs).into_iter().enumerate().map(|(stage, sum)| self.left_of(stage, &sum));
        // Both stages go on at once.
        let longest = { stages }.try_fold(0.0, |longest: f64, minutes| Some(longest.max(minutes?)))?;
        (longest > 0.0).then(|| Duration::from_secs_f64(longest * 60.0))
    }

    /// Tasks a minute of a stage, and how many that is concluded from.
    fn rate(&self, stage: usize) -> Option<(f64, u64)> {
        let (first, last) = (self.history.front()?, self.history.back()?);
        let span = last.0.saturating_sub(first.0);
        let done = last.1.get(stage)? - first.1.get(stage)?;
        (span >= LEAST).then(|| (done as f64 * 60.0 / span.as_secs_f64(), done))
    }

    /// Minutes.
    fn left_of(&self, stage: usize, sum: &Sum) -> Option<f64> {
        let left = sum.expected? - sum.done as f64;
        if left <= 0.0 {
            return Some(0.0);
        }
        let (rate, _) = self.rate(stage).filter(|(_, done)| *done >= LEAST_TASKS)?;
        Some(left / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(run: &RunId, ended: bool, chunks: (usize, usize), clips: Option<(usize, usize)>) -> Far<'_> {
        let progress = |(done, tasks)| Progress { done, tasks, failed: None };
        Far { run, ended, stages: [Some(progress(chunks)), clips.map(progress)] }
    }

    fn run(number: u16) -> RunId {
        RunId::parse(&format!("suits-s01e{number:02}-0123abcd")).unwrap()
    }

    #[test]
    fn runs_that_are_not_planned_are_taken_for_as_long_as_the_others() {
        let (first, second) = (run(1), run(2));
        let unplanned = Far { run: &second, ended: false, stages: [None, None] };
        let [chunks, clips] = Sum::of([far(&first, false, (10, 40), None), unplanned]);
        assert_eq!((chunks.done, chunks.tasks, chunks.whole, chunks.expected), (10, 40, false, Some(80.0)));
        assert_eq!((clips.tasks, clips.expected), (0, None));
        let [chunks, clips] = Sum::of([far(&first, true, (39, 40), Some((20, 20)))]);
        assert_eq!(
            (chunks.done, clips.done, clips.expected),
            (40, 20, Some(20.0)),
            "nothing is left of what has ended"
        );
    }

    #[test]
    fn the_slower_stage_decides_how_long_it_takes() {
        let (run, mut pace) = (run(1), Pace::default());
        for minute in 0..3 {
            pace.look(
                Duration::from_secs(60 * minute as u64),
                [far(&run, false, (10 * minute, 40), Some((minute * 2, 20)))],
            );
        }
        assert_eq!(pace.a_minute(), [Some(10.0), Some(2.0)]);
        let left = pace.left([far(&run, false, (20, 40), Some((4, 20)))]).unwrap();
        assert_eq!(left, Duration::from_secs(8 * 60), "16 clips, two a minute");
    }

    #[test]
    fn nothing_is_concluded_from_little_and_what_is_done_again_counts_again() {
        let (run, mut pace) = (run(1), Pace::default());
        let look = |pace: &mut Pace, second, done| {
            pace.look(Duration::from_secs(second), [far(&run, false, (done, 40), None)])
        };
        look(&mut pace, 0, 30);
        look(&mut pace, 14, 34);
        assert_eq!(pace.a_minute(), [None, None]);
        look(&mut pace, 30, 36);
        assert_eq!(pace.a_minute()[0], Some(12.0));
        look(&mut pace, 60, 0);
        assert_eq!(pace.a_minute()[0], Some(6.0), "what was forgotten is not taken back");
        look(&mut pace, 90, 3);
        assert_eq!(pace.a_minute()[0], Some(6.0));
        for second in 91..300 {
            look(&mut pace, second, 3);
        }
        assert_eq!(pace.a_minute()[0], Some(0.0), "a rate is that of the last minutes");
    }
}
