//! Where records lie in the store, and how they are read and written.

use std::{collections::BTreeSet, time::SystemTime};

use langflix_domain::{EpisodeId, Failure, FailureKind, Lane, LanguageTag, Outcome, RunId, Stage, TaskId, Usage, slug};
use langflix_measures::Operation;
use langflix_ports::store::{ArtifactStore, Put};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Error, RunRequest,
    records::{Outcomes, Recorded},
};

/// A store over a network answers many at once in the time of one.
pub(crate) const READS_AT_ONCE: usize = 32;

/// Reads every outcome recorded for a stage of `run`.
///
/// # Errors
/// [`Error`] where the store or a record cannot be read.
pub async fn outcomes<T: DeserializeOwned>(
    store: &dyn ArtifactStore,
    run: &RunId,
    stage: Stage,
) -> Result<Outcomes<T>, Error> {
    let all = store.get_all(&outcome_prefix(run, stage)).await?;
    let recorded = all.iter().map(|(key, bytes)| parsed::<Recorded<T>>(key, bytes));
    recorded.map(|recorded| recorded.map(|recorded| (recorded.task.clone(), recorded))).collect()
}

/// The tasks of a stage that have an outcome, by the names of the outcomes alone.
///
/// # Errors
/// [`Error`] where the store cannot be read.
pub async fn done_tasks(store: &dyn ArtifactStore, run: &RunId, stage: Stage) -> Result<BTreeSet<String>, Error> {
    Ok(done_among(&store.list(&outcome_prefix(run, stage)).await?, run, stage))
}

/// The tasks of a stage whose outcomes are among `keys`.
pub(crate) fn done_among(keys: &[String], run: &RunId, stage: Stage) -> BTreeSet<String> {
    let prefix = outcome_prefix(run, stage);
    let task = |key: &String| Some(key.strip_prefix(&prefix)?.strip_suffix(".json")?.to_owned());
    keys.iter().filter_map(task).collect()
}

pub(crate) fn request_key(run: &RunId) -> String {
    format!("runs/{run}/request.json")
}

pub(crate) fn plan_key(run: &RunId, stage: Stage) -> String {
    format!("runs/{run}/{}/plan.json", stage.as_str())
}

pub(crate) fn manifest_key(run: &RunId) -> String {
    format!("runs/{run}/manifest.json")
}

pub(crate) fn open_key(run: &RunId) -> String {
    format!("open/{run}")
}

/// Exists where somebody cancelled the run.
pub(crate) fn cancelled_key(run: &RunId) -> String {
    format!("runs/{run}/cancelled")
}

/// Exists for each run that was submitted, so that a season's runs are found by listing. One key a run, since no store
/// that is offered everywhere can change a common list safely.
pub(crate) fn show_key(episode: &EpisodeId, run: &RunId) -> String {
    format!("shows/{}/s{:02}/e{:02}/{run}", slug(&episode.show), episode.season, episode.episode)
}

pub(crate) fn run_of_show_key(key: &str) -> Option<RunId> {
    RunId::parse(key.rsplit('/').next()?)
}

/// Has nothing more begun for a run, whose tasks end as cancelled once a dispatcher is told of it.
///
/// # Errors
/// [`Error`] where the store fails.
pub async fn mark_cancelled(store: &dyn ArtifactStore, run: &RunId) -> Result<(), Error> {
    store.put_if_absent(&cancelled_key(run), b"").await?;
    Ok(())
}

/// Whether somebody cancelled the run.
pub(crate) async fn is_cancelled(store: &dyn ArtifactStore, run: &RunId) -> Result<bool, Error> {
    Ok(store.get(&cancelled_key(run)).await?.is_some())
}

/// Why a task that was not worked on has failed.
pub(crate) fn cancelled() -> Failure {
    Failure {
        kind: FailureKind::Cancelled,
        message: "the run was cancelled: `langflix retry` takes it up again".to_owned(),
    }
}

/// Records that a task failed, unless it has its outcome. Failures are written alike in both stages.
pub(crate) async fn record_failure(
    store: &dyn ArtifactStore,
    run: &RunId,
    stage: Stage,
    task: &TaskId,
    failure: Failure,
    trace: Option<&str>,
) -> Result<Option<Failure>, Error> {
    let outcome: Outcome<serde_json::Value> = Outcome::Failed(failure);
    let trace = trace.map(str::to_owned);
    record(store, run, stage, Recorded { task: task.clone(), outcome, usage: Usage::default(), read: None, trace })
        .await
}

