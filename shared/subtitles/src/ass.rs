//! SubStation Alpha: events by the columns that the file's own `Format` line names.

use langflix_domain::MediaTime;

use crate::{Diagnostic, DiagnosticKind, cues::RawCue, timestamp};

const USUAL: &str = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text";

/// Reads the events of an ASS or SSA file.
pub(crate) fn read(lines: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Vec<RawCue> {
    let mut cues = Vec::new();
    let mut columns: Option<Vec<String>> = None;
    let mut in_events = false;
    for (at, line) in lines.iter().enumerate() {
        let number = at as u32 + 1;
        let line = line.trim_start_matches(['\u{feff}', ' ', '\t']);
        if line.starts_with('[') {
            in_events = line.to_ascii_lowercase().starts_with("[events]");
        } else if let Some(format) = strip(line, "Format:").filter(|_| in_events) {
            columns = Some(names(format));
        } else if let Some(event) = strip(line, "Dialogue:") {
            let columns = columns.get_or_insert_with(|| {
                let detail = USUAL.to_owned();
                diagnostics.push(Diagnostic { line: number, kind: DiagnosticKind::MissingFormat, detail });
                names(USUAL)
            });
            match read_event(event, columns, number) {
                Some(cue) if has_drawing(&cue.text) => {
                    diagnostics.push(Diagnostic { line: number, kind: DiagnosticKind::Drawing, detail: String::new() });
                }
                Some(cue) => cues.push(cue),
                None => {
                    let detail = event.trim().chars().take(80).collect();
                    diagnostics.push(Diagnostic { line: number, kind: DiagnosticKind::UnreadableTiming, detail });
                }
            }
        }
    }
    cues
}

fn strip<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let head = line.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &line[prefix.len()..])
}

fn names(format: &str) -> Vec<String> {
    format.split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
}

fn has_drawing(text: &str) -> bool {
    text.match_indices("\\p").any(|(at, _)| text[at + 2..].starts_with(|c: char| ('1'..='9').contains(&c)))
        && text.trim_start().starts_with('{')
}

fn read_event(event: &str, columns: &[String], line: u32) -> Option<RawCue> {
    // Text is the last column and may hold commas.
    let fields: Vec<&str> = event.splitn(columns.len(), ',').collect();
    let field = |name: &str| columns.iter().position(|column| column == name).and_then(|at| fields.get(at)).copied();
    let start = time(field("start")?)?;
    let end = time(field("end")?)?;
    let style = field("style").unwrap_or_default().to_lowercase();
    let name = field("name").or_else(|| field("actor")).unwrap_or_default().trim();
    let text = field("text")?.to_owned();
    let positioned = text.contains("\\pos(") || text.contains("\\move(");
    Some(RawCue {
        line,
        start,
        end,
        speaker: (!name.is_empty() && name != "NTP").then(|| name.to_owned()),
        sign: text.contains("\\k") || (positioned && style.contains("sign")) || style.contains("sign"),
        text,
    })
}

fn time(text: &str) -> Option<MediaTime> {
    // `H:MM:SS:cc` is written by some tools for `H:MM:SS.cc`.
    let text = text.trim();
    timestamp::time(text).map(|(time, _)| time).or_else(|| {
        let (clock, fraction) = text.rsplit_once(':')?;
        timestamp::time(&format!("{clock}.{fraction}")).map(|(time, _)| time)
    })
}
