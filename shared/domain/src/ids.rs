use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digest of a value's JSON form. Field order is the order of declaration, so equal values give equal digests.
    pub fn of_json<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(|bytes| Self::of_bytes(&bytes))
    }

    /// All 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight hexadecimal digits, for names.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which episode of which show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct EpisodeId {
    /// The show's name as people write it.
    pub show: String,
    /// The season, counted from 1; 0 holds specials.
    pub season: u16,
    /// The episode within the season.
    pub episode: u16,
}

/// Writes `Suits S01E02`.
impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.show, self.code())
    }
}

impl EpisodeId {
    /// `S01E02`.
    pub fn code(&self) -> String {
        format!("S{:02}E{:02}", self.season, self.episode)
    }
}

/// One episode with one set of settings: `<show>-s01e02-<8 hex of the digest of sources and settings>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Names the run of `episode` whose sources and settings have the digest `inputs`.
    pub fn new(episode: &EpisodeId, inputs: &Digest) -> Self {
        Self(format!("{}-{}-{}", crate::slug(&episode.show), episode.code().to_lowercase(), inputs.short()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A task's name within its stage: `chunk-0007` or a clip's digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
    /// The task of the chunk at `position`, counted from 0.
    pub fn chunk(position: u32) -> Self {
        Self(format!("chunk-{position:04}"))
    }

    /// The task that makes the clip with this digest.
    pub fn clip(clip: &Digest) -> Self {
        Self(clip.as_str().to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
