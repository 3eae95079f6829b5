use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use langflix_domain::{RunId, Stage};
use langflix_ports::observer::{Event, Observer};

use super::lines::noun;

/// Steps of the bar that one run takes.
const STEPS: f64 = 1000.0;
/// The part of a run's time that its chunks take, about: how many clips come is known only behind them.
const OF_CHUNKS: f64 = 0.3;

/// One bar for all runs that are waited for.
pub(crate) struct Season {
    bar: ProgressBar,
    runs: Mutex<Runs>,
}

#[derive(Default)]
struct Runs {
    /// How many are waited for.
    all: usize,
    ended: usize,
    failed: usize,
    /// Done and all tasks of each stage.
    stages: HashMap<(RunId, Stage), (usize, usize)>,
}

impl Season {
    pub(crate) fn new(runs: usize) -> Self {
        let bar = ProgressBar::new((runs as f64 * STEPS) as u64);
        let template = "{wide_msg} {bar:24} {eta:>4}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, runs: Mutex::new(Runs { all: runs, ..Runs::default() }) }
    }

    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}

impl Runs {
    fn message(&self) -> String {
        let sum = |stage: Stage| {
            let of = self.stages.iter().filter(|((_, other), _)| *other == stage);
            of.fold((0, 0), |sum, (_, (done, tasks))| (sum.0 + done, sum.1 + tasks))
        };
        let (chunks, clips) = (sum(Stage::Analysis), sum(Stage::Encoding));
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let (ended, all) = (self.ended, self.all);
        format!("runs {ended}/{all}  chunks {}/{}  clips {}/{}{failed}", chunks.0, chunks.1, clips.0, clips.1)
    }

    fn position(&self) -> u64 {
        let part = |((_, stage), (done, tasks)): (&(RunId, Stage), &(usize, usize))| {
            let weight = if *stage == Stage::Analysis { OF_CHUNKS } else { 1.0 - OF_CHUNKS };
            weight * if *tasks == 0 { 1.0 } else { *done as f64 / *tasks as f64 }
        };
        (self.stages.iter().map(part).sum::<f64>() * STEPS) as u64
    }
}

impl Observer for Season {
    fn notice(&self, run: &RunId, event: Event) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StagePlanned { stage, tasks, done } => {
                runs.stages.insert((run.clone(), stage), (done, tasks));
            }
            Event::TaskFinished { stage, failure, .. } => {
                runs.stages.entry((run.clone(), stage)).or_default().0 += 1;
                if let Some(failure) = failure {
                    runs.failed += 1;
                    self.bar.println(format!("{run}: {} failed: {}", noun(stage), failure.message));
                }
            }
            Event::RunFinished { .. } => runs.ended += 1,
            Event::TaskStarted { .. } | Event::TaskProgress { .. } => return,
        }
        self.bar.set_message(runs.message());
        self.bar.set_position(runs.position());
        if runs.ended == runs.all {
            self.bar.finish_and_clear();
        }
    }
}
