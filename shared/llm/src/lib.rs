#![doc = include_str!("../README.md")]

mod cached;
mod counted;
mod failure;
mod fallback;
mod fused;
mod gemini;
mod http;
mod identity;
mod language_names;
mod limited;
mod limiter;
mod offline;
mod openai;
mod prompt;
mod retrying;
mod schema;
mod secret;
mod settings;
#[cfg(test)]
mod testing;

pub use cached::Cached;
pub use counted::Counted;
pub use fallback::ShareWhileAway;
pub use fused::Fused;
pub use gemini::Gemini;
pub use identity::Identity;
pub use limited::Limited;
pub use limiter::LocalLimiter;
pub use offline::Offline;
pub use openai::OpenAi;
pub use prompt::PROMPT_VERSION;
pub use retrying::{RetryPolicy, Retrying};
pub use secret::Secret;
pub use settings::{
    BuildError, CheckError, Fleet, LlmSettings, ProviderSettings, build, build_for_fleet, check, for_fleet,
};
