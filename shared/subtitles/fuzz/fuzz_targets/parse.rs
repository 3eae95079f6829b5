#![no_main]
//! Any bytes under any of the extensions: `cargo +nightly fuzz run parse corpus ../tests/seeds` in `shared/subtitles/fuzz`.

use langflix_domain::MediaTime;
use langflix_subtitles::{parse, write_vtt};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["a.srt", "a.vtt", "a.ass", "a.ko.txt"];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(parsed) = parse(NAMES[usize::from(*first) % NAMES.len()], rest) else { return };
    let cues = &parsed.transcript.cues;
    assert!(!cues.is_empty() && cues.is_sorted_by_key(|cue| cue.span.start));
    for cue in cues {
        assert!(MediaTime::ZERO <= cue.span.start && cue.span.start <= cue.span.end);
        assert!(!cue.text.trim().is_empty());
    }
    // An override block of ASS is text to a player of WebVTT, and markup to a reader of what is met in the wild.
    if cues.iter().any(|cue| cue.text.contains("{\\")) {
        return;
    }
    let written = write_vtt(cues.iter().map(|cue| (cue.span, cue.text.as_str())));
    assert!(parse("a.vtt", written.as_bytes()).is_ok(), "{written}");
});
