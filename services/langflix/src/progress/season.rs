use std::{
    collections::HashMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use langflix_domain::{EpisodeId, RunId, Stage};
use langflix_fleet::{
    parts,
    view::{Phase, Queue},
};
use langflix_pipeline::fleet::Progress;
use langflix_ports::observer::{Event, Observer};

use super::{
    lines::noun,
    screen::{Episode, Failed, Happenings, Live, Seen, Stream},
};

/// Failures that are kept to be shown.
const KEPT: usize = 20;

/// All runs that are waited for, on one screen.
pub(crate) struct Season {
    state: Mutex<State>,
    happenings: tokio::sync::Mutex<Happenings>,
}

struct State {
    live: Live,
    /// In the order of the season.
    episodes: Vec<Episode>,
    /// What people call the tasks that are under way.
    labels: HashMap<String, String>,
    failures: Vec<Failed>,
    queues: Option<Result<Vec<Queue>, String>>,
}

impl Season {
    /// Shows these runs on standard error, which leaves standard output to the results.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub(super) fn new<'a>(runs: impl IntoIterator<Item = (&'a EpisodeId, &'a RunId)>) -> io::Result<Self> {
        let mut episodes: Vec<Episode> = runs.into_iter().map(waiting).collect();
        episodes.sort_by(|a, b| (&a.show, a.season, a.number, &a.run).cmp(&(&b.show, b.season, b.number, &b.run)));
        let live = Live::on(Stream::Err)?;
        let happenings = Happenings::of(&live).into();
        let state = State { live, episodes, labels: HashMap::new(), failures: Vec::new(), queues: None };
        Ok(Self { state: Mutex::new(state), happenings })
    }

    /// Whether all of the terminal is taken.
    pub(super) fn is_screen(&self) -> bool {
        self.state().live.is_screen()
    }

    /// Shows what is known, and why that may be old.
    pub(super) fn show(&self, trouble: Option<String>) {
        let state = &mut *self.state();
        let seen = Seen {
            episodes: state.episodes.clone(),
            failures: state.failures.clone(),
            queues: state.queues.clone(),
            trouble,
        };
        // The work goes on, whoever sees it.
        let _gone = state.live.show(seen);
    }

    pub(super) fn queues(&self, queues: Result<Vec<Queue>, String>) {
        self.state().queues = Some(queues);
    }

    /// All have ended.
    pub(super) fn end(&self) {
        let _gone = self.state().live.end();
    }

    /// Lets the time pass, and draws anew where the terminal changes.
    pub(super) async fn idle(&self, time: Duration) {
        let draw = async {
            let mut happenings = self.happenings.lock().await;
            loop {
                let happened = happenings.next().await;
                let _gone = self.state().live.happened(happened);
            }
        };
        let _over = tokio::time::timeout(time, draw).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run of which nothing is known but its name.
fn waiting((episode, run): (&EpisodeId, &RunId)) -> Episode {
    let (show, season, number) = parts(run);
    Episode {
        run: run.clone(),
        show: show.to_owned(),
        show_name: Some(episode.show.clone()),
        season,
        number,
        phase: Phase::Waiting,
        status: None,
        cancelled: false,
        analysis: None,
        encoding: None,
        failed: 0,
    }
}

impl State {
    fn notice(&mut self, run: &RunId, event: Event) {
        let Some(episode) = self.episodes.iter_mut().find(|episode| episode.run == *run) else { return };
        match event {
            Event::StagePlanned { stage, tasks, done } => {
                *episode.progress(stage) = Some(Progress { done, tasks, failed: None })
            }
            Event::TaskStarted { task, label, .. } => {
                self.labels.insert(task, label);
            }
            Event::TaskProgress { .. } => {}
            Event::TaskFinished { stage, task, failure } => {
                episode.progress(stage).get_or_insert_default().done += 1;
                let label = self.labels.remove(&task).unwrap_or(task);
                if let Some(failure) = failure {
                    episode.failed += 1;
                    let label = format!("{} {label}", noun(stage));
                    self.failures.insert(0, Failed { run: run.clone(), label, message: failure.message });
                    self.failures.truncate(KEPT);
                }
            }
            Event::RunFinished { status } => episode.status = Some(status),
        }
        episode.phase = episode.phase();
    }
}

impl Episode {
    fn progress(&mut self, stage: Stage) -> &mut Option<Progress> {
        match stage {
            Stage::Analysis => &mut self.analysis,
            Stage::Encoding => &mut self.encoding,
        }
    }

    /// What it is in, by what is known of it.
    fn phase(&self) -> Phase {
        match (self.status, self.analysis, self.encoding) {
            (Some(_), ..) => Phase::Ended,
            (None, None, None) => Phase::Waiting,
            (None, Some(chunks), None) if chunks.done < chunks.tasks => Phase::Analysis,
            (None, Some(_), None) => Phase::Selection,
            (None, _, Some(_)) => Phase::Encoding,
        }
    }
}

impl Observer for Season {
    fn notice(&self, run: &RunId, event: Event) {
        self.state().notice(run, event);
    }
}
