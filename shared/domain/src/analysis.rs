//! What a language model is asked about one chunk, and what it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CueRange, Digest, Expression, ExpressionKind, LanguageTag, LearnerLevel, Level};

/// Consecutive cues that are sent to the model together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chunk {
    /// Position among the episode's chunks, counted from 0.
    pub position: u32,
    /// The cues that expressions may be taken from.
    pub cues: CueRange,
    /// `cues` and the neighbours shown as context; covers `cues`.
    pub with_context: CueRange,
}

/// What is asked about one chunk: plain data, the same for every provider.
///
/// It names neither the show nor any time of the episode, so equal chunks of two runs give the same cached answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisRequest {
    /// The language of the lines.
    pub source_language: LanguageTag,
    /// The language to translate into.
    pub language: LanguageTag,
    /// The learner's level.
    pub level: LearnerLevel,
    /// Fewest expressions wanted.
    pub min_expressions: u8,
    /// Most expressions wanted.
    pub max_expressions: u8,
    /// Whether the model translates the lines; false where a target-language subtitle gives the translations.
    /// The expression itself is translated by the model in any case.
    pub translate_lines: bool,
    /// The lines in order, context included.
    pub lines: Vec<RequestLine>,
}

/// One cue as it is shown to the model. Its number is its position in the request, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    /// The cue's text, lines joined by a space.
    pub text: String,
    /// Start relative to the first line of the request, in milliseconds, so that a scene's length can be judged.
    pub offset_ms: i64,
    /// Duration in milliseconds.
    pub duration_ms: i64,
    /// Whether it is context only: expressions must not be taken from it.
    pub context: bool,
}

impl AnalysisRequest {
    /// The digest of all that shapes the answer on our side.
    ///
    /// # Errors
    /// Only if a field cannot be written as JSON, which none of these types can fail to.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json(self)
    }
}

/// One expression as the model names it, before it is checked. Line numbers count the request's lines from 1.
///
/// Everything but the essential fields has a default, so that one missing field costs one item its place and never
/// the whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerItem {
    /// The expression in its dictionary form.
    pub expression: String,
    /// Its translation.
    #[serde(default)]
    pub translation: Option<String>,
    /// Number of the first line in which it is said.
    pub first_line: u32,
    /// Number of the last line in which it is said.
    pub last_line: u32,
    /// The words of those lines, verbatim.
    pub quote: String,
    /// The quote's translation.
    #[serde(default)]
    pub quote_translation: Option<String>,
    /// Number of the scene's first line.
    pub scene_first_line: u32,
    /// Number of the scene's last line.
    pub scene_last_line: u32,
    /// A translation for each line of the scene.
    #[serde(default)]
    pub scene_translations: Vec<LineTranslation>,
    /// What it means here.
    pub meaning: String,
    /// One to three similar expressions.
    #[serde(default)]
    pub similar: Vec<String>,
    /// Level.
    pub level: Level,
    /// Kind.
    pub kind: ExpressionKind,
    /// Why it is worth learning.
    #[serde(default)]
    pub why: String,
}

/// The translation of one line of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineTranslation {
    /// The line's number.
    pub line: u32,
    /// Its translation.
    pub text: String,
}

/// What one chunk gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChunkAnalysis {
    /// The expressions that passed every check, best first as the model ranked them.
    pub expressions: Vec<Expression>,
    /// The items that did not, each with its reason.
    pub rejected: Vec<RejectedItem>,
    /// Who answered, as `provider/model`.
    pub answered_by: String,
}

/// An item of an answer that failed a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RejectedItem {
    /// The expression as the model named it; empty where the item could not be read that far.
    pub expression: String,
    /// Why it was rejected.
    pub reason: String,
}
