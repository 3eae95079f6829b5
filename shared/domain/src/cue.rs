use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LanguageTag, Span};

/// One subtitle entry: who says or shows what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cue {
    /// When it is shown.
    pub span: Span,
    /// Plain text without markup; lines are parted by `\n`; never empty.
    pub text: String,
    /// The speaker, where the file names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// What the text is.
    #[serde(default)]
    pub kind: CueKind,
}

/// What a cue's text is. Nothing is deleted: only [`CueKind::Speech`] is taught from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CueKind {
    /// Somebody speaks (sound annotations may stand beside the words).
    #[default]
    Speech,
    /// Nothing but a sound or speaker annotation for the deaf and hard of hearing.
    Annotation,
    /// Sung or played music.
    Music,
    /// A sign, a title or other text in the picture.
    Sign,
    /// An advert or the credits of whoever made the file.
    Advert,
}

/// Consecutive cues of a transcript by position, `first` and `last` both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct CueRange {
    /// Position of the first cue, counted from 0.
    pub first: u32,
    /// Position of the last cue, not before `first`.
    pub last: u32,
}

impl CueRange {
    /// Whether `index` lies within.
    pub fn contains(self, index: u32) -> bool {
        (self.first..=self.last).contains(&index)
    }

    /// Whether all of `other` lies within.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The positions within, in order.
    pub fn indices(self) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator {
        self.first as usize..self.last as usize + 1
    }
}

/// An episode's cues in one language, sorted by start time, ties in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// The language, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageTag>,
    /// The cues; positions in this list are what a [`CueRange`] counts.
    pub cues: Vec<Cue>,
}

impl Transcript {
    /// The cues of `range`; those beyond the end are left out.
    pub fn slice(&self, range: CueRange) -> &[Cue] {
        let end = (range.last as usize + 1).min(self.cues.len());
        self.cues.get(range.first as usize..end).unwrap_or(&[])
    }

    /// From the earliest start to the latest end within `range`; `None` where the range holds no cue.
    pub fn span_of(&self, range: CueRange) -> Option<Span> {
        let cues = self.slice(range);
        let start = cues.iter().map(|cue| cue.span.start).min()?;
        let end = cues.iter().map(|cue| cue.span.end).max()?;
        Some(Span { start, end })
    }
}