/// What is known of a run only while it is unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The show's name, of which the run's has only what keys allow; a run of an earlier version does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) show: Option<String>,
    /// The learner's language; a run of an earlier version does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<LanguageTag>,
    /// How urgent it is.
    pub(crate) lane: Lane,
    /// When it was submitted, milliseconds since 1970.
    pub(crate) submitted_at_ms: u64,
    /// The span that it was submitted in, in the form of W3C's `traceparent`, where there was one: what is published for the
    /// run without a message that asked for it belongs to the same trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<String>,
    /// What had been asked of the provider for it when it was taken up again.
    #[serde(default)]
    pub(crate) spent: Usage,
    /// How much of that was for tasks whose outcomes are forgotten, and so is in none.
    #[serde(default)]
    pub(crate) forgotten: Usage,
}

impl Open {
    /// A run that is handed in, or taken up again, now.
    pub(crate) fn now(asked: &RunRequest, lane: Lane, trace: Option<&str>) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            show: Some(asked.episode.show.clone()),
            language: Some(asked.settings.language.clone()),
            lane,
            submitted_at_ms: now.as_millis() as u64,
            trace: trace.map(str::to_owned),
            spent: Usage::default(),
            forgotten: Usage::default(),
        }
    }

    pub(crate) async fn of(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<Self>, Error> {
        read(store, &open_key(run)).await
    }

    pub(crate) async fn write(&self, store: &dyn ArtifactStore, run: &RunId) -> Result<Put, Error> {
        write(store, &open_key(run), self).await
    }
}

/// The span that an unfinished run was submitted in, where there was one.
///
/// # Errors
/// [`Error`] where the store or the record cannot be read.
pub async fn trace_of(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<String>, Error> {
    Ok(Open::of(store, run).await?.and_then(|open| open.trace))
}

/// The unfinished runs.
pub(crate) async fn open_runs(store: &dyn ArtifactStore) -> Result<BTreeSet<RunId>, Error> {
    let keys = store.list("open/").await?;
    Ok(keys.iter().filter_map(|key| RunId::parse(key.strip_prefix("open/")?)).collect())
}

pub(crate) fn outcome_prefix(run: &RunId, stage: Stage) -> String {
    format!("runs/{run}/{}/outcomes/", stage.as_str())
}

pub(crate) fn outcome_key(run: &RunId, stage: Stage, task: &TaskId) -> String {
    format!("{}{task}.json", outcome_prefix(run, stage))
}

/// How a task ended, where it did: a task that is delivered again is not worked on again.
pub(crate) async fn recorded<T: DeserializeOwned>(
    store: &dyn ArtifactStore,
    run: &RunId,
    stage: Stage,
    task: &TaskId,
) -> Result<Option<Recorded<T>>, Error> {
    read(store, &outcome_key(run, stage, task)).await
}

/// Records how a task ended, unless it is recorded already: the first writer wins. Gives the failure, if the record says
/// that it failed.
pub(crate) async fn record<T: Serialize + DeserializeOwned>(
    store: &dyn ArtifactStore,
    run: &RunId,
    stage: Stage,
    recorded: Recorded<T>,
) -> Result<Option<Failure>, Error> {
    let key = outcome_key(run, stage, &recorded.task);
    let recording = write_or_take(store, &key, recorded);
    Ok(Operation::Outcome.time(recording).await?.failure().cloned())
}

pub(crate) async fn read<T: DeserializeOwned>(store: &dyn ArtifactStore, key: &str) -> Result<Option<T>, Error> {
    let bytes = store.get(key).await?;
    bytes.map(|bytes| parsed(key, &bytes)).transpose()
}

fn parsed<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(key, &error))
}

pub(crate) async fn write<T: Serialize>(store: &dyn ArtifactStore, key: &str, value: &T) -> Result<Put, Error> {
    let bytes = serde_json::to_vec(value).map_err(|error| unreadable(key, &error))?;
    Ok(store.put_if_absent(key, &bytes).await?)
}

/// Writes a record, or takes the one that is there: the first writer wins.
pub(crate) async fn write_or_take<T: Serialize + DeserializeOwned>(
    store: &dyn ArtifactStore,
    key: &str,
    value: T,
) -> Result<T, Error> {
    Ok(write_or_take_told(store, key, value).await?.0)
}

/// As [`write_or_take`], and tells which it was.
pub(crate) async fn write_or_take_told<T: Serialize + DeserializeOwned>(
    store: &dyn ArtifactStore,
    key: &str,
    value: T,
) -> Result<(T, Put), Error> {
    let put = write(store, key, &value).await?;
    let value = match put {
        Put::Created => value,
        Put::Exists => read(store, key).await?.unwrap_or(value),
    };
    Ok((value, put))
}

pub(crate) fn unreadable(key: &str, error: &serde_json::Error) -> Error {
    Error::Record { key: key.to_owned(), reason: error.to_string() }
}
