use std::{collections::BTreeSet, future::ready};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{EpisodeStatus, Lane, Manifest, RunId, Stage, slug};
use langflix_ports::store::ArtifactStore;
use serde::Serialize;

use super::tasks::Tasks;
use crate::{
    Error, done_tasks,
    stored::{Open, READS_AT_ONCE, is_cancelled, manifest_key, read, run_of_show_key},
};

/// Which runs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Of this show, by its name or its slug; of all where it is `None`.
    pub show: Option<String>,
    /// Of this season.
    pub season: Option<u16>,
    /// Of this episode.
    pub episode: Option<u16>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunState {
    /// The run.
    pub run: RunId,
    /// How it ended; `None` while it has not.
    pub status: Option<EpisodeStatus>,
    /// Its lane, while it has not ended.
    pub lane: Option<Lane>,
    /// Whether somebody cancelled it.
    pub cancelled: bool,
    /// Its chunks, once they are planned.
    pub analysis: Option<Progress>,
    /// Its clips, once they are planned.
    pub encoding: Option<Progress>,
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Tasks with an outcome.
    pub done: usize,
    /// All tasks.
    pub tasks: usize,
    /// Tasks that failed, where that is known: at the end.
    pub failed: Option<usize>,
}

impl Survey {
    fn prefix(&self) -> String {
        let Some(show) = &self.show else { return "shows/".to_owned() };
        let show = slug(show);
        match (self.season, self.episode) {
            (Some(season), Some(episode)) => format!("shows/{show}/s{season:02}/e{episode:02}/"),
            (Some(season), None) => format!("shows/{show}/s{season:02}/"),
            (None, _) => format!("shows/{show}/"),
        }
    }
}

/// The runs that were ever submitted, in the order of their names.
///
/// # Errors
/// [`Error`] where the store cannot be read.
pub async fn runs(store: &dyn ArtifactStore, survey: &Survey) -> Result<BTreeSet<RunId>, Error> {
    let keys = store.list(&survey.prefix()).await?;
    Ok(keys.iter().filter_map(|key| run_of_show_key(key)).collect())
}

/// The runs that were ever submitted, the latest first.
///
/// # Errors
/// [`Error`] where the store or a record cannot be read.
pub async fn latest_runs(store: &dyn ArtifactStore, survey: &Survey) -> Result<Vec<RunId>, Error> {
    let keys = store.list(&survey.prefix()).await?;
    let at = |key: String| async move {
        let run = run_of_show_key(&key);
        let at = read::<u64>(store, &key).await?;
        Ok::<_, Error>(at.zip(run))
    };
    let mut found: Vec<(u64, RunId)> =
        stream::iter(keys).map(at).buffered(READS_AT_ONCE).try_filter_map(|one| ready(Ok(one))).try_collect().await?;
    found.sort_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|(_, run)| run).collect())
}

/// How `run` ended; `None` where it has not, or there is no such run.
///
/// # Errors
/// [`Error`] where the store or the record cannot be read.
pub async fn manifest(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<Manifest>, Error> {
    read(store, &manifest_key(run)).await
}

/// Where `run` stands.
///
/// # Errors
/// [`Error`] where the store or a record cannot be read.
pub async fn state(store: &dyn ArtifactStore, run: &RunId) -> Result<RunState, Error> {
    let cancelled = is_cancelled(store, run).await?;
    let state = RunState { run: run.clone(), status: None, lane: None, cancelled, analysis: None, encoding: None };
    if let Some(manifest) = read::<Manifest>(store, &manifest_key(run)).await? {
        let done = manifest.completeness;
        let progress = |ok: u32, failed: u32| {
            let (tasks, failed) = (ok as usize + failed as usize, failed as usize);
            Some(Progress { done: tasks, tasks, failed: Some(failed) })
        };
        return Ok(RunState {
            status: Some(manifest.status),
            analysis: progress(done.chunks_ok, done.chunks_failed),
            encoding: progress(done.clips_ok, done.clips_failed),
            ..state
        });
    }
    Ok(RunState {
        lane: Open::of(store, run).await?.map(|open| open.lane),
        analysis: progress(store, run, Stage::Analysis).await?,
        encoding: progress(store, run, Stage::Encoding).await?,
        ..state
    })
}

async fn progress(store: &dyn ArtifactStore, run: &RunId, stage: Stage) -> Result<Option<Progress>, Error> {
    let Some(tasks) = Tasks::of(store, run, stage).await? else { return Ok(None) };
    let missing = tasks.missing(&done_tasks(store, run, stage).await?).len();
    Ok(Some(Progress { done: tasks.len() - missing, tasks: tasks.len(), failed: None }))
}
