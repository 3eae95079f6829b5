#![doc = include_str!("../README.md")]

mod align;
mod analysis;
mod beyond;
mod capacity;
mod check;
mod chunking;
mod clip;
mod cue;
mod expression;
mod gpu;
mod ids;
pub mod inflection;
mod language;
mod language_names;
mod manifest;
mod media;
mod naming;
mod pairing;
mod price;
mod scene;
mod season_folder;
mod selection;
mod sentence;
mod slug;
mod source_read;
mod stage;
mod time;

pub use align::{align, apply_translations};
pub use analysis::{AnalysisRequest, AnswerItem, Chunk, ChunkAnalysis, LineTranslation, RejectedItem, RequestLine};
pub use beyond::{BeyondEnd, beyond_end};
pub use capacity::{AnalysisPace, CapacityBound, Forecast, TooLate, Workload};
pub use check::{Checked, Unreadable, check, is_readable};
pub use chunking::{AnalysisSettings, ChunkLimits, chunk, halves, request};
pub use clip::{Burn, ClipSpec, CutMethod, EncodeSpec, Quality, SourceRead, VideoCodec};
pub use cue::{Cue, CueKind, CueRange, Transcript};
pub use expression::{Expression, ExpressionKind, LearnerLevel, Level};
pub use gpu::{Admission, Gpu, GpuDevice, GpuLimits, GpuSample, GpuState, InvalidGpuDevice, Load, Own, Saturation};
pub use ids::{Digest, EpisodeId, RunId, TaskId};
pub use language::{InvalidLanguageTag, LanguageTag};
pub use manifest::{
    Blob, ClipFiles, Completeness, DiagnosticCount, EncodedClip, EpisodeStatus, MANIFEST_VERSION, Manifest,
    ManifestClip, ManifestFailure, SceneCue, SourceFile, Timing, Usage,
};
pub use media::{AudioStream, MediaInfo, OtherStream, SubtitleStream, VideoStream};
pub use naming::{Named, is_subtitle, is_video, name_of};
pub use pairing::{PairError, Paired, Wanted, pair, pair_target};
pub use price::Prices;
pub use scene::{clip_bounds, scene_around};
pub use season_folder::{SameEpisode, SeasonFolder, SkipReason, season_folder};
pub use selection::{Candidate, SelectionLimits, select};
pub use slug::{folder_name, slug};
pub use source_read::{Footage, source_read};
pub use stage::{Failure, FailureKind, Lane, Outcome, Stage};
pub use time::{MediaTime, Span};
