use std::{collections::BTreeSet, fmt};

use langflix_domain::{Cue, CueKind, LanguageTag, MediaTime, Span, Transcript};
use serde::Serialize;

use crate::{
    Diagnostic, DiagnosticKind, ass, classify,
    cues::{self, RawCue},
    decode, text,
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
    if let Some(what) = foreign(bytes) {
        return fail(format!("this is {what}, not a subtitle file: give an .srt, .vtt, .ass or .ssa file"));
    }
    let decoded = decode::decode(bytes);
    let mut diagnostics = decoded.diagnostics;
    let content = decoded.text.trim_start_matches('\u{feff}');
    let lines = cues::lines(content);
    let format = format_of(&lines);
    check_extension(name, format, &mut diagnostics);
    let raw = match format {
        Format::Ass => ass::read(&lines, &mut diagnostics),
        Format::Srt => cues::read(&lines, false, &mut diagnostics),
        Format::Vtt => cues::read(&lines, true, &mut diagnostics),
    };
    let cues = finish(raw, format, &mut diagnostics);
    if cues.is_empty() {
        let found = first_problem(&diagnostics);
        return fail(format!(
            "no usable cue: read as {format} in {}{found}; check that it is a subtitle file with timing lines",
            decoded.encoding
        ));
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.kind));
    let language = suffix_language(name).or_else(|| detect_language(&cues));
    Ok(Parsed { format, encoding: decoded.encoding, transcript: Transcript { language, cues }, diagnostics })
}

fn first_problem(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .first()
        .map_or(String::new(), |first| format!(" (line {}: {} {})", first.line, first.kind, first.detail))
}

fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(512)];
    let lower = String::from_utf8_lossy(head).to_ascii_lowercase();
    match head {
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive"),
        [0x1f, 0x8b, ..] => Some("a gzip archive"),
        [b'R', b'a', b'r', b'!', ..] => Some("a RAR archive"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("a Matroska video"),
        _ if lower.trim_start().starts_with("<!doctype html") || lower.trim_start().starts_with("<html") => {
            Some("a web page")
        }
        _ => None,
    }
}

fn format_of(lines: &[&str]) -> Format {
    let mut first = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    if first.next().is_some_and(|line| line.starts_with("WEBVTT")) {
        return Format::Vtt;
    }
    let is_ass = |line: &&str| {
        let lower = line.trim().to_ascii_lowercase();
        lower.starts_with("[script info]") || lower.starts_with("dialogue:") || lower.starts_with("[events]")
    };
    if lines.iter().any(is_ass) { Format::Ass } else { Format::Srt }
}

fn check_extension(name: &str, format: Format, diagnostics: &mut Vec<Diagnostic>) {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let fits = match format {
        Format::Srt => extension == "srt",
        Format::Vtt => extension == "vtt",
        Format::Ass => matches!(extension.as_str(), "ass" | "ssa"),
    };
    if !fits && matches!(extension.as_str(), "srt" | "vtt" | "ass" | "ssa") {
        let kind = if extension == "vtt" { DiagnosticKind::MissingHeader } else { DiagnosticKind::WrongExtension };
        diagnostics.push(Diagnostic { line: 1, kind, detail: format!("read as {format}") });
    }
}

fn finish(raw: Vec<RawCue>, format: Format, diagnostics: &mut Vec<Diagnostic>) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::with_capacity(raw.len());
    let mut latest = MediaTime::ZERO;
    for raw in raw {
        let mut say = |kind| {
            let detail = raw.text.chars().take(40).map(|c| if c == '\n' { ' ' } else { c }).collect();
            diagnostics.push(Diagnostic { line: raw.line, kind, detail });
        };
        let mut plain = if format == Format::Ass { text::plain_ass(&raw.text) } else { text::plain(&raw.text) };
        if plain.is_empty() {
            say(DiagnosticKind::EmptyCue);
            continue;
        }
        let Some(span) = span_of(&raw, &mut say) else { continue };
        if span.start < latest {
            say(DiagnosticKind::OutOfOrder);
        }
        latest = latest.max(span.start);
        let mut speaker = raw.speaker.clone();
        if let Some((name, words)) = classify::speaker(&plain) {
            speaker = Some(name.to_owned());
            plain = words.to_owned();
        }
        let kind = if raw.sign { CueKind::Sign } else { classify::kind(&plain) };
        if kind == CueKind::Advert {
            say(DiagnosticKind::Advert);
        }
        cues.push(Cue { span, text: plain, speaker, kind });
    }
    cues.sort_by_key(|cue| cue.span.start);
    if format == Format::Vtt { unroll(cues, diagnostics) } else { cues }
}

