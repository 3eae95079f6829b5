use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{Manifest, RunId, Stage, TaskId};
use langflix_ports::{
    observer::{Event, Observer},
    store::ArtifactStore,
};
use serde_json::Value;

use super::tasks::Tasks;
use crate::{
    Error, done_tasks,
    stored::{READS_AT_ONCE, manifest_key, read, recorded},
};

/// Watches a run through the store, for somebody who waits for it.
#[derive(Debug)]
pub struct Follower {
    run: RunId,
    analysis: Seen,
    encoding: Seen,
}

/// What was seen of a stage.
#[derive(Debug)]
struct Seen {
    stage: Stage,
    /// Its tasks and what people call them; plans are large, and read once.
    tasks: Option<Vec<(TaskId, String)>>,
    /// Whether that was told.
    is_planned: bool,
    done: BTreeSet<String>,
}

impl Follower {
    /// Has seen nothing yet.
    pub fn new(run: RunId) -> Self {
        let seen = |stage| Seen { stage, tasks: None, is_planned: false, done: BTreeSet::new() };
        Self { run, analysis: seen(Stage::Analysis), encoding: seen(Stage::Encoding) }
    }

    /// Looks once and tells `observer` what is new: a task's start together with its end, when its outcome is there.
    /// Gives the manifest where the run has ended.
    ///
    /// # Errors
    /// [`Error`] where the store or a record cannot be read: the next look sees it.
    pub async fn look(
        &mut self,
        store: &dyn ArtifactStore,
        observer: &dyn Observer,
    ) -> Result<Option<Manifest>, Error> {
        // First of all, so that nothing is missing of what led to it.
        let manifest = read::<Manifest>(store, &manifest_key(&self.run)).await?;
        self.analysis.look(store, &self.run, observer).await?;
        if self.analysis.is_done() || manifest.is_some() {
            self.encoding.look(store, &self.run, observer).await?;
        }
        if let Some(manifest) = &manifest {
            observer.notice(&self.run, Event::RunFinished { status: manifest.status });
        }
        Ok(manifest)
    }
}

impl Seen {
    fn is_done(&self) -> bool {
        self.tasks.as_ref().is_some_and(|tasks| self.done.len() >= tasks.len())
    }

    async fn look(&mut self, store: &dyn ArtifactStore, run: &RunId, observer: &dyn Observer) -> Result<(), Error> {
        if self.is_done() {
            return Ok(());
        }
        let stage = self.stage;
        if self.tasks.is_none() {
            self.tasks = Tasks::of(store, run, stage).await?.map(|tasks| tasks.labels());
        }
        let Some(tasks) = &self.tasks else { return Ok(()) };
        let all = done_tasks(store, run, stage).await?;
        let is_new = |(id, _): &&(TaskId, String)| all.contains(id.as_str()) && !self.done.contains(id.as_str());
        let read = |(id, label): (TaskId, String)| async move {
            let outcome = recorded::<Value>(store, run, stage, &id).await?;
            Ok::<_, Error>((id.to_string(), label, outcome.and_then(|outcome| outcome.failure().cloned())))
        };
        let new: Vec<_> = tasks.iter().filter(is_new).cloned().collect();
        let mut new: Vec<_> = stream::iter(new).map(read).buffered(READS_AT_ONCE).try_collect().await?;
        if !self.is_planned {
            self.is_planned = true;
            // What succeeded before is only counted; what failed is told whenever it did.
            let before = new.extract_if(.., |(_, _, failure)| failure.is_none());
            self.done.extend(before.map(|(task, _, _)| task));
            observer.notice(run, Event::StagePlanned { stage, tasks: tasks.len(), done: self.done.len() });
        }
        for (task, label, failure) in new {
            self.done.insert(task.clone());
            observer.notice(run, Event::TaskStarted { stage, task: task.clone(), label });
            observer.notice(run, Event::TaskFinished { stage, task, failure });
        }
        Ok(())
    }
}
