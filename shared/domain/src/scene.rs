use crate::{CueRange, MediaTime, Span, Transcript};

/// Shortest scene that gives a line its context.
const SHORTEST: MediaTime = MediaTime::from_secs(10);
/// Longest scene a learner watches for one expression.
const LONGEST: MediaTime = MediaTime::from_secs(25);
/// A silence over which a scene is not extended.
const BREAK: MediaTime = MediaTime::from_secs(6);
/// Picture and sound shown before the first and after the last word.
const PADDING: MediaTime = MediaTime::from_millis(300);
/// How much further a bound may move to reach silence.
const REACH: MediaTime = MediaTime::from_millis(500);

/// The scene around the cues in which an expression is `said`: `suggested` brought to 10–25 s on cue boundaries.
///
/// It always covers `said`; an expression said over more than 25 s keeps all its cues. It grows over no silence of six
/// seconds, and no further than 25 s.
pub fn scene_around(transcript: &Transcript, said: CueRange, suggested: CueRange) -> CueRange {
    scene_among(transcript, said, suggested, CueRange { first: 0, last: u32::MAX })
}

/// As [`scene_around`], growing beyond the cues that a model was `shown` only where those do not make ten seconds.
pub(crate) fn scene_among(transcript: &Transcript, said: CueRange, suggested: CueRange, shown: CueRange) -> CueRange {
    let mut scene = CueRange { first: suggested.first.min(said.first), last: suggested.last.max(said.last) };
    scene.last = scene.last.min((transcript.cues.len().max(1) - 1) as u32);
    while length(transcript, scene) > LONGEST {
        let (before, after) = (said.first - scene.first, scene.last.saturating_sub(said.last));
        match (before, after) {
            (0, 0) => break,
            _ if before > after => scene.first += 1,
            _ => scene.last -= 1,
        }
    }
    while length(transcript, scene) < SHORTEST {
        let Some(next) = grown(transcript, scene, shown) else { break };
        scene = next;
    }
    scene
}

fn length(transcript: &Transcript, scene: CueRange) -> MediaTime {
    transcript.span_of(scene).map(Span::duration).unwrap_or_default()
}

/// The scene with the cue before or behind it: one of those `shown` if one fits, and the one that makes it longer by
/// less.
fn grown(transcript: &Transcript, scene: CueRange, shown: CueRange) -> Option<CueRange> {
    let span = transcript.span_of(scene)?;
    let cue = |at: u32| transcript.cues.get(at as usize).map(|cue| cue.span);
    let before = scene.first.checked_sub(1).and_then(|first| {
        let silence = span.start - cue(first)?.end;
        Some((first, silence, CueRange { first, ..scene }))
    });
    let behind = scene.last.checked_add(1).and_then(|last| {
        let silence = cue(last)?.start - span.end;
        Some((last, silence, CueRange { last, ..scene }))
    });
    let fits =
        |(_, silence, next): &(u32, MediaTime, CueRange)| *silence < BREAK && length(transcript, *next) <= LONGEST;
    let fitting = [before, behind].into_iter().flatten().filter(fits);
    let best = fitting.min_by_key(|(added, _, next)| (!shown.contains(*added), length(transcript, *next)));
    best.map(|(_, _, next)| next)
}

/// Where a scene lies on the timeline, and how far its cut may move outwards from there to reach silence.
///
/// The first stretch holds the scene's cues and a little padding, within the timeline of `duration`. The second holds the
/// first. `None` where the scene lies beyond the end.
pub fn clip_bounds(transcript: &Transcript, scene: CueRange, duration: MediaTime) -> Option<(Span, Span)> {
    let cues = transcript.span_of(scene)?;
    let within = |time: MediaTime| time.max(MediaTime::ZERO).min(duration);
    let padded = Span { start: within(cues.start - PADDING), end: within(cues.end + PADDING) };
    let window = Span { start: within(padded.start - REACH), end: within(padded.end + REACH) };
    (cues.start < duration && padded.duration() > MediaTime::ZERO).then_some((padded, window))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cue, CueKind};

    fn transcript(spans: &[(i64, i64)]) -> Transcript {
        let cue = |&(start, end): &(i64, i64)| Cue {
            span: Span::from_millis(start, end),
            text: "x".to_owned(),
            speaker: None,
            kind: CueKind::Speech,
        };
        Transcript { language: None, cues: spans.iter().map(cue).collect() }
    }

    #[test]
    fn a_scene_is_extended_to_ten_seconds_and_trimmed_to_twenty_five() {
        let cues: Vec<(i64, i64)> = (0..30).map(|n| (n * 3000, n * 3000 + 2500)).collect();
        let transcript = transcript(&cues);
        let said = CueRange { first: 10, last: 10 };
        let short = scene_around(&transcript, said, said);
        let long = scene_around(&transcript, said, CueRange { first: 0, last: 29 });
        for scene in [short, long] {
            let seconds = transcript.span_of(scene).unwrap().duration().as_millis() / 1000;
            assert!(scene.covers(said) && (10..=25).contains(&seconds), "{scene:?} {seconds}");
        }
    }

    #[test]
    fn a_scene_does_not_cross_a_long_silence() {
        let transcript = transcript(&[(0, 2000), (60_000, 62_000), (120_000, 122_000)]);
        let said = CueRange { first: 1, last: 1 };
        assert_eq!(scene_around(&transcript, said, said), said);
    }

    #[test]
    fn a_silence_is_what_lies_between_cues_however_long_they_are() {
        let said = CueRange { first: 1, last: 1 };
        for (cues, expected) in [
            ([(1000, 7200), (7300, 9300), (9400, 15_600)], (0, 2)),
            ([(1000, 7200), (13_100, 15_100), (21_100, 29_000)], (0, 1)),
            ([(1000, 7200), (13_200, 15_200), (21_200, 29_000)], (1, 1)),
            // The first goes on while the second is said, and the third would make it too long.
            ([(0, 9000), (2000, 4000), (5000, 31_000)], (0, 1)),
        ] {
            let scene = scene_around(&transcript(&cues), said, said);
            assert_eq!((scene.first, scene.last), expected, "{cues:?}");
        }
    }

    #[test]
    fn a_scene_goes_beyond_what_was_shown_only_where_that_is_too_short() {
        let cues: Vec<(i64, i64)> = (0..9).map(|n| (n * 3000, n * 3000 + 2500)).collect();
        let (transcript, said) = (transcript(&cues), CueRange { first: 4, last: 4 });
        for (shown, expected) in [((1, 4), (1, 4)), ((4, 8), (4, 7)), ((3, 5), (2, 5)), ((4, 4), (1, 4))] {
            let shown = CueRange { first: shown.0, last: shown.1 };
            let scene = scene_among(&transcript, said, said, shown);
            assert_eq!((scene.first, scene.last), expected, "{shown:?}");
            assert_eq!(scene_among(&transcript, said, scene, shown), scene);
        }
    }

    #[test]
    fn bounds_stay_within_the_video() {
        let transcript = transcript(&[(100, 9_900), (20_000, 22_000)]);
        let (scene, window) =
            clip_bounds(&transcript, CueRange { first: 0, last: 0 }, MediaTime::from_secs(10)).unwrap();
        assert_eq!((scene, window), (Span::from_millis(0, 10_000), Span::from_millis(0, 10_000)));
        assert!(clip_bounds(&transcript, CueRange { first: 1, last: 1 }, MediaTime::from_secs(10)).is_none());
    }
}
