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

        impl fmt::Display for DiagnosticKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
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
    /// A timing line is not written as the format wants it.
    IrregularTiming = "irregular_timing",
    /// A timing line cannot be read; its text is lost to the transcript.
    UnreadableTiming = "unreadable_timing",
    /// A timing line without text in the middle of another cue's text.
    StrayTiming = "stray_timing",
    /// A cue without text.
    EmptyCue = "empty_cue",
    /// A time before zero was set to zero.
    NegativeTime = "negative_time",
    /// A cue that lies wholly before zero was dropped.
    BeforeStart = "before_start",
    /// A cue ends before it starts; its end was set to its start.
    ReversedTime = "reversed_time",
    /// A cue starts before the one above it; the cues were sorted.
    OutOfOrder = "out_of_order",
    /// The index is missing, repeated or no number.
    IrregularIndex = "irregular_index",
    /// No blank line before a cue.
    MissingBlankLine = "missing_blank_line",
    /// A block that holds neither a cue nor a comment.
    UnknownBlock = "unknown_block",
    /// The file ends in the middle of a cue.
    Truncated = "truncated",
    /// A line that the cue above already showed was left out (rolling captions).
    RollingCaption = "rolling_caption",
    /// A vector drawing, which has no text.
    Drawing = "drawing",
    /// Text that is an advert.
    Advert = "advert",
    /// No `WEBVTT` line at the top.
    MissingHeader = "missing_header",
    /// No `Format` line above the first event; the usual columns were taken.
    MissingFormat = "missing_format",
    /// The text was decoded wrongly by whoever saved the file.
    Mojibake = "mojibake",
}
