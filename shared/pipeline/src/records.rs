//! What is recorded of a run.

use std::collections::BTreeMap;

use langflix_domain::{
    AnalysisRequest, AnalysisSettings, Burn, Chunk, ClipSpec, Digest, EncodeSpec, EpisodeId, Expression, Failure,
    LanguageTag, LearnerLevel, ManifestFailure, MediaInfo, Outcome, RejectedItem, RunId, SourceFile, SourceRead, Span,
    TaskId, Transcript, Usage, request,
};
use langflix_ports::store::ArtifactStore;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    stored::{read, request_key, unreadable},
};

/// All settings that change the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Language of the episode.
    pub source_language: LanguageTag,
    /// Language of the translations.
    pub language: LanguageTag,
    /// Level of the learner.
    pub level: LearnerLevel,
    /// Most characters of a chunk.
    pub chunk_size: u32,
    /// Most characters of a chunk with its context.
    pub max_input_length: u32,
    /// Fewest expressions asked of a chunk.
    pub min_expressions_per_chunk: u8,
    /// Most expressions taken of a chunk.
    pub max_expressions_per_chunk: u8,
    /// Most expressions of the episode.
    pub max_expressions: u32,
    /// The model that is asked, as `provider/model`.
    pub model_name: String,
    /// The model's fingerprint.
    pub model: Digest,
    /// Whether the model translates at all.
    pub model_translates: bool,
    /// How clips are encoded; `None` for a dry run.
    pub encode: Option<EncodeSpec>,
    /// What is drawn into the picture.
    pub burn: Burn,
}

/// What was asked for, and everything known before the work begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The episode.
    pub episode: EpisodeId,
    /// Where the video is: a path, or a URL of the store.
    pub source: String,
    /// Identity of the video's bytes.
    pub source_identity: String,
    /// What is known of the video.
    pub media: MediaInfo,
    /// The video as the manifest names it.
    pub video: SourceFile,
    /// The subtitles as the manifest names them.
    pub subtitles: SourceFile,
    /// The subtitles in the target language.
    pub target_subtitles: Option<SourceFile>,
    /// The episode's cues.
    pub transcript: Transcript,
    /// The target language's cues.
    pub target_transcript: Option<Transcript>,
    /// What the subtitle parsers said, counted.
    pub diagnostics: Vec<langflix_domain::DiagnosticCount>,
    /// The settings.
    pub settings: RunSettings,
    /// The name that it is stored under, where it was read from the store: another version may name it otherwise.
    #[serde(skip)]
    pub stored_as: Option<RunId>,
}

impl RunRequest {
    /// The run's name: the same sources and settings give the same. All that the manifest repeats of them is part of it,
    /// so that a subtitle under another name does not get the manifest of the first.
    ///
    /// # Errors
    /// Only if a field cannot be written as JSON, which none of these types can fail to.
    pub fn run(&self) -> Result<RunId, Error> {
        if let Some(run) = &self.stored_as {
            return Ok(run.clone());
        }
        let inputs = (&self.episode, &self.source_identity, &self.subtitles, &self.target_subtitles, &self.settings);
        let digest = Digest::of_json(&inputs).map_err(|error| unreadable("request.json", &error))?;
        Ok(RunId::new(&self.episode, &digest))
    }

    /// What was asked for in `run`; `None` where there is no such run.
    ///
    /// # Errors
    /// [`Error`] where the store or the record cannot be read.
    pub async fn of(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<Self>, Error> {
        let asked = read::<Self>(store, &request_key(run)).await?;
        Ok(asked.map(|asked| Self { stored_as: Some(run.clone()), ..asked }))
    }

    /// What a model is asked about a chunk.
    pub fn analysis_request(&self, chunk: &Chunk) -> AnalysisRequest {
        request(&self.transcript, chunk, &self.analysis_settings())
    }

    /// What every request of this run has in common.
    pub(crate) fn analysis_settings(&self) -> AnalysisSettings {
        AnalysisSettings {
            source_language: self.settings.source_language.clone(),
            language: self.settings.language.clone(),
            level: self.settings.level,
            min_expressions: self.settings.min_expressions_per_chunk,
            max_expressions: self.settings.max_expressions_per_chunk,
            translate_lines: self.settings.model_translates && self.target_transcript.is_none(),
        }
    }
}

/// The analysis stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisPlan {
    /// When it was planned, milliseconds since 1970.
    pub planned_at_ms: u64,
    /// Its tasks.
    pub tasks: Vec<AnalysisTask>,
}

/// One chunk to analyse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisTask {
    /// Its name.
    pub id: TaskId,
    /// The chunk. What is asked about it follows from it and from the run's request, which lies in the store.
    pub chunk: Chunk,
}

impl AnalysisTask {
    /// What people call it: the numbers of its cues, counted from 1.
    pub fn label(&self) -> String {
        format!("cues {} to {}", self.chunk.cues.first + 1, self.chunk.cues.last + 1)
    }
}

/// What came of the analysis, as the manifest tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysed {
    /// Chunks analysed.
    pub chunks_ok: u32,
    /// Chunks that failed, in the order of the episode.
    pub failures: Vec<ManifestFailure>,
    /// Items of answers that failed a check, by chunk position.
    pub rejected: BTreeMap<u32, Vec<RejectedItem>>,
    /// What the provider charged for.
    pub usage: Usage,
}

/// The encoding stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodingPlan {
    /// What came of the analysis, so that nobody has to read all its outcomes again.
    pub analysed: Analysed,
    /// Its tasks, in the order of the episode.
    pub tasks: Vec<EncodingTask>,
    /// Expressions that were left out since the video ends before they are said.
    #[serde(default)]
    pub beyond_end: u32,
}

/// One clip to encode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodingTask {
    /// Its name: the clip's digest.
    pub id: TaskId,
    /// What it teaches.
    pub expression: Expression,
    /// What to encode; `None` in a dry run.
    pub clip: Option<ClipSpec>,
    /// Where the scene lies.
    pub scene: Span,
}

impl EncodingTask {
    /// What people call it: the expression.
    pub fn label(&self) -> String {
        self.expression.expression.clone()
    }
}

/// How a task ended, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded<T> {
    /// The task.
    pub task: TaskId,
    /// How it ended.
    pub outcome: Outcome<T>,
    /// What the provider charged for it, whatever came of it.
    #[serde(default)]
    pub usage: Usage,
    /// How the source was read for it, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<SourceRead>,
    /// The span that it was done in, in the form of W3C's `traceparent`, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl<T> Recorded<T> {
    /// What it gave, unless it failed.
    pub fn result(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Ok(result) => Some(result),
            Outcome::Failed(_) => None,
        }
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            Outcome::Ok(_) => None,
            Outcome::Failed(failure) => Some(failure),
        }
    }
}

/// What is recorded of one stage, by task.
pub type Outcomes<T> = BTreeMap<TaskId, Recorded<T>>;
