use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use langflix_domain::RunId;
use langflix_ports::store::ArtifactStore;
use tokio::{sync::OnceCell, time::Instant};

use crate::{Error, RunRequest, stored::is_cancelled};

/// Runs whose requests are kept; tasks of more at once are rare, since a run's tasks lie together in a queue.
const KEPT: usize = 16;
/// How long a run may go on after somebody cancelled it.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Entry {
    asked: OnceCell<Arc<RunRequest>>,
    /// When it was last seen that nobody had cancelled the run.
    going_on: tokio::sync::Mutex<Option<Instant>>,
}

/// The requests of the runs that were worked on lately, each read once. They never change.
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|(other, _)| other == run).map(|at| kept.remove(at));
        let (run, entry) = found.unwrap_or_else(|| (run.clone(), Arc::default()));
        kept.push((run, Arc::clone(&entry)));
        if kept.len() > KEPT {
            kept.remove(0);
        }
        entry
    }
}
