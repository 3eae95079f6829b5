#![doc = include_str!("../README.md")]

mod analyse;
mod complete;
mod encode;
mod error;
mod plan;
mod records;

pub use analyse::analyse_chunk;
pub use complete::complete;
pub use encode::encode_clip;
pub use error::Error;
pub use plan::{plan_analysis, plan_encoding};
pub use records::{
    AnalysisPlan, AnalysisTask, ChunkResult, EncodingPlan, EncodingTask, Outcomes, RunRequest, RunSettings, outcomes,
};
