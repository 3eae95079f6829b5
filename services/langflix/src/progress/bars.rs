use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use langflix_domain::{RunId, Stage};
use langflix_ports::observer::{Event, Observer};
use langflix_runtime::telemetry::one_line;

use super::lines::noun;

/// Steps of a bar that one task takes, so that a long clip is seen to move.
const STEPS: u64 = 1000;
/// Labels of running tasks that are shown.
const SHOWN: usize = 2;

/// One bar a stage, on a terminal.
pub(crate) struct Bars {
    all: MultiProgress,
    stages: Mutex<BTreeMap<(RunId, &'static str), StageBar>>,
}

struct StageBar {
    bar: ProgressBar,
    name: String,
    stage: Stage,
    tasks: usize,
    done: usize,
    failed: usize,
    running: BTreeMap<String, (String, f32)>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self { all: MultiProgress::new(), stages: Mutex::new(BTreeMap::new()) }
    }

    fn add(&self, run: &RunId, stage: Stage, tasks: usize, done: usize) -> StageBar {
        let bar = self.all.add(ProgressBar::new(tasks as u64 * STEPS));
        let template = "{wide_msg} {bar:16} {eta:>4}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(500));
        // The digest says nothing to people.
        let name = run.as_str().rsplit_once('-').map_or(run.as_str(), |(name, _)| name).to_owned();
        StageBar { bar, name, stage, tasks, done, failed: 0, running: BTreeMap::new() }
    }
}

impl StageBar {
    fn draw(&self) {
        let running: f32 = self.running.values().map(|(_, fraction)| fraction).sum();
        self.bar.set_position(self.done as u64 * STEPS + (running * STEPS as f32) as u64);
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let labels: Vec<&str> = self.running.values().map(|(label, _)| label.as_str()).take(SHOWN).collect();
        let more = if self.running.len() > SHOWN { ", …" } else { "" };
        let (noun, labels) = (noun(self.stage), labels.join(", "));
        self.bar.set_message(format!("{noun}s {}/{}{failed}  {}  {labels}{more}", self.done, self.tasks, self.name));
    }
}

impl Observer for Bars {
    fn notice(&self, run: &RunId, event: Event) {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = match &event {
            Event::StagePlanned { stage, tasks, done } => {
                stages.insert((run.clone(), stage.as_str()), self.add(run, *stage, *tasks, *done));
                *stage
            }
            Event::TaskStarted { stage, .. }
            | Event::TaskProgress { stage, .. }
            | Event::TaskFinished { stage, .. } => *stage,
            Event::RunFinished { .. } => {
                for stage in [Stage::Analysis, Stage::Encoding] {
                    stages.remove(&(run.clone(), stage.as_str())).inspect(|stage| stage.bar.abandon());
                }
                return;
            }
        };
        let Some(bar) = stages.get_mut(&(run.clone(), stage.as_str())) else { return };
        match event {
            Event::TaskStarted { task, label, .. } => {
                bar.running.insert(task, (one_line(&label).into_owned(), 0.0));
            }
            Event::TaskProgress { task, fraction, .. } => {
                bar.running.entry(task).and_modify(|running| running.1 = fraction);
            }
            Event::TaskFinished { task, failure, .. } => {
                bar.running.remove(&task);
                bar.done += 1;
                if let Some(failure) = failure {
                    bar.failed += 1;
                    let _not_drawn =
                        self.all.println(one_line(&format!("{} failed: {}", noun(bar.stage), failure.message)));
                }
            }
            Event::StagePlanned { .. } | Event::RunFinished { .. } => {}
        }
        bar.draw();
        if bar.done == bar.tasks {
            bar.bar.abandon();
        }
    }
}
