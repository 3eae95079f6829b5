use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CueRange;

/// Something worth learning, as it is said in an episode.
///
/// What could not be known is `None`; the manifest's notes say why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expression {
    /// The expression in its dictionary form: `give up`.
    pub expression: String,
    /// Its translation into the run's language.
    pub translation: Option<String>,
    /// The line it stands in, verbatim from the cues of `cues`, lines joined by a space.
    pub line: String,
    /// The line's translation.
    pub line_translation: Option<String>,
    /// What it means here, in plain words of the episode's language.
    pub meaning: String,
    /// One to three similar expressions.
    pub similar: Vec<String>,
    /// How advanced it is.
    pub level: Level,
    /// What sort of expression it is.
    pub kind: ExpressionKind,
    /// Why it is worth learning.
    pub why: String,
    /// The cues in which the expression itself is said.
    pub cues: CueRange,
    /// The cues of the scene around it; covers `cues`.
    pub scene: CueRange,
    /// Translations of the scene's cues, in their order, one entry a cue of `scene`.
    pub scene_translations: Vec<Option<String>>,
}

/// A level of the Common European Framework of Reference for Languages (Council of Europe, 2001).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the framework's own names")]
pub enum Level {
    A1,
    A2,
    B1,
    B2,
    C1,
    C2,
}

/// How far the learner is; decides which levels are worth teaching.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LearnerLevel {
    /// A1 and A2.
    Beginner,
    /// B1 and B2.
    #[default]
    Intermediate,
    /// C1 and C2.
    Advanced,
}

impl LearnerLevel {
    /// The levels that are new to this learner but within reach, lowest first.
    pub fn target(self) -> [Level; 2] {
        match self {
            Self::Beginner => [Level::A1, Level::A2],
            Self::Intermediate => [Level::B1, Level::B2],
            Self::Advanced => [Level::C1, Level::C2],
        }
    }

    /// The name as it is configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beginner => "beginner",
            Self::Intermediate => "intermediate",
            Self::Advanced => "advanced",
        }
    }
}

/// What sort of expression it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "terms of lexicography")]
pub enum ExpressionKind {
    Idiom,
    PhrasalVerb,
    Collocation,
    Slang,
    Other,
}
