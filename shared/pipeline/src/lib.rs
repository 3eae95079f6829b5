#![doc = include_str!("../README.md")]

mod analyse;
mod complete;
mod encode;
mod error;
pub mod fleet;
mod lines;
mod names;
mod notes;
mod plan;
mod probe;
mod records;
mod retry;
mod stored;
mod tries;

pub use analyse::{analyse_chunk, try_chunk};
pub use complete::{abandon, complete, is_of_run, rfc3339};
pub use encode::{Cutter, InPlace, encode_clip, try_clip};
pub use error::Error;
pub use lines::clip_lines;
pub use notes::speaks_otherwise;
pub use plan::{plan_analysis, plan_encoding};
pub use probe::{extract_subtitles, probe};
pub use records::{
    Analysed, AnalysisPlan, AnalysisTask, EncodingPlan, EncodingTask, Outcomes, Recorded, RunRequest, RunSettings,
};
pub use retry::retry_failed;
pub use stored::{done_tasks, mark_cancelled, outcomes, trace_of};
pub use tries::{Ended, Try};
