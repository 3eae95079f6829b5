use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use langflix_domain::{RunId, Stage};
use langflix_ports::store::ArtifactStore;
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    AnalysisPlan, Error, RunRequest,
    stored::{is_cancelled, plan_key, read},
};

/// Runs of which something is kept. Those of the bulk lane take turns, so that a season's come again and again.
const KEPT: usize = 64;
/// The most cues of all kept runs together, where there is more than one: some 5 MB.
const CUES: usize = 30_000;
/// How long a run may go on after somebody cancelled it.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Entry {
    asked: OnceCell<Arc<RunRequest>>,
    planned: OnceCell<Arc<AnalysisPlan>>,
    /// When it was last seen that nobody had cancelled the run.
    going_on: tokio::sync::Mutex<Option<Instant>>,
}

impl Entry {
    fn cues(&self) -> usize {
        let Some(asked) = self.asked.get() else { return 0 };
        asked.transcript.cues.len() + asked.target_transcript.as_ref().map_or(0, |target| target.cues.len())
    }
}

/// The requests of the runs that were worked on lately, and the plans of their chunks, each read once. They never change.
#[derive(Debug, Default)]
pub struct Requests {
    /// The latest last.
    kept: Mutex<Vec<(RunId, Arc<Entry>)>>,
}

impl Requests {
    /// What was asked for in `run`.
    ///
    /// # Errors
    /// [`Error::NoRun`] where there is no such run; otherwise where the store or the record cannot be read.
    pub(super) async fn get(&self, store: &dyn ArtifactStore, run: &RunId) -> Result<Arc<RunRequest>, Error> {
        let entry = self.entry(run);
        let read = entry.asked.get_or_try_init(async || match RunRequest::of(store, run).await? {
            Some(asked) => Ok(Arc::new(asked)),
            None => Err(Error::NoRun { run: run.clone() }),
        });
        read.await.cloned()
    }

    /// The plan of the chunks of `run`, where there is one.
    ///
    /// # Errors
    /// [`Error`] where the store or the record cannot be read.
    pub(super) async fn plan(
        &self,
        store: &dyn ArtifactStore,
        run: &RunId,
    ) -> Result<Option<Arc<AnalysisPlan>>, Error> {
        let entry = self.entry(run);
        if let Some(plan) = entry.planned.get() {
            return Ok(Some(Arc::clone(plan)));
        }
        let plan = read(store, &plan_key(run, Stage::Analysis)).await?.map(Arc::new);
        // Whoever was quicker kept the same.
        Ok(plan.inspect(|plan| drop(entry.planned.set(Arc::clone(plan)))))
    }

    /// Keeps what was just read of `run`, in place of what was read before.
    pub(super) fn keep(&self, run: &RunId, asked: &Arc<RunRequest>, plan: &Arc<AnalysisPlan>) {
        let entry = Entry { asked: Arc::clone(asked).into(), planned: Arc::clone(plan).into(), ..Entry::default() };
        self.with(run, |_| entry.into());
    }

    /// Keeps nothing of `run` any longer.
    pub(super) fn forget(&self, run: &RunId) {
        self.kept().retain(|(other, _)| other != run);
    }

    /// Whether somebody cancelled `run`, some seconds ago at the least.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read.
    pub(super) async fn is_cancelled(&self, store: &dyn ArtifactStore, run: &RunId) -> Result<bool, Error> {
        let entry = self.entry(run);
        // One looks for all that ask at the same time.
        let mut going_on = entry.going_on.lock().await;
        // Only a run that went on is believed to: one that was cancelled may have been taken up again meanwhile, and its new
        // tasks must not end as cancelled.
        if going_on.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS) {
            return Ok(false);
        }
        let cancelled = is_cancelled(store, run).await?;
        *going_on = (!cancelled).then(Instant::now);
        Ok(cancelled)
    }

    fn entry(&self, run: &RunId) -> Arc<Entry> {
        self.with(run, Option::unwrap_or_default)
    }

    /// Keeps of `run` what `change` makes of what is kept, as the latest.
    fn with(&self, run: &RunId, change: impl FnOnce(Option<Arc<Entry>>) -> Arc<Entry>) -> Arc<Entry> {
        let mut kept = self.kept();
        let before = kept.iter().position(|(other, _)| other == run).map(|at| kept.remove(at).1);
        let entry = change(before);
        kept.push((run.clone(), Arc::clone(&entry)));
        let mut cues: usize = kept.iter().map(|(_, entry)| entry.cues()).sum();
        while kept.len() > KEPT || (kept.len() > 1 && cues > CUES) {
            cues = cues.saturating_sub(kept.remove(0).1.cues());
        }
        entry
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(RunId, Arc<Entry>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
