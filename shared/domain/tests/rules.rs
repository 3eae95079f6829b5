//! What holds for any transcript: scenes, bounds, chunks, selection and alignment.

use langflix_domain::{
    Candidate, ChunkLimits, Cue, CueKind, CueRange, Expression, ExpressionKind, LearnerLevel, Level, MediaTime,
    SelectionLimits, Span, Transcript, align, beyond_end, chunk, clip_bounds, inflection::expression_key, scene_around,
    select,
};
use proptest::prelude::*;

fn cue(start: i64, end: i64, text: &str) -> Cue {
    Cue { span: Span::from_millis(start, end), text: text.to_owned(), speaker: None, kind: CueKind::Speech }
}

/// Cues in order, some of them overlapping, some after a long silence.
fn transcripts() -> impl Strategy<Value = Transcript> {
    prop::collection::vec((-1500i64..9_000, 1i64..7_000, "[a-zé,.?]{1,12}( [a-z.?]{1,9}){0,6}"), 1..60).prop_map(
        |cues| {
            let mut at = 0;
            let mut transcript = Transcript::default();
            for (gap, length, text) in cues {
                let start = (at + gap).max(transcript.cues.last().map_or(0, |cue: &Cue| cue.span.start.as_millis()));
                transcript.cues.push(cue(start, start + length, &text));
                at = start + length;
            }
            transcript
        },
    )
}

/// A transcript and two ranges of its cues.
fn scenes() -> impl Strategy<Value = (Transcript, CueRange, CueRange)> {
    transcripts().prop_flat_map(|transcript| {
        let last = transcript.cues.len() as u32;
        let range = (0..last, 0..last).prop_map(|(a, b)| CueRange { first: a.min(b), last: a.max(b) });
        (Just(transcript), range.clone(), range)
    })
}

fn expression(text: &str, cues: CueRange, scene: CueRange, level: Level) -> Expression {
    Expression {
        expression: text.to_owned(),
        translation: None,
        line: text.to_owned(),
        line_translation: None,
        meaning: "m".to_owned(),
        similar: vec!["s".to_owned()],
        level,
        kind: ExpressionKind::Idiom,
        why: String::new(),
        cues,
        scene,
        scene_translations: scene.indices().map(|_| None).collect(),
    }
}

