//! What holds for any bytes at all.

use langflix_domain::{MediaTime, Span};
use langflix_subtitles::{Format, Parsed, parse, write_vtt};
use proptest::prelude::*;

const SEEDS: [(&str, &[u8]); 7] = [
    ("regular.srt", include_bytes!("seeds/regular.srt")),
    ("odd.srt", include_bytes!("seeds/odd.srt")),
    ("blocks.vtt", include_bytes!("seeds/blocks.vtt")),
    ("events.ass", include_bytes!("seeds/events.ass")),
    ("legacy.srt", include_bytes!("seeds/legacy.srt")),
    ("marks.srt", include_bytes!("seeds/marks.srt")),
    ("wide.srt", include_bytes!("seeds/wide.srt")),
];

/// What every parsed file promises.
fn promises(parsed: &Parsed, bytes: usize) {
    let cues = &parsed.transcript.cues;
    assert!(!cues.is_empty());
    assert!(cues.is_sorted_by_key(|cue| cue.span.start));
    for cue in cues {
        assert!(cue.span.start >= MediaTime::ZERO && cue.span.end >= cue.span.start, "{:?}", cue.span);
        assert!(
            !cue.text.is_empty() && cue.text.lines().all(|line| !line.is_empty() && line.trim() == line),
            "{cue:?}"
        );
        assert!(!cue.text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{cue:?}");
        assert!(cue.speaker.as_ref().is_none_or(|name| !name.trim().is_empty()), "{cue:?}");
    }
    let diagnostics = &parsed.diagnostics;
    assert!(diagnostics.is_sorted_by_key(|diagnostic| diagnostic.line));
    assert!(diagnostics.iter().all(|one| one.line >= 1 && one.line as usize <= bytes.max(1)), "{diagnostics:?}");
    assert!(diagnostics.iter().all(|one| one.detail.chars().count() <= 120 && !one.detail.contains('\n')));
}

fn check(name: &str, bytes: &[u8]) {
    match parse(name, bytes) {
        Ok(parsed) => promises(&parsed, bytes.len()),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
}

/// A generator that gives the same numbers everywhere (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }
}

/// What breaks parsers more often than any single byte does.
const TOKENS: [&[u8]; 20] = [
    b"-->",
    b"->",
    b"\n\n",
    b"\r\r\n",
    b"\r",
    b"00:00:01,000",
    b"99999999999",
    b"-",
    b"<",
    b">",
    b"{\\p1}",
    b"{",
    b"}",
    b"&#x41;",
    b"WEBVTT\n",
    b"Dialogue: ",
    b"NOTE\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1b$B",
];

fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(24)).min(bytes.len());
        match numbers.below(5) {
            0 => bytes.insert(at, numbers.below(256) as u8),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, TOKENS[numbers.below(TOKENS.len())].iter().copied())),
            3 => bytes.extend_from_within(at..end),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << numbers.below(8);
                }
            }
        }
    }
}

#[test]
fn thousands_of_damaged_files_keep_every_promise() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..4_000 {
        let (name, seed) = SEEDS[round % SEEDS.len()];
        let mut bytes = seed.to_vec();
        mutate(&mut bytes, &mut numbers);
        check(name, &bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), name in "[a-z.]{0,8}(srt|vtt|ass)?") {
        check(&name, &bytes);
    }

    #[test]
    fn any_lines_of_timing_and_text_keep_every_promise(
        lines in prop::collection::vec("([0-9]{1,4})|(-?[0-9:.,]{2,12} -{0,2}> [0-9:.,]{2,12}( X)?)|(.{0,20})|", 0..40),
        vtt in any::<bool>(),
    ) {
        let head = if vtt { "WEBVTT\n\n" } else { "" };
        check("a.srt", format!("{head}{}", lines.join("\n")).as_bytes());
    }

    #[test]
    fn what_is_written_as_webvtt_is_read_back(
        cues in prop::collection::vec((0i64..90_000_000, 1i64..20_000, "[^\\p{C}\\p{M}\\u{ad}\\u{34f}{]{0,30}"), 1..20),
    ) {
        // Reading orders by time, composes letters and drops white space; what is left must come back as it was.
        let mut cues: Vec<(Span, String)> = cues
            .into_iter()
            .map(|(start, length, text)| (Span::from_millis(start, start + length), format!("a{}z", text.split_whitespace().collect::<Vec<_>>().join(" "))))
            .collect();
        cues.sort_by_key(|(span, _)| span.start);
        let file = write_vtt(cues.iter().map(|(span, text)| (*span, text.as_str())));
        let parsed = parse("a.vtt", file.as_bytes()).unwrap();
        prop_assert_eq!(parsed.format, Format::Vtt);
        prop_assert_eq!(parsed.transcript.cues.len(), cues.len());
        for (cue, (span, text)) in parsed.transcript.cues.iter().zip(&cues) {
            prop_assert_eq!(cue.span, *span);
            if cue.speaker.is_none() {
                prop_assert_eq!(nfc(&cue.text), nfc(text));
            }
        }
    }
}

/// Both sides of a comparison composed by the parser itself, so that only what else it changes counts.
fn nfc(text: &str) -> String {
    let file = format!(
        "1\n00:00:01,000 --> 00:00:02,000\na{}\n",
        text.replace('&', "&amp;").replace('<', "&lt;").replace('{', "&#123;")
    );
    parse("a.srt", file.as_bytes()).map(|parsed| parsed.transcript.cues[0].text.clone()).unwrap_or_default()
}
