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

    /// The run of that name, if it can be one.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, digest) = text.rsplit_once('-')?;
        let (show, code) = rest.rsplit_once('-')?;
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let numbers = code.strip_prefix('s')?.split_once('e')?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_run = digest.len() == 8 && digest.chars().all(hex) && number(numbers.0) && number(numbers.1);
        (is_run && !show.is_empty() && !text.contains(['/', '\\'])).then(|| Self(text.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_run_is_known_by_its_form() {
        let episode = EpisodeId { show: "The Long-Way Home".to_owned(), season: 1, episode: 102 };
        let run = RunId::new(&episode, &Digest::of_bytes(b"x"));
        assert_eq!(RunId::parse(run.as_str()), Some(run));
        for other in ["", "show", "show-s01e02", "-s01e02-0123abcd", "a/b-s01e02-0123abcd", "show-s01e02-0123ABCD"] {
            assert_eq!(RunId::parse(other), None, "{other}");
        }
    }
}