/// A transcript and what its chunks offer, duplicates and overlaps among it.
fn offers() -> impl Strategy<Value = (Transcript, Vec<Candidate>)> {
    let words =
        ["give up", "gave it up", "call it a day", "find out", "found out", "get over", "in a nutshell", "run into"];
    let offer = (0u32..8, 0u32..60, 0usize..words.len(), 0usize..3);
    (transcripts(), prop::collection::vec(offer, 0..40)).prop_map(move |(transcript, offers)| {
        let last = transcript.cues.len() as u32 - 1;
        let candidates = offers.into_iter().enumerate().map(|(rank, (chunk, at, word, level))| {
            let cues = CueRange { first: at.min(last), last: at.min(last) };
            let level = [Level::A2, Level::B1, Level::C1][level];
            let scene = scene_around(&transcript, cues, cues);
            Candidate { chunk, rank: rank as u32, expression: expression(words[word], cues, scene, level) }
        });
        let candidates = candidates.collect();
        (transcript, candidates)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_scene_covers_what_is_said_and_is_watchable((transcript, said, suggested) in scenes()) {
        let scene = scene_around(&transcript, said, suggested);
        prop_assert!(scene.covers(said) && (scene.last as usize) < transcript.cues.len());
        let length = |range| transcript.span_of(range).unwrap().duration();
        prop_assert!(length(scene) <= MediaTime::from_secs(25).max(length(said)), "{:?}", length(scene));
        prop_assert_eq!(scene_around(&transcript, said, scene), scene, "a scene is its own scene");
        if length(scene) < MediaTime::from_secs(10) {
            let span = transcript.span_of(scene).unwrap();
            let at = |index: u32| transcript.cues.get(index as usize).map(|cue| cue.span);
            let (long, silence) = (MediaTime::from_secs(25), MediaTime::from_secs(6));
            if let Some((first, before)) = scene.first.checked_sub(1).and_then(|first| Some((first, at(first)?))) {
                let next = length(CueRange { first, ..scene });
                prop_assert!(span.start - before.end >= silence || next > long, "could begin earlier");
            }
            if let Some(behind) = at(scene.last + 1) {
                let next = length(CueRange { last: scene.last + 1, ..scene });
                prop_assert!(behind.start - span.end >= silence || next > long, "could go on");
            }
        }
    }

    #[test]
    fn a_clip_holds_its_cues_within_the_video((transcript, said, _) in scenes(), seconds in 1i64..400) {
        let duration = MediaTime::from_secs(seconds);
        let cues = transcript.span_of(said).unwrap();
        match clip_bounds(&transcript, said, duration) {
            None => prop_assert!(cues.start >= duration),
            Some((clip, window)) => {
                prop_assert!(clip.start <= cues.start && clip.end >= cues.end.min(duration));
                prop_assert!(MediaTime::ZERO <= window.start && window.start <= clip.start);
                prop_assert!(clip.end <= window.end && window.end <= duration && clip.start < clip.end);
            }
        }
    }

    #[test]
    fn chunks_follow_one_another_and_show_their_neighbours(transcript in transcripts(), size in 20usize..400) {
        let limits = ChunkLimits { chunk_size: size, max_input_length: size + size / 5 };
        let chunks = chunk(&transcript, limits);
        prop_assert_eq!(&chunk(&transcript, limits), &chunks);
        for (at, pair) in chunks.windows(2).enumerate() {
            prop_assert_eq!((pair[0].position as usize, pair[0].cues.last + 1), (at, pair[1].cues.first));
            prop_assert!(pair[1].with_context.first + 2 >= pair[1].cues.first);
        }
    }

    #[test]
    fn selection_keeps_its_limits_whatever_the_order(
        (transcript, mut candidates) in offers(),
        turn in 0usize..40,
        per_chunk in 1usize..4,
        per_episode in 1usize..8,
    ) {
        let limits = SelectionLimits { per_chunk, per_episode };
        let taken = select(&candidates, &transcript, limits, LearnerLevel::Intermediate);
        prop_assert!(taken.len() <= per_episode && taken.is_sorted_by_key(|e| e.cues));
        prop_assert!(candidates.is_empty() || !taken.is_empty());
        let mut keys: Vec<String> = taken.iter().map(|e| expression_key(&e.expression)).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), taken.len(), "one expression twice");
        for (at, one) in taken.iter().enumerate() {
            for other in &taken[at + 1..] {
                let spans = [one, other].map(|e| transcript.span_of(e.scene).unwrap());
                let shorter = spans[0].duration().min(spans[1].duration()).as_millis();
                prop_assert!(spans[0].overlap(spans[1]).as_millis() * 2 <= shorter.max(1));
            }
        }
        if !candidates.is_empty() {
            let turn = turn % candidates.len();
            candidates.rotate_left(turn);
        }
        prop_assert_eq!(select(&candidates, &transcript, limits, LearnerLevel::Intermediate), taken);
    }

    #[test]
    fn a_transcript_translates_itself_and_no_line_said_is_lost(source in transcripts(), target in transcripts()) {
        let own = align(&source, &source);
        prop_assert!(own.iter().all(Option::is_some));
        let aligned = align(&source, &target);
        prop_assert_eq!(aligned.len(), source.cues.len());
        for line in &target.cues {
            let meets = source.cues.iter().any(|cue| cue.span.overlap(line.span) > MediaTime::ZERO);
            let shown = aligned.iter().flatten().any(|text| text.contains(line.text.as_str()));
            prop_assert!(!meets || shown, "{:?} is lost", line);
        }
    }

    #[test]
    fn subtitles_never_outlast_a_video_that_ends_with_them(transcript in transcripts()) {
        let end = transcript.cues.iter().map(|cue| cue.span.end).max().unwrap();
        prop_assert_eq!(beyond_end(&transcript, end), None);
        let all = beyond_end(&transcript, MediaTime::ZERO).map(|beyond| beyond.cues);
        prop_assert_eq!(all, Some(transcript.cues.len()));
    }

    #[test]
    fn any_words_have_a_key_that_knows_no_capitals(text in ".{0,40}", word in "[A-Za-z]{2,8} (up|out|off)") {
        prop_assert_eq!(expression_key(&text).is_empty(), text.is_empty());
        prop_assert_eq!(expression_key(&word), expression_key(&word.to_lowercase()));
    }
}
