//! How long the pure part of a season takes: parse, chunk and select. Run by `scripts/bench rules`.
//!
//! `season` is what is promised to take under a second; `long_file` has 100,000 cues, and the rest shows that the cost
//! grows with the size of a file and not with its square, whatever is in it.

use std::hint::black_box;

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use langflix_domain::{
    Candidate, ChunkLimits, CueRange, Expression, ExpressionKind, LearnerLevel, Level, SelectionLimits, Transcript,
    chunk, scene_around, select,
};
use langflix_subtitles::parse;

const EPISODES: usize = 24;
const WORDS: [&str; 24] = [
    "you", "know", "it", "never", "gets", "old", "give", "up", "the", "whole", "story", "I", "think", "we", "should",
    "call", "off", "that", "meeting", "before", "someone", "finds", "out", "tonight",
];
const EXPRESSIONS: [&str; 12] = [
    "give up",
    "call it a day",
    "find out",
    "get over",
    "look forward to",
    "make up one's mind",
    "on the same page",
    "put up with",
    "run out of",
    "take for granted",
    "under the weather",
    "work something out",
];

fn main() {
    divan::main();
}

/// A file of `cues` cues of one or two lines, the same for the same seed.
fn srt(cues: usize, seed: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut state = seed as u64 * 2_654_435_761 + 12_345;
    let mut next = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let mut at = 4_000;
    for index in 1..=cues {
        let end = at + 900 + next(2_600);
        let line = |next: &mut dyn FnMut(usize) -> usize| {
            let words: Vec<&str> = (0..3 + next(5)).map(|_| WORDS[next(WORDS.len())]).collect();
            words.join(" ")
        };
        let first = line(&mut next);
        let second = if next(2) == 0 { format!("\n<i>{}</i>", line(&mut next)) } else { String::new() };
        let stop = ["", ".", ",", "?", "..."][next(5)];
        text += &format!("{index}\n{} --> {}\n{first}{second}{stop}\n\n", clock(at), clock(end));
        at = end + next(1_500);
    }
    text.into_bytes()
}

fn clock(ms: usize) -> String {
    format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

fn season() -> Vec<Vec<u8>> {
    (0..EPISODES).map(|episode| srt(400 + episode * 13, episode)).collect()
}

/// Three candidates for each chunk, as a model would offer them.
fn candidates(transcript: &Transcript) -> Vec<Candidate> {
    let chunks = chunk(transcript, ChunkLimits::default());
    let offered = chunks.iter().flat_map(|chunk| (0..3u32).map(move |rank| (chunk, rank)));
    offered
        .map(|(chunk, rank)| {
            let at = (chunk.cues.first + rank * 7).min(chunk.cues.last);
            let cues = CueRange { first: at, last: at };
            let text = EXPRESSIONS[(chunk.position as usize * 5 + rank as usize) % EXPRESSIONS.len()];
            let scene = scene_around(transcript, cues, cues);
            let expression = Expression {
                expression: format!("{text} {}", chunk.position % 9),
                translation: None,
                line: transcript.cues[at as usize].text.clone(),
                line_translation: None,
                meaning: "what it means".to_owned(),
                similar: vec!["another".to_owned()],
                level: Level::B1,
                kind: ExpressionKind::Idiom,
                why: String::new(),
                cues,
                scene,
                scene_translations: scene.indices().map(|_| None).collect(),
            };
            Candidate { chunk: chunk.position, rank, expression }
        })
        .collect()
}

fn run(name: &str, bytes: &[u8]) -> usize {
    let transcript = parse(name, bytes).map(|parsed| parsed.transcript).unwrap_or_default();
    let limits = SelectionLimits { per_chunk: 3, per_episode: 20 };
    let candidates = candidates(&transcript);
    select(&candidates, &transcript, limits, LearnerLevel::Intermediate).len()
}

#[divan::bench(sample_count = 20)]
fn season_of_24_episodes_parsed_chunked_and_selected(bencher: Bencher) {
    let files = season();
    bencher
        .counter(ItemsCount::new(EPISODES))
        .bench_local(|| files.iter().map(|file| run("episode.srt", black_box(file))).sum::<usize>());
}

#[divan::bench(sample_count = 20, args = [50_000, 100_000])]
fn long_file_parsed(bencher: Bencher, cues: usize) {
    let file = srt(cues, 7);
    bencher
        .counter(ItemsCount::new(cues))
        .bench_local(|| parse("long.srt", black_box(&file)).map(|p| p.transcript.cues.len()));
}

#[divan::bench(sample_count = 10)]
fn long_file_of_100_000_cues_parsed_chunked_and_selected(bencher: Bencher) {
    let file = srt(100_000, 7);
    bencher.bench_local(|| run("long.srt", black_box(&file)));
}

/// One piece again and again, each of a sort that makes careless parsers slow.
const HOSTILE: [(&str, &str); 8] = [
    ("one line", "x"),
    ("braces", "{\\"),
    ("tags", "<a"),
    ("blank lines", "\n"),
    ("arrows", "-->\n"),
    ("half times", "00:00:01,000 -->\n"),
    ("numbers", "1\n\n"),
    ("carriage returns", "\r"),
];

#[divan::bench(sample_count = 3, args = HOSTILE.map(|(name, _)| name), consts = [4, 8])]
fn hostile_megabytes<const MEGABYTES: usize>(bencher: Bencher, name: &str) {
    let piece = HOSTILE.iter().find(|(known, _)| *known == name).map_or("", |(_, piece)| *piece);
    let head = "1\n00:00:01,000 --> 00:00:02,000\n";
    let file = format!("{head}{}", piece.repeat((MEGABYTES << 20) / piece.len())).into_bytes();
    bencher.counter(BytesCount::new(file.len())).bench_local(|| parse("hostile.srt", black_box(&file)).is_ok());
}
