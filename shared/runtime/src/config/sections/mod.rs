use std::path::PathBuf;

use langflix_domain::{LanguageTag, LearnerLevel};

use super::{kind, reader::Reader};

mod address;
mod base_url;
mod files;
mod fleet;
mod gpu;
mod llm;
mod provider;
mod rabbitmq;
mod redis;
mod s3;
mod telemetry;
mod video;
mod web;

pub use base_url::BaseUrl;
pub(super) use files::Files;
pub use fleet::Fleet;
pub use gpu::Gpu;
pub use llm::Llm;
pub use provider::Provider;
pub use rabbitmq::RabbitMq;
pub use redis::Redis;
pub use s3::{S3, S3Credentials};
pub use telemetry::Telemetry;
pub use video::{Fallback, HardwareAcceleration, Video};
pub use web::Web;

/// How much is done at once, and how much is taken.
#[derive(Clone, Debug)]
pub struct Processing {
    /// Clips encoded at once; 0 for what cores and memory allow.
    pub max_concurrent_jobs: u32,
    /// Episodes of a season worked on at once.
    pub batch_size: u32,
    /// Memory for all that runs at once, in MiB; 0 for the limit that [`crate::resources::memory_budget`] finds.
    pub max_memory_mb: u64,
    /// Fewest expressions asked for of one chunk.
    pub min_expressions_per_chunk: u8,
    /// Most expressions taken of one chunk.
    pub max_expressions_per_chunk: u8,
    /// Most expressions taken of one episode.
    pub max_expressions: u32,
}

/// What one run is asked for.
#[derive(Clone, Debug)]
pub struct Run {
    /// The language to translate into; a run needs one.
    pub language: Option<LanguageTag>,
    /// The language of the episode.
    pub source_language: LanguageTag,
    /// How far the learner is.
    pub level: LearnerLevel,
    /// Where the results go.
    pub output: PathBuf,
}

const LEVELS: [LearnerLevel; 3] = [LearnerLevel::Beginner, LearnerLevel::Intermediate, LearnerLevel::Advanced];

impl Processing {
    pub(in crate::config) fn read(read: &mut Reader) -> Self {
        let max_concurrent_jobs = read.value(
            "processing.max_concurrent_jobs",
            kind::whole(0..=64),
            0,
            "clips encoded at once; 0: what cores and memory allow",
        );
        let batch_size =
            read.value("processing.batch_size", kind::whole(1..=32), 1, "episodes of a season worked on at once");
        let max_memory_mb = read.value(
            "processing.max_memory_mb",
            kind::whole(0..=16_777_216),
            0,
            "memory for all that runs at once, in MiB; 0: the cgroup's limit, else the machine's memory; never more than these",
        );
        let min_expressions_per_chunk = read.value(
            "processing.min_expressions_per_chunk",
            kind::whole(0..=10),
            1,
            "fewest expressions asked for of one chunk",
        );
        let max_expressions_per_chunk = read.value(
            "processing.max_expressions_per_chunk",
            kind::whole(1..=10),
            3.max(min_expressions_per_chunk),
            "most expressions taken of one chunk; at least the fewest",
        );
        let max_expressions = read.value(
            "processing.max_expressions",
            kind::whole(1..=1000),
            20,
            "most expressions taken of one episode, spread over it",
        );
        if max_expressions_per_chunk < min_expressions_per_chunk {
            let least = format!("at least processing.min_expressions_per_chunk, which is {min_expressions_per_chunk}");
            read.refuse("processing.max_expressions_per_chunk", least);
        }
        Self {
            max_concurrent_jobs,
            batch_size,
            max_memory_mb,
            min_expressions_per_chunk,
            max_expressions_per_chunk,
            max_expressions,
        }
    }
}

impl Run {
    pub(in crate::config) fn read(read: &mut Reader) -> Self {
        Self {
            language: read.value(
                "run.language",
                kind::language().optional(),
                None,
                "the learner's language, to translate into; a run needs one",
            ),
            source_language: read.value(
                "run.source_language",
                kind::language(),
                english(),
                "the language of the episode",
            ),
            level: read.value(
                "run.level",
                kind::choice(LEVELS.map(|level| (level.as_str(), level))),
                LearnerLevel::Intermediate,
                "how far the learner is: A1 and A2, B1 and B2, or C1 and C2",
            ),
            output: read.value("run.output", kind::path(), PathBuf::from("output"), "the folder that results go to"),
        }
    }
}

#[expect(clippy::expect_used, reason = "'en' is a language tag, whatever is configured")]
fn english() -> LanguageTag {
    "en".parse().expect("'en' is a language tag")
}

/// A user's name at a server.
fn server_user() -> kind::Kind<String> {
    let fits = |text: &str| text.len() <= 128 && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    kind::text("a user's name of at most 128 bytes", move |text| fits(text).then(|| text.to_owned()), String::clone)
}
