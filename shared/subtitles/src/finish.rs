//! From what stands in the file to cues: text read, times made sane, kinds told apart.

use langflix_domain::{Cue, CueKind, MediaTime, Span};

use crate::{
    DiagnosticKind, Format, classify,
    cues::RawCue,
    diagnostic::Log,
    open::MOST_TEXT,
    text::{self, Plain},
};

/// A cue that ends before it starts, by no more than a cue may last, has its times the wrong way round.
const LONGEST_SWAPPED: MediaTime = MediaTime::from_secs(20);
const LONGEST_PLAUSIBLE: MediaTime = MediaTime::from_secs(300);
const LATEST_PLAUSIBLE: MediaTime = MediaTime::from_secs(24 * 3600);
/// How many cues at either end may be adverts in words that are elsewhere said.
const EDGE: usize = 2;

/// A cue, its line in the file, and whether its end is still unknown.
struct Placed {
    cue: Cue,
    line: u32,
    open_end: bool,
    said_by_file: bool,
}

/// Reads text and times of all cues and sorts them.
pub(crate) fn finish(raw: Vec<RawCue>, format: Format, log: &mut Log) -> Vec<Cue> {
    let mut placed: Vec<Placed> = Vec::with_capacity(raw.len());
    let mut latest = MediaTime::ZERO;
    for raw in raw {
        let Some(next) = place(raw, format, log) else { continue };
        if next.cue.span.start < latest {
            log.say(next.line, DiagnosticKind::OutOfOrder, &next.cue.text);
        }
        latest = latest.max(next.cue.span.start);
        placed.push(next);
    }
    placed.sort_by_key(|placed| placed.cue.span.start);
    estimate_ends(&mut placed);
    classify_all(&mut placed, log);
    if format != Format::Ass {
        placed = unroll(placed, log);
    }
    placed.into_iter().map(|placed| placed.cue).collect()
}

fn place(raw: RawCue, format: Format, log: &mut Log) -> Option<Placed> {
    let plain =
        if format == Format::Ass { text::plain_ass(&raw.text) } else { text::plain(&raw.text, format == Format::Vtt) };
    let Plain { mut text, speaker, notes } = plain;
    for kind in &notes {
        log.say(raw.line, *kind, &text);
    }
    if text.is_empty() {
        if !notes.contains(&DiagnosticKind::Drawing) {
            log.say(raw.line, DiagnosticKind::EmptyCue, "");
        }
        return None;
    }
    if text.len() > MOST_TEXT {
        log.say(raw.line, DiagnosticKind::OversizedCue, &text);
        text.truncate(text.floor_char_boundary(MOST_TEXT));
        text.truncate(text.trim_end().len());
    }
    let (span, open_end) = span_of(&raw, &text, log)?;
    let mut speaker = speaker.or(raw.speaker);
    if let Some((name, words)) = classify::speaker(&text).filter(|_| speaker.is_none()) {
        speaker = Some(name.to_owned());
        text = words.to_owned();
    }
    let cue = Cue { span, text, speaker, kind: raw.kind.unwrap_or_default() };
    Some(Placed { cue, line: raw.line, open_end, said_by_file: raw.kind.is_some() })
}

/// When a cue is shown, and whether its end is unknown; `None` for one that is never shown.
fn span_of(raw: &RawCue, text: &str, log: &mut Log) -> Option<(Span, bool)> {
    let mut say = |kind| log.say(raw.line, kind, text);
    let (mut start, mut end) = (raw.start, raw.end);
    if let Some(reversed) = end.filter(|&end| end < start) {
        say(DiagnosticKind::ReversedTime);
        if start - reversed <= LONGEST_SWAPPED {
            (start, end) = (reversed, Some(start));
        } else {
            end = None;
        }
    }
    if start < MediaTime::ZERO {
        if end.is_none_or(|end| end <= MediaTime::ZERO) {
            say(DiagnosticKind::BeforeStart);
            return None;
        }
        say(DiagnosticKind::NegativeTime);
        start = MediaTime::ZERO;
    }
    if end == Some(start) {
        say(DiagnosticKind::ZeroDuration);
    }
    if start > LATEST_PLAUSIBLE || end.is_some_and(|end| end - start > LONGEST_PLAUSIBLE) {
        say(DiagnosticKind::ImplausibleTime);
    }
    Some((Span { start, end: end.unwrap_or(start) }, end.is_none()))
}

/// A cue without an end is shown as long as its text takes to read, but not into the next one.
fn estimate_ends(placed: &mut [Placed]) {
    let mut next_start = None;
    for placed in placed.iter_mut().rev() {
        let span = &mut placed.cue.span;
        if placed.open_end {
            let characters = placed.cue.text.chars().count() as i64;
            let read = span.start + MediaTime::from_millis((500 + 60 * characters).clamp(1000, 7000));
            span.end = next_start.filter(|&next| next > span.start).map_or(read, |next: MediaTime| next.min(read));
        }
        next_start = Some(span.start);
    }
}

fn classify_all(placed: &mut [Placed], log: &mut Log) {
    let count = placed.len();
    for (at, placed) in placed.iter_mut().enumerate() {
        // A short file has no edges to speak of: two cues of three would be edges.
        let edge = count > 3 * EDGE && (at < EDGE || at + EDGE >= count);
        let kind = classify::kind(&placed.cue.text, edge);
        if kind == CueKind::Advert {
            log.say(placed.line, DiagnosticKind::Advert, &placed.cue.text);
        }
        if !placed.said_by_file || kind == CueKind::Advert {
            placed.cue.kind = kind;
        }
    }
}

/// Rolling captions show each line twice: as the lower one, then again as the upper one of the next cue.
fn unroll(cues: Vec<Placed>, log: &mut Log) -> Vec<Placed> {
    let repeats = cues.windows(2).filter(|pair| repeats_last_line(&pair[0].cue, &pair[1].cue)).count();
    if cues.len() < 6 || repeats * 2 < cues.len() {
        return cues;
    }
    let mut out: Vec<Placed> = Vec::with_capacity(cues.len());
    let mut shown: Option<String> = None;
    for mut placed in cues {
        let text = std::mem::take(&mut placed.cue.text);
        let last = text.lines().last().map(str::to_owned);
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let fresh = if shown.as_deref() == Some(first) { rest } else { &text };
        if fresh.len() < text.len() {
            log.say(placed.line, DiagnosticKind::RollingCaption, first);
        }
        shown = last;
        if !fresh.is_empty() {
            placed.cue.text = fresh.to_owned();
            out.push(placed);
        } else if let Some(before) = out.last_mut() {
            before.cue.span.end = before.cue.span.end.max(placed.cue.span.end);
        }
    }
    out
}

fn repeats_last_line(before: &Cue, after: &Cue) -> bool {
    before.text.lines().last() == after.text.lines().next()
        && (after.span.start - before.span.end).as_millis().abs() <= 50
}
