//! SubStation Alpha: events by the columns that the file's own `Format` line names.

use langflix_domain::CueKind;

use crate::{
    DiagnosticKind,
    cues::{MAX_CUES, RawCue},
    diagnostic::Log,
    lines::{Line, Lines},
    timestamp::ass_time,
};

const USUAL: &str = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text";
const SHORT: &str = "Layer, Start, End, Style, Name, Text";

/// Reads the events of an ASS or SSA file.
pub(crate) fn read(lines: Lines<'_>, log: &mut Log) -> Vec<RawCue> {
    let mut cues = Vec::new();
    let mut columns: Option<Vec<String>> = None;
    let mut in_events = false;
    let mut last = 0;
    for Line { number, text, doubled_end } in lines {
        last = number;
        if cues.len() > MAX_CUES {
            break;
        }
        if doubled_end {
            log.say(number, DiagnosticKind::IrregularLineEnd, "CR CR LF");
        }
        let line = text.trim_start_matches(['\u{feff}', ' ', '\t']);
        if line.starts_with('[') {
            in_events = line.to_ascii_lowercase().starts_with("[events]");
        } else if let Some(format) = strip(line, "Format:").filter(|_| in_events) {
            columns = Some(names(format));
        } else if let Some(event) = strip(line, "Dialogue:") {
            let columns = columns.get_or_insert_with(|| {
                let guess = columns_of(event);
                log.say(number, DiagnosticKind::MissingFormat, guess);
                names(guess)
            });
            match read_event(event, columns, number) {
                Some(cue) => cues.push(cue),
                None => log.say(number, DiagnosticKind::UnreadableTiming, event),
            }
        }
    }
    if cues.is_empty() {
        log.say(last.max(1), DiagnosticKind::Truncated, "no event that can be read");
    }
    cues
}

fn strip<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let head = line.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &line[prefix.len()..])
}

fn names(format: &str) -> Vec<String> {
    format.split(',').take(64).map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// The columns of a file without `Format`: margins are numbers, text hardly ever is three times over.
fn columns_of(event: &str) -> &'static str {
    let margins: Vec<&str> = event.splitn(10, ',').skip(5).take(3).collect();
    let numeric = |field: &&str| field.trim().bytes().all(|byte| byte.is_ascii_digit());
    if margins.len() == 3 && margins.iter().all(numeric) { USUAL } else { SHORT }
}

fn read_event(event: &str, columns: &[String], line: u32) -> Option<RawCue> {
    // Text is the last column and may hold commas.
    let fields: Vec<&str> = event.splitn(columns.len(), ',').collect();
    let field = |name: &str| columns.iter().position(|column| column == name).and_then(|at| fields.get(at)).copied();
    let start = ass_time(field("start")?)?;
    let end = ass_time(field("end")?)?;
    let style = field("style").unwrap_or_default();
    // "NTP" is what SubStation Alpha itself writes for "no name".
    let name = field("name").or_else(|| field("actor")).map(str::trim).filter(|name| !matches!(*name, "" | "NTP"));
    let text = field("text")?.to_owned();
    let kind = if has_karaoke(&text) { Some(CueKind::Music) } else { kind_of(style) };
    Some(RawCue { line, start, end: Some(end), speaker: name.map(str::to_owned), kind, text })
}

fn has_karaoke(text: &str) -> bool {
    text.match_indices("\\k").chain(text.match_indices("\\K")).any(|(at, _)| {
        let rest = &text[at + 2..];
        rest.strip_prefix(['f', 'o', 't']).unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    })
}

/// What styles are called by those who name them after their use.
fn kind_of(style: &str) -> Option<CueKind> {
    let style = style.to_lowercase();
    style.split(|c: char| !c.is_alphabetic()).find_map(|word| match word {
        "sign" | "signs" | "ts" | "typeset" | "typesetting" | "title" | "eyecatch" | "staff" | "credits" => {
            Some(CueKind::Sign)
        }
        "op" | "ed" | "opening" | "ending" | "song" | "songs" | "karaoke" | "lyrics" | "insert" => Some(CueKind::Music),
        _ => None,
    })
}
