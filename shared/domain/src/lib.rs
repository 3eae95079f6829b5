#![doc = include_str!("../README.md")]

mod analysis;
mod clip;
mod cue;
mod expression;
mod ids;
mod language;
mod manifest;
mod media;
mod slug;
mod stage;
mod time;

pub use analysis::{AnalysisRequest, AnswerItem, Chunk, ChunkAnalysis, LineTranslation, RejectedItem, RequestLine};
pub use clip::{Burn, ClipSpec, CutMethod, EncodeSpec, VideoCodec};
pub use cue::{Cue, CueKind, CueRange, Transcript};
pub use expression::{Expression, ExpressionKind, LearnerLevel, Level};
pub use ids::{Digest, EpisodeId, RunId, TaskId};
pub use language::{InvalidLanguageTag, LanguageTag};
pub use manifest::{
    Blob, ClipFiles, Completeness, DiagnosticCount, EncodedClip, EpisodeStatus, MANIFEST_VERSION, Manifest,
    ManifestClip, ManifestFailure, SceneCue, SourceFile, Timing, Usage,
};
pub use media::{AudioStream, MediaInfo, SubtitleStream, VideoStream};
pub use slug::slug;
pub use stage::{Failure, FailureKind, Outcome, Stage};
pub use time::{MediaTime, Span};
