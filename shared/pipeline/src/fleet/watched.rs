use std::fmt;

use langflix_domain::{
    Completeness, EpisodeId, EpisodeStatus, FailureKind, Lane, LanguageTag, RunId, Stage, Timing, Usage,
};
use langflix_ports::store::ArtifactStore;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::tasks::Tasks;
use crate::{
    Error,
    names::Names,
    stored::{Open, manifest_key, read},
};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// The run.
    pub run: RunId,
    /// The show's name, where it is known.
    pub show: Option<String>,
    /// The learner's language, where it is known.
    pub language: Option<LanguageTag>,
    /// Its lane, while it has not ended.
    pub lane: Option<Lane>,
    /// When it was submitted, milliseconds since 1970, while it has not ended and where that is known.
    pub submitted_at_ms: Option<u64>,
    /// Whether somebody cancelled it.
    pub cancelled: bool,
    /// Its chunks, once they are planned.
    pub analysis: Option<Progress>,
    /// Its clips, once they are planned.
    pub encoding: Option<Progress>,
    /// What was asked of the provider: until its end, or until it was taken up again after one.
    pub spent: Usage,
    /// Its end; `None` while it has not ended.
    pub ending: Option<Ending>,
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Tasks with an outcome.
    pub done: usize,
    /// All tasks.
    pub tasks: usize,
    /// Tasks that failed, where that is known: at the end.
    pub failed: Option<usize>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How complete it is.
    pub status: EpisodeStatus,
    /// When its manifest was written, RFC 3339 in UTC.
    pub finished_at: String,
    /// The clips that were encoded.
    pub clips: usize,
}

impl RunState {
    /// Whether anything of the run lies in the store, other than that it was submitted once.
    pub fn is_known(&self) -> bool {
        self.ending.is_some() || self.lane.is_some() || self.analysis.is_some()
    }
}

/// Where `run` stands.
///
/// # Errors
/// [`Error`] where the store or a record cannot be read.
pub async fn state(store: &dyn ArtifactStore, run: &RunId) -> Result<RunState, Error> {
    Watched::new(run.clone()).look(store).await
}

/// A run that is looked at again and again. Plans are large, and read once.
#[derive(Clone, Debug)]
pub struct Watched {
    run: RunId,
    open: Option<Open>,
    analysis: Option<usize>,
    encoding: Option<usize>,
}

impl Watched {
    /// A run that was not looked at yet.
    pub fn new(run: RunId) -> Self {
        Self { run, open: None, analysis: None, encoding: None }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Where the run stands now.
    ///
    /// # Errors
    /// [`Error`] where the store or a record cannot be read.
    pub async fn look(&mut self, store: &dyn ArtifactStore) -> Result<RunState, Error> {
        if let Some(ended) = self.ended(store).await? {
            return Ok(ended);
        }
        let state = self.going_on(store).await?;
        // It may have ended, and been closed, since it was looked whether it had.
        match state.is_known() {
            true => Ok(state),
            false => Ok(self.ended(store).await?.unwrap_or(state)),
        }
    }

    async fn ended(&mut self, store: &dyn ArtifactStore) -> Result<Option<RunState>, Error> {
        let Some(brief) = read::<Brief>(store, &manifest_key(&self.run)).await? else { return Ok(None) };
        *self = Self::new(self.run.clone());
        Ok(Some(brief.state(&self.run)))
    }

    async fn going_on(&mut self, store: &dyn ArtifactStore) -> Result<RunState, Error> {
        let names = Names::of(store, &self.run).await?;
        if self.open.is_none() {
            self.open = Open::of(store, &self.run).await?;
        }
        self.analysis = tasks(store, &self.run, Stage::Analysis, &names, self.analysis).await?;
        self.encoding = tasks(store, &self.run, Stage::Encoding, &names, self.encoding).await?;
        let progress = |stage, tasks: Option<usize>| {
            tasks.map(|tasks| Progress { done: names.done(stage).len().min(tasks), tasks, failed: None })
        };
        Ok(RunState {
            run: self.run.clone(),
            show: self.open.as_ref().and_then(|open| open.show.clone()),
            language: self.open.as_ref().and_then(|open| open.language.clone()),
            lane: self.open.as_ref().map(|open| open.lane),
            // A run that was taken up again does not say when.
            submitted_at_ms: self.open.as_ref().map(|open| open.submitted_at_ms).filter(|at| *at > 0),
            cancelled: names.is_cancelled(),
            analysis: progress(Stage::Analysis, self.analysis),
            encoding: progress(Stage::Encoding, self.encoding),
            spent: self.open.as_ref().map(|open| open.spent).unwrap_or_default(),
            ending: None,
        })
    }
}

/// How many tasks a stage has; nothing where it has no plan.
async fn tasks(
    store: &dyn ArtifactStore,
    run: &RunId,
    stage: Stage,
    names: &Names,
    known: Option<usize>,
) -> Result<Option<usize>, Error> {
    if !names.is_planned(stage) {
        return Ok(None);
    }
    match known {
        None => Ok(Tasks::of(store, run, stage).await?.map(|tasks| tasks.len())),
        known => Ok(known),
    }
}

/// What a manifest says in brief. The rest of it, which is most, is not kept.
#[derive(Deserialize)]
struct Brief {
    episode: EpisodeId,
    language: LanguageTag,
    status: EpisodeStatus,
    completeness: Completeness,
    timing: Timing,
    #[serde(deserialize_with = "cancelled")]
    failures: bool,
}

impl Brief {
    fn state(self, run: &RunId) -> RunState {
        let done = self.completeness;
        let progress = |ok: u32, failed: u32| {
            let (tasks, failed) = (ok as usize + failed as usize, failed as usize);
            Some(Progress { done: tasks, tasks, failed: Some(failed) })
        };
        RunState {
            run: run.clone(),
            show: Some(self.episode.show),
            language: Some(self.language),
            lane: None,
            submitted_at_ms: None,
            cancelled: self.failures,
            analysis: progress(done.chunks_ok, done.chunks_failed),
            encoding: progress(done.clips_ok, done.clips_failed),
            spent: self.timing.usage,
            ending: Some(Ending {
                status: self.status,
                finished_at: self.timing.finished_at,
                clips: done.clips_ok as usize,
            }),
        }
    }
}

/// Whether anything failed since somebody cancelled the run.
fn cancelled<'de, D: Deserializer<'de>>(failures: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    struct Failed {
        kind: FailureKind,
    }
    struct Any;
    impl<'de> Visitor<'de> for Any {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of failures")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut failures: A) -> Result<bool, A::Error> {
            while let Some(failed) = failures.next_element::<Failed>()? {
                if failed.kind == FailureKind::Cancelled {
                    while failures.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
    failures.deserialize_seq(Any)
}
