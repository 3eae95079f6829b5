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
/// It always covers `said`; an expression said over more than 25 s keeps all its cues.
pub fn scene_around(transcript: &Transcript, said: CueRange, suggested: CueRange) -> CueRange {
    let mut scene = CueRange { first: suggested.first.min(said.first), last: suggested.last.max(said.last) };
    scene.last = scene.last.min((transcript.cues.len().max(1) - 1) as u32);
    let length = |scene: CueRange| transcript.span_of(scene).map(Span::duration).unwrap_or_default();
    while length(scene) > LONGEST {
        let (before, after) = (said.first - scene.first, scene.last.saturating_sub(said.last));
        match (before, after) {
            (0, 0) => break,
            _ if before > after => scene.first += 1,
            _ => scene.last -= 1,
        }
    }
    while length(scene) < SHORTEST {
        let left = scene.first.checked_sub(1).map(|first| CueRange { first, ..scene });
        let right =
            Some(CueRange { last: scene.last + 1, ..scene }).filter(|r| (r.last as usize) < transcript.cues.len());
        let grown = |candidate: Option<CueRange>| {
            candidate.map(|c| (length(c) - length(scene), c)).filter(|(by, _)| *by < BREAK)
        };
        let best = [grown(left), grown(right)].into_iter().flatten().filter(|(_, c)| length(*c) <= LONGEST);
        match best.min_by_key(|(by, _)| *by) {
            Some((_, next)) => scene = next,
            None => break,
        }
    }
    scene
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
    fn bounds_stay_within_the_video() {
        let transcript = transcript(&[(100, 9_900), (20_000, 22_000)]);
        let (scene, window) =
            clip_bounds(&transcript, CueRange { first: 0, last: 0 }, MediaTime::from_secs(10)).unwrap();
        assert_eq!((scene, window), (Span::from_millis(0, 10_000), Span::from_millis(0, 10_000)));
        assert!(clip_bounds(&transcript, CueRange { first: 1, last: 1 }, MediaTime::from_secs(10)).is_none());
    }
}
