//! Files that are made to hang or to exhaust: what is kept of them is bounded, whatever their size.

#[path = "../../testkit/src/nasty.rs"]
mod nasty;

use langflix_domain::Span;
use langflix_subtitles::{BurnLine, DiagnosticKind, Parsed, Picture, parse, write_ass, write_vtt};
use nasty::nasty;

const HEAD: &str = "1\n00:00:01,000 --> 00:00:02,000\n";
const MOST_TEXT: usize = 16 << 10;

fn read(text: &str) -> Parsed {
    parse("hostile.srt", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_text_of_a_cue_is_cut_where_nobody_could_read_it() {
    for piece in ["x", "<a", "{\\", "a\n", "&#", "\u{301}"] {
        let parsed = read(&format!("{HEAD}word{}", piece.repeat(1 << 17)));
        let cue = &parsed.transcript.cues[0];
        assert!((4..=MOST_TEXT).contains(&cue.text.len()), "{piece:?}: {}", cue.text.len());
        let kinds: Vec<DiagnosticKind> = parsed.diagnostics.iter().map(|diagnostic| diagnostic.kind).collect();
        assert!(kinds.contains(&DiagnosticKind::OversizedCue), "{piece:?}: {kinds:?}");
    }
}

#[test]
fn a_cue_behind_an_oversized_one_is_read_as_any_other() {
    let parsed = read(&format!("{HEAD}{}\n\n2\n00:00:03,000 --> 00:00:04,000\nnext\n", "a\n\nb\n".repeat(40_000)));
    let texts: Vec<&str> = parsed.transcript.cues.iter().map(|cue| cue.text.as_str()).collect();
    assert_eq!((texts.len(), texts[1]), (2, "next"));
}

#[test]
fn diagnostics_are_kept_by_the_hundred_thousand_and_counted_beyond() {
    let parsed = read(&format!("{HEAD}one\n{}", "-->\n".repeat(100_500)));
    assert_eq!(parsed.diagnostics.len(), 100_001);
    let last = &parsed.diagnostics[100_000];
    assert_eq!(last.kind, DiagnosticKind::More);
    assert!(last.detail.ends_with("more are not listed"), "{}", last.detail);
}

#[test]
fn blank_lines_and_numbers_without_end_are_nothing() {
    for piece in ["\n", "\r", "\r\n", " \n", "7\n\n", "\u{feff}\n"] {
        let parsed = read(&format!("{}{HEAD}one\n{}", piece.repeat(20_000), "\n".repeat(20_000)));
        assert_eq!(parsed.transcript.cues[0].text, "one", "{piece:?}");
    }
}

#[test]
fn a_file_that_no_film_has_is_refused_with_a_reason() {
    let error = parse("huge.srt", &vec![b'x'; (64 << 20) + 1]).unwrap_err();
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
}

#[test]
fn one_event_of_a_megabyte_is_cut_like_any_cue() {
    let text =
        format!("[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,{}\n", "word,".repeat(200_000));
    let parsed = parse("a.ass", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert!(parsed.transcript.cues[0].text.len() <= MOST_TEXT);
    assert_eq!(parsed.diagnostics[0].kind, DiagnosticKind::OversizedCue);
}

/// A cue's text as WebVTT means it.
fn shown(vtt: &str) -> String {
    vtt.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[test]
fn no_text_ends_its_cue_or_begins_another_block() {
    for text in nasty() {
        let vtt = write_vtt([(Span::from_millis(0, 1000), text.as_str()), (Span::from_millis(2000, 3000), "next")]);
        assert_eq!(vtt.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')), None, "{vtt:?}");
        let blocks: Vec<&str> = vtt.trim_end().split("\n\n").collect();
        let is_empty = text.chars().all(|c| c.is_whitespace() || c.is_control());
        assert_eq!(blocks.len(), if is_empty { 2 } else { 3 }, "{vtt:?}");
        assert_eq!(blocks[0], "WEBVTT", "{vtt:?}");
        assert!(blocks[1..].iter().all(|block| block.matches("-->").count() == 1), "{vtt:?}");
        if !is_empty {
            let words = |text: &str| {
                let shows: String = text.chars().map(|c| if "\r\n".contains(c) { ' ' } else { c }).collect();
                shows.split_whitespace().map(|word| word.replace(char::is_control, "")).collect::<Vec<_>>()
            };
            let (_, cue) = blocks[1].split_once('\n').unwrap();
            let (left, right): (String, String) = (words(&shown(cue)).concat(), words(&text).concat());
            assert_eq!(left, right, "{vtt:?}");
        }
    }
}

#[test]
fn no_text_is_a_command_of_a_script_or_another_line_of_it() {
    for text in nasty() {
        let line = BurnLine { span: Span::from_millis(0, 1000), source: Some(&text), target: Some(&text) };
        let (english, hebrew) = ("en".parse().unwrap(), "he".parse().unwrap());
        let picture = Picture { shape: (16, 9), source: &english, target: &hebrew };
        let script = write_ass(picture, &[line, line]);
        assert_eq!(script.lines().filter(|line| line.starts_with("Dialogue: ")).count(), 2, "{script:?}");
        let events = script.split("[Events]\n").nth(1).unwrap();
        assert_eq!(events.trim_end_matches('\n').split(['\n', '\r']).count(), 3, "{script:?}");
        let opening = events.match_indices('{').filter(|(at, _)| !events[..*at].ends_with('\\')).count();
        assert_eq!(opening, 4, "only the styles' own commands: {script:?}");
        let commands = events.match_indices('\\').map(|(at, _)| events[at + 1..].chars().next().unwrap());
        assert!(commands.into_iter().all(|c| matches!(c, 'r' | 'N' | '{' | '\u{2060}')), "{script:?}");
        assert_eq!(script.matches("\n[").count(), 2, "no section of its own: {script:?}");
    }
}
