//! SRT and WebVTT: cues anchored on their timing lines.

use langflix_domain::MediaTime;

use crate::{Diagnostic, DiagnosticKind, timestamp};

/// A cue as it stands in the file, before its text is read.
pub(crate) struct RawCue {
    pub(crate) line: u32,
    pub(crate) start: MediaTime,
    pub(crate) end: MediaTime,
    pub(crate) text: String,
    pub(crate) speaker: Option<String>,
    pub(crate) sign: bool,
}

/// The lines of a text, whatever ends them; `\r\r\n` is one end.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.split('\n') {
        out.extend(line.trim_end_matches('\r').split('\r'));
    }
    out
}

/// Reads the cues of an SRT file, or of a WebVTT file where `vtt` is true.
pub(crate) fn read(lines: &[&str], vtt: bool, diagnostics: &mut Vec<Diagnostic>) -> Vec<RawCue> {
    let mut say = |line: usize, kind, detail: &str| {
        let detail: String = detail.trim().chars().take(80).collect();
        diagnostics.push(Diagnostic { line: line as u32 + 1, kind, detail });
    };
    let clean = |line: &str| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned();
    let mut cues = Vec::new();
    let mut at = 0;
    let mut last_index = None;
    while at < lines.len() {
        let line = clean(lines[at]);
        if vtt && is_block(&line) {
            at = skip_block(lines, at);
            continue;
        }
        let Some((_, _, arrow)) = timestamp::split_arrow(&line) else {
            at += 1;
            continue;
        };
        let Some(timing) = timestamp::timing(&line) else {
            if arrow {
                say(at, DiagnosticKind::UnreadableTiming, &line);
            }
            at += 1;
            continue;
        };
        if !timing.regular {
            say(at, DiagnosticKind::IrregularTiming, &line);
        }
        let next = (at + 1..lines.len())
            .find(|&i| is_timing(lines[i]) || (vtt && lines[i].trim().is_empty()))
            .unwrap_or(lines.len());
        let mut end = next;
        let followed = next < lines.len() && is_timing(lines[next]);
        if followed && let Some((index, blank)) = index_before(lines, at, next, last_index) {
            end = next - 1;
            if !blank {
                say(next - 1, DiagnosticKind::MissingBlankLine, lines[next - 1]);
            }
            if last_index.is_some_and(|last: u64| index != last + 1) {
                say(next - 1, DiagnosticKind::IrregularIndex, lines[next - 1]);
            }
            last_index = Some(index);
        } else if followed && !vtt && !lines[next - 1].trim().is_empty() && end > at + 1 {
            // A timing line right below text, with neither an index nor a blank line, stands in the text.
            let stray = stray_end(lines, next);
            say(next, DiagnosticKind::StrayTiming, lines[next]);
            if let Some(stray) = stray {
                cues.push(raw(at, &timing, &lines[at + 1..end]));
                at = stray;
                continue;
            }
        }
        cues.push(raw(at, &timing, &lines[at + 1..end]));
        at = next.max(at + 1);
    }
    cues
}

fn raw(line: usize, timing: &timestamp::Timing, text: &[&str]) -> RawCue {
    RawCue {
        line: line as u32 + 1,
        start: timing.start,
        end: timing.end,
        text: text.join("\n"),
        speaker: None,
        sign: false,
    }
}

fn is_timing(line: &str) -> bool {
    (line.contains("->"))
        && timestamp::timing(line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')).is_some()
}

/// The line after a stray timing line, where nothing but a blank line follows it.
fn stray_end(lines: &[&str], stray: usize) -> Option<usize> {
    lines.get(stray + 1).is_none_or(|line| line.trim().is_empty()).then_some(stray + 1)
}

/// The index above the timing line `next` of the cue after the one at `at`, and whether a blank line stands above it.
fn index_before(lines: &[&str], at: usize, next: usize, last: Option<u64>) -> Option<(u64, bool)> {
    if next < at + 2 {
        return None;
    }
    let digits = lines[next - 1].trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let index: u64 = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let blank = next - 1 == at + 1 || lines[next - 2].trim().is_empty();
    (blank || last.is_some_and(|last| index == last + 1)).then_some((index, blank))
}

fn is_block(line: &str) -> bool {
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    matches!(word, "NOTE" | "STYLE" | "REGION") && !line.contains("-->")
}

fn skip_block(lines: &[&str], at: usize) -> usize {
    (at..lines.len()).find(|&i| lines[i].trim().is_empty() || (i > at && is_timing(lines[i]))).unwrap_or(lines.len())
}
