use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CueRange, Digest, EpisodeId, ExpressionKind, Failure, LanguageTag, LearnerLevel, Level, RejectedItem, RunId, Span,
    Stage, TaskId, VideoCodec,
};

/// The version of the manifest's form that this program writes.
pub const MANIFEST_VERSION: u32 = 1;

/// The finished run: what was asked for, what came out, what failed and why.
///
/// The same input and settings give the same manifest, byte for byte but for `timing`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of this form; readers refuse a higher one than they know.
    pub version: u32,
    /// The run.
    pub run: RunId,
    /// The episode.
    pub episode: EpisodeId,
    /// How complete it is.
    pub status: EpisodeStatus,
    /// Language of the episode.
    pub source_language: LanguageTag,
    /// Language of the translations.
    pub language: LanguageTag,
    /// Level of the learner.
    pub level: LearnerLevel,
    /// Who analysed it, as `provider/model`.
    pub analysed_by: String,
    /// The video.
    pub video: SourceFile,
    /// Subtitles in the episode's language.
    pub subtitles: SourceFile,
    /// Subtitles in the target language, where there are some.
    pub target_subtitles: Option<SourceFile>,
    /// How many tasks each stage had and how they ended.
    pub completeness: Completeness,
    /// What the subtitle parsers repaired, skipped or suspected.
    pub diagnostics: Vec<DiagnosticCount>,
    /// What a reader must know about this result, such as why translations are missing.
    pub notes: Vec<String>,
    /// The clips in the order of the episode.
    pub clips: Vec<ManifestClip>,
    /// What failed, in the order of the episode.
    pub failures: Vec<ManifestFailure>,
    /// Items of answers that failed a check, by chunk position.
    pub rejected: BTreeMap<u32, Vec<RejectedItem>>,
    /// When and how long. The only part that differs between equal runs.
    pub timing: Timing,
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeStatus {
    /// Every task gave its result.
    Complete,
    /// Some tasks failed; `failures` lists them.
    Partial,
    /// Nothing usable came out.
    Failed,
}

impl EpisodeStatus {
    /// The name used in the manifest and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// Tasks of both stages by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Completeness {
    /// Chunks analysed.
    pub chunks_ok: u32,
    /// Chunks that failed.
    pub chunks_failed: u32,
    /// Clips encoded.
    pub clips_ok: u32,
    /// Clips that failed.
    pub clips_failed: u32,
}

/// A source as the run saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceFile {
    /// File name without its folder, or `<video>#<track>` for a subtitle track inside the video.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content for subtitles, of the identity (path, size, modification time or ETag) for a video.
    pub digest: Digest,
}

/// How often one kind of diagnostic was given for one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticCount {
    /// The file's name.
    pub file: String,
    /// The diagnostic's kind.
    pub kind: String,
    /// How often.
    pub count: u32,
    /// The line of the first, counted from 1.
    pub first_line: u32,
}

/// One expression with its clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestClip {
    /// Position in the episode, counted from 1.
    pub number: u32,
    /// The clip's digest, its name in the store.
    pub id: TaskId,
    /// The expression in its dictionary form.
    pub expression: String,
    /// Its translation.
    pub translation: Option<String>,
    /// What it means here.
    pub meaning: String,
    /// The line it stands in.
    pub line: String,
    /// The line's translation.
    pub line_translation: Option<String>,
    /// Similar expressions.
    pub similar: Vec<String>,
    /// Level.
    pub level: Level,
    /// Kind.
    pub kind: ExpressionKind,
    /// Why it is worth learning.
    pub why: String,
    /// Where in the episode the expression is said, in milliseconds.
    pub said: Span,
    /// The cues in which it is said, by their position in the transcript.
    pub said_cues: CueRange,
    /// The scene in the episode: its cues and a little padding, in milliseconds.
    pub scene: Span,
    /// The scene's cues, their times counted from the timeline's zero.
    pub cues: Vec<SceneCue>,
    /// What was encoded; `None` in a dry run or where encoding failed.
    pub encoded: Option<EncodedClip>,
    /// The clip's files beside the manifest; `None` where nothing was encoded.
    pub files: Option<ClipFiles>,
}

/// One cue of a scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SceneCue {
    /// Position in the transcript, counted from 0.
    pub index: u32,
    /// When it is shown, in milliseconds of the episode.
    pub span: Span,
    /// Its text.
    pub text: String,
    /// Its translation.
    pub translation: Option<String>,
}

/// What the encoder made of a clip's spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EncodedClip {
    /// The encoder that made it, by ffmpeg's name. Where it is not the one that was asked for, software stood in for a GPU.
    #[serde(default = "software")]
    pub encoder: VideoCodec,
    /// The bounds that were cut, in milliseconds of the episode.
    pub bounds: Span,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether the clip has sound.
    pub has_audio: bool,
    /// SHA-256 and size of each file by its name in the store: `clip.mp4`, `poster.jpg`.
    pub blobs: BTreeMap<String, Blob>,
}

/// What made the clips of records that name no encoder.
fn software() -> VideoCodec {
    VideoCodec::Libx264
}

/// A stored file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blob {
    /// SHA-256 of the content.
    pub sha256: Digest,
    /// Size in bytes.
    pub bytes: u64,
}

/// Paths of a clip's files, relative to the manifest, with `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClipFiles {
    /// The clip.
    pub video: String,
    /// A still from the middle of the line.
    pub poster: String,
    /// WebVTT in the episode's language, times counted from the clip's start.
    pub subtitles: String,
    /// WebVTT of the translation, where there is any.
    pub target_subtitles: Option<String>,
}

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestFailure {
    /// In which stage.
    pub stage: Stage,
    /// Which task.
    pub task: String,
    /// Where in the episode, in milliseconds.
    pub span: Span,
    /// Why.
    #[serde(flatten)]
    pub failure: Failure,
}

/// When and how long; differs between equal runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// When the run was planned, RFC 3339 in UTC.
    pub started_at: String,
    /// When the manifest was written, RFC 3339 in UTC.
    pub finished_at: String,
    /// Wall time from plan to manifest, in milliseconds.
    pub wall_ms: u64,
    /// What the provider charged for, failed attempts included.
    pub usage: Usage,
}

/// What was asked of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Requests sent.
    pub requests: u32,
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers, thinking included.
    pub output_tokens: u64,
}

impl Usage {
    /// What is left of it without `part`.
    pub fn without(self, part: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(part.requests),
            input_tokens: self.input_tokens.saturating_sub(part.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(part.output_tokens),
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set this variable to have the file written anew.
    const UPDATE: &str = "UPDATE_SCHEMA";
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.schema.json");

    #[test]
    fn clips_that_name_no_encoder_are_of_software() {
        let record = r#"{"bounds":{"start":0,"end":1},"width":2,"height":2,"has_audio":false,"blobs":{}}"#;
        let clip: EncodedClip = serde_json::from_str(record).unwrap();
        assert_eq!(clip.encoder, VideoCodec::Libx264);
    }

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_manifest() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Manifest)).unwrap() + "\n";
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(FILE, &schema).unwrap();
        }
        let kept = std::fs::read_to_string(FILE).unwrap();
        assert!(
            kept == schema,
            "{FILE} is of another form: run this test with {UPDATE}=1 and raise MANIFEST_VERSION if readers must know"
        );
    }
}
