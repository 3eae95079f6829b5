use std::fmt;

use langflix_domain::{LanguageTag, Transcript};
use serde::Serialize;

use crate::{
    Diagnostic, DiagnosticKind, ass, cues, decode,
    diagnostic::Log,
    finish, foreign, language,
    lines::{Lines, bare},
    timestamp::{self, Dialect, TimingLine},
};

/// Largest file that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// How a file is written, told from its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// SubStation Alpha, any version.
    Ass,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Srt => "SubRip",
            Self::Vtt => "WebVTT",
            Self::Ass => "SubStation Alpha",
        })
    }
}

/// A subtitle file that was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// How it is written.
    pub format: Format,
    /// Its encoding, by the WHATWG's name.
    pub encoding: String,
    /// Its cues.
    pub transcript: Transcript,
    /// What was repaired, skipped or looks suspicious, by line.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file without one usable cue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct ParseError {
    /// The file's name.
    pub name: String,
    /// What is wrong, what was tried and what to do, in one line.
    pub reason: String,
}

/// Reads a subtitle file. `name` serves messages, the check of the extension and the language suffix.
///
/// # Errors
/// [`ParseError`] where the file holds no usable cue.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Parsed, ParseError> {
    let fail = |reason: String| Err(ParseError { name: name.to_owned(), reason });
    if bytes.len() > MAX_BYTES {
        return fail(format!("larger than {} MiB: this is no subtitle file", MAX_BYTES >> 20));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return fail("the file is empty: give one with subtitles".to_owned());
    }
    if let Some(what) = foreign::name_of(bytes) {
        return fail(format!(
            "this is {what}, not a subtitle file that can be read: give an .srt, .vtt, .ass or .ssa file"
        ));
    }
    let mut log = Log::default();
    let decoded = decode::decode(bytes, &mut log);
    let content = decoded.text.trim_start_matches('\u{feff}');
    if decoded.text.len() > content.len() {
        log.say(1, DiagnosticKind::StrayByteOrderMark, "more than one at the start");
    }
    let format = format_of(name, content);
    check_extension(name, format, &mut log);
    let mut header_language = None;
    let mut lines = Lines::new(content);
    let raw = match format {
        Format::Ass => ass::read(lines, &mut log),
        Format::Srt => cues::read(lines, Dialect::Srt, &mut log),
        Format::Vtt => {
            header_language = header(content, &mut lines, &mut log);
            cues::read(lines, Dialect::Vtt, &mut log)
        }
    };
    if raw.len() > cues::MAX_CUES {
        return fail(format!("over {} cues, which no film has: check that it is a subtitle file", cues::MAX_CUES));
    }
    let cues = finish::finish(raw, format, &mut log);
    let diagnostics = log.finish();
    if cues.is_empty() {
        let found = first_problem(&diagnostics);
        return fail(format!(
            "no usable cue: read as {format} in {}{found}; check that it is a subtitle file with timing lines",
            decoded.encoding
        ));
    }
    let language = language::of_name(name).or(header_language).or_else(|| language::of_speech(&cues));
    Ok(Parsed { format, encoding: decoded.encoding, transcript: Transcript { language, cues }, diagnostics })
}

fn first_problem(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .first()
        .map_or(String::new(), |first| format!(" (line {}: {} {})", first.line, first.kind, first.detail))
}

fn format_of(name: &str, content: &str) -> Format {
    let mut lines = Lines::new(content).map(|line| bare(line.text));
    if lines.by_ref().find(|line| !line.is_empty()).is_some_and(|line| line.starts_with("WEBVTT")) {
        return Format::Vtt;
    }
    let starts = |line: &str, word: &str| line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let is_ass =
        |line: &str| ["[script info]", "dialogue:", "[events]", "format:"].iter().any(|word| starts(line, word));
    let mut timing = None;
    for line in Lines::new(content).map(|line| bare(line.text)) {
        if is_ass(line) {
            return Format::Ass;
        }
        if matches!(timestamp::read(line, Dialect::Srt), TimingLine::Timing(_)) {
            timing = Some(line);
            break;
        }
    }
    // A WebVTT file that has lost its header writes its fractions with a point.
    let vtt = extension(name) == "vtt" && timing.is_none_or(|line| !line.contains(','));
    if vtt { Format::Vtt } else { Format::Srt }
}

/// Reads the lines from `WEBVTT` to the first blank one; a file without its header has none.
fn header(content: &str, lines: &mut Lines<'_>, log: &mut Log) -> Option<LanguageTag> {
    let mut language = None;
    let mut ahead = Lines::new(content);
    let first = ahead.by_ref().find(|line| !bare(line.text).is_empty())?;
    if !bare(first.text).starts_with("WEBVTT") {
        log.say(1, DiagnosticKind::MissingHeader, first.text);
        return None;
    }
    if first.number > 1 || !first.text.starts_with("WEBVTT") {
        log.say(first.number, DiagnosticKind::MissingHeader, "it does not stand at the very start");
    }
    loop {
        let mut ahead = lines.clone();
        let Some(line) = ahead.next() else { break };
        let text = bare(line.text);
        if matches!(timestamp::read(text, Dialect::Vtt), TimingLine::Timing(_)) {
            log.say(line.number, DiagnosticKind::MissingBlankLine, text);
            break;
        }
        *lines = ahead;
        if text.is_empty() && line.number > first.number {
            break;
        }
        if text.starts_with("X-TIMESTAMP-MAP") {
            log.say(line.number, DiagnosticKind::TimestampMap, text);
        }
        if let Some(tag) = text.strip_prefix("Language:") {
            language = tag.trim().parse().ok();
        }
    }
    language
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

fn check_extension(name: &str, format: Format, log: &mut Log) {
    let extension = extension(name);
    let fits = match format {
        Format::Srt => extension == "srt",
        Format::Vtt => extension == "vtt",
        Format::Ass => matches!(extension.as_str(), "ass" | "ssa"),
    };
    if !fits && matches!(extension.as_str(), "srt" | "vtt" | "ass" | "ssa") {
        log.say(1, DiagnosticKind::WrongExtension, &format!("read as {format}"));
    }
}