fn span_of(raw: &RawCue, say: &mut impl FnMut(DiagnosticKind)) -> Option<Span> {
    if raw.start < MediaTime::ZERO && raw.end <= MediaTime::ZERO {
        say(DiagnosticKind::BeforeStart);
        return None;
    }
    if raw.start < MediaTime::ZERO {
        say(DiagnosticKind::NegativeTime);
    }
    if raw.end < raw.start {
        say(DiagnosticKind::ReversedTime);
    }
    Some(Span::from_millis(raw.start.max(MediaTime::ZERO).as_millis(), raw.end.as_millis()))
}

/// Rolling captions show each line twice: as the lower one, then again as the upper one of the next cue.
fn unroll(cues: Vec<Cue>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Cue> {
    let repeats = cues.windows(2).filter(|pair| repeats_last_line(&pair[0], &pair[1])).count();
    if cues.len() < 6 || repeats * 2 < cues.len() {
        return cues;
    }
    let mut out: Vec<Cue> = Vec::with_capacity(cues.len());
    let mut shown: Option<String> = None;
    for mut cue in cues {
        let last = cue.text.lines().last().unwrap_or_default().to_owned();
        let fresh: Vec<&str> = cue.text.lines().filter(|line| Some(*line) != shown.as_deref()).collect();
        let text = fresh.join("\n");
        shown = Some(last);
        if text.is_empty() {
            if let Some(before) = out.last_mut() {
                before.span.end = before.span.end.max(cue.span.end);
            }
            continue;
        }
        cue.text = text;
        out.push(cue);
    }
    let detail = format!("{repeats} repeated lines were left out");
    diagnostics.push(Diagnostic { line: 1, kind: DiagnosticKind::RollingCaption, detail });
    out
}

fn repeats_last_line(before: &Cue, after: &Cue) -> bool {
    before.text.lines().last().is_some_and(|last| after.text.lines().any(|line| line == last))
        && (after.span.start - before.span.end).as_millis().abs() <= 50
}

/// `ko` of `Show.S01E01.ko.srt`.
fn suffix_language(name: &str) -> Option<LanguageTag> {
    let stem = name.rsplit_once('.')?.0;
    let suffix = stem.rsplit_once('.')?.1;
    let tag: LanguageTag = suffix.parse().ok()?;
    // Anything else of two or three letters before the extension is as likely a part of the title.
    let known: BTreeSet<&str> =
        ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "th", "tr", "vi", "zh"].into();
    known.contains(tag.primary()).then_some(tag)
}

fn detect_language(cues: &[Cue]) -> Option<LanguageTag> {
    let mut sample = String::new();
    for cue in cues.iter().filter(|cue| cue.kind == CueKind::Speech) {
        sample.push_str(&cue.text);
        sample.push(' ');
        if sample.len() > 8000 {
            break;
        }
    }
    let info = whatlang::detect(&sample).filter(|info| info.is_reliable())?;
    let code = match info.lang().code() {
        "eng" => "en",
        "kor" => "ko",
        "jpn" => "ja",
        "cmn" => "zh",
        "spa" => "es",
        "fra" => "fr",
        "deu" => "de",
        "por" => "pt",
        "vie" => "vi",
        "rus" => "ru",
        "ita" => "it",
        "ara" => "ar",
        other => other,
    };
    code.parse().ok()
}
