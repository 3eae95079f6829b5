use std::fmt;

use serde::Serialize;

/// Something in a file that was repaired, skipped or looks suspicious.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Line of the file, counted from 1.
    pub line: u32,
    /// What sort of thing.
    pub kind: DiagnosticKind,
    /// A short excerpt or explanation; may be empty.
    pub detail: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Sorts of diagnostics, stable names in the manifest.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum DiagnosticKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl DiagnosticKind {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),*];
        }

        impl fmt::Display for DiagnosticKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

/// Most diagnostics that one file keeps; a hostile one could give one for every few bytes.
const MOST: usize = 100_000;
/// Longest excerpt, in characters.
const EXCERPT: usize = 80;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Log {
    list: Vec<Diagnostic>,
    left_out: usize,
}

impl Log {
    /// Notes `kind` with an excerpt of `detail`.
    pub(crate) fn say(&mut self, line: u32, kind: DiagnosticKind, detail: &str) {
        if self.list.len() >= MOST {
            self.left_out += 1;
            return;
        }
        let detail = detail.trim().chars().take(EXCERPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.list.push(Diagnostic { line, kind, detail });
    }

    /// All of them by line.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.kind));
        if self.left_out > 0 {
            let line = self.list.last().map_or(1, |last| last.line);
            let detail = format!("{} more are not listed", self.left_out);
            self.list.push(Diagnostic { line, kind: DiagnosticKind::More, detail });
        }
        self.list
    }
}

kinds! {
    /// The encoding was detected, not declared.
    GuessedEncoding = "guessed_encoding",
    /// Bytes that the encoding does not know were replaced.
    UndecodableBytes = "undecodable_bytes",
    /// Some lines are in another encoding than the rest.
    MixedEncoding = "mixed_encoding",
    /// A byte order mark stands where none belongs.
    StrayByteOrderMark = "stray_byte_order_mark",
    /// The content is of another format than the extension says.
    WrongExtension = "wrong_extension",
    /// A timing line is not written as the format wants it; coordinates behind it were left out.
    IrregularTiming = "irregular_timing",
    /// A timing line cannot be read; its text was left out.
    UnreadableTiming = "unreadable_timing",
    /// A numbered entry has no timing line; its text was left out.
    MissingTiming = "missing_timing",
    /// A timing line without text in the middle of another cue's text.
    StrayTiming = "stray_timing",
    /// A cue without text.
    EmptyCue = "empty_cue",
    /// A time before zero was set to zero.
    NegativeTime = "negative_time",
    /// A cue that lies wholly before zero was dropped.
    BeforeStart = "before_start",
    /// A cue ends before it starts; both times were swapped, or the end estimated where they lie far apart.
    ReversedTime = "reversed_time",
    /// A cue ends when it starts.
    ZeroDuration = "zero_duration",
    /// A cue starts after more than a day or lasts more than five minutes.
    ImplausibleTime = "implausible_time",
    /// The header maps the times to a transport stream; they were taken as they stand.
    TimestampMap = "timestamp_map",
    /// A cue starts before the one above it; the cues were sorted.
    OutOfOrder = "out_of_order",
    /// The index is missing, repeated or no number.
    IrregularIndex = "irregular_index",
    /// A number on a line of its own ends a cue's text; it may be an index.
    LoneNumber = "lone_number",
    /// No blank line before a cue.
    MissingBlankLine = "missing_blank_line",
    /// Lines that belong to no cue were left out.
    UnknownBlock = "unknown_block",
    /// The text of a cue was cut, since nobody can read so much of it.
    OversizedCue = "oversized_cue",
    /// The file ends in the middle of a cue.
    Truncated = "truncated",
    /// A line that the cue above already showed was left out (rolling captions).
    RollingCaption = "rolling_caption",
    /// A vector drawing, which has no text.
    Drawing = "drawing",
    /// Text that is an advert.
    Advert = "advert",
    /// A line ends with `\r\r\n`, or with a separator of Unicode's own.
    IrregularLineEnd = "irregular_line_end",
    /// Direction marks or other invisible characters were taken out of the text.
    InvisibleCharacter = "invisible_character",
    /// Letters and their marks were apart; they were composed.
    DecomposedText = "decomposed_text",
    /// Readings above Chinese characters (ruby) were left out.
    RubyText = "ruby_text",
    /// No `WEBVTT` line at the top.
    MissingHeader = "missing_header",
    /// No `Format` line above the first event; the usual columns were taken.
    MissingFormat = "missing_format",
    /// The text was decoded wrongly by whoever saved the file; it was put right.
    Mojibake = "mojibake",
    /// The file gives more diagnostics than are kept.
    More = "more",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_explains_every_kind() {
        let readme = include_str!("../README.md");
        let missing: Vec<_> =
            DiagnosticKind::ALL.iter().filter(|kind| !readme.contains(&format!("| `{kind}` |"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
