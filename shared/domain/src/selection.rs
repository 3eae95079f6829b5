use std::collections::BTreeMap;

use crate::{Expression, LearnerLevel, MediaTime, Span, Transcript, inflection::expression_key};

/// An expression that a chunk offers.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The chunk's position.
    pub chunk: u32,
    /// Its place within the chunk, the best first, counted from 0.
    pub rank: u32,
    /// The expression.
    pub expression: Expression,
}

/// How many expressions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectionLimits {
    /// Most of one chunk.
    pub per_chunk: usize,
    /// Most of the episode.
    pub per_episode: usize,
}

/// Takes the expressions that become clips, in the order of the episode.
///
/// In rounds over the chunks, the best of each first, so that they spread over the episode; none twice under inflection
/// or a small difference, none whose scene overlaps another's by more than half. The order of `candidates` plays no part.
pub fn select(
    candidates: &[Candidate],
    transcript: &Transcript,
    limits: SelectionLimits,
    level: LearnerLevel,
) -> Vec<Expression> {
    let mut by_chunk: BTreeMap<u32, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        by_chunk.entry(candidate.chunk).or_default().push(candidate);
    }
    for list in by_chunk.values_mut() {
        list.sort_by_key(|c| {
            (misfit(&c.expression, level), c.rank, c.expression.cues, c.expression.expression.clone())
        });
    }
    let chunks: Vec<Vec<&Candidate>> = by_chunk.into_values().collect();
    let mut taken: Vec<Taken<'_>> = Vec::new();
    let mut used = vec![(0usize, 0usize); chunks.len()];
    for round in 0..limits.per_chunk {
        for at in spread(chunks.len()) {
            if taken.len() >= limits.per_episode {
                break;
            }
            let (next, count) = &mut used[at];
            while *count <= round && *next < chunks[at].len() {
                let candidate = Taken::new(&chunks[at][*next].expression, transcript);
                *next += 1;
                if !taken.iter().any(|other| candidate.clashes(other)) {
                    taken.push(candidate);
                    *count += 1;
                }
            }
        }
    }
    taken.sort_by_key(|t| (t.expression.cues, t.key.clone()));
    taken.into_iter().map(|t| t.expression.clone()).collect()
}

/// How far an expression's level is from what the learner is after.
fn misfit(expression: &Expression, level: LearnerLevel) -> u8 {
    let [low, high] = level.target().map(|level| level as u8);
    let own = expression.level as u8;
    low.saturating_sub(own).max(own.saturating_sub(high))
}

/// All positions below `count`, each next one far from those before: where the limit cuts off, the whole is still covered.
fn spread(count: usize) -> Vec<usize> {
    let bits = usize::BITS - count.saturating_sub(1).leading_zeros();
    let reversed = |n: usize| if bits == 0 { 0 } else { n.reverse_bits() >> (usize::BITS - bits) };
    (0..1usize << bits).map(reversed).filter(|&at| at < count).collect()
}

struct Taken<'a> {
    expression: &'a Expression,
    key: String,
    span: Span,
}

impl<'a> Taken<'a> {
    fn new(expression: &'a Expression, transcript: &Transcript) -> Self {
        let span = transcript.span_of(expression.scene).unwrap_or(Span::from_millis(0, 0));
        Self { expression, key: expression_key(&expression.expression), span }
    }

    fn clashes(&self, other: &Self) -> bool {
        let shorter = self.span.duration().min(other.span.duration()).max(MediaTime::from_millis(1));
        self.span.overlap(other.span).as_millis() * 2 > shorter.as_millis() || nearly_equal(&self.key, &other.key)
    }
}

/// Equal but for one letter of one word that is long enough for that to be a slip or a spelling rather than another word.
fn nearly_equal(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    let mut different = a.iter().zip(&b).filter(|(one, other)| one != other);
    match (different.next(), different.next()) {
        (Some((one, other)), None) => a.len() == b.len() && is_slip(one, other),
        _ => false,
    }
}

fn is_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().min(b.len()) < 7 || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let room = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count().min(room);
    a.len().max(b.len()) - head - tail <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cue, CueKind, CueRange, ExpressionKind, Level};

    fn candidate(chunk: u32, cue: u32, text: &str) -> Candidate {
        let range = CueRange { first: cue, last: cue };
        let expression = Expression {
            expression: text.to_owned(),
            translation: None,
            line: text.to_owned(),
            line_translation: None,
            meaning: "m".to_owned(),
            similar: vec!["s".to_owned()],
            level: Level::B1,
            kind: ExpressionKind::Idiom,
            why: String::new(),
            cues: range,
            scene: range,
            scene_translations: vec![None],
        };
        Candidate { chunk, rank: cue, expression }
    }

    fn transcript() -> Transcript {
        let cue = |n: i64| Cue {
            span: Span::from_millis(n * 10_000, n * 10_000 + 9_000),
            text: "x".to_owned(),
            speaker: None,
            kind: CueKind::Speech,
        };
        Transcript { language: None, cues: (0..100).map(cue).collect() }
    }

    const LIMITS: SelectionLimits = SelectionLimits { per_chunk: 2, per_episode: 4 };

    #[test]
    fn duplicates_under_inflection_are_taken_once() {
        let candidates = [candidate(0, 0, "give up"), candidate(1, 5, "gave it up"), candidate(2, 9, "give in")];
        let names: Vec<String> = select(&candidates, &transcript(), LIMITS, LearnerLevel::Intermediate)
            .into_iter()
            .map(|e| e.expression)
            .collect();
        assert_eq!(names, ["give up", "give in"]);
    }

    #[test]
    fn one_letter_makes_a_slip_of_a_long_word_and_another_expression_of_a_short_one() {
        for (a, b) in
            [("recognise somebody", "recognize somebody"), ("a foregone conclusion", "a foregone conclusions")]
        {
            assert!(nearly_equal(&expression_key(a), &expression_key(b)), "{a}, {b}");
        }
        for (a, b) in [("hand out", "hang out"), ("call off", "fall off"), ("make something out", "take something out")]
        {
            assert!(!nearly_equal(&expression_key(a), &expression_key(b)), "{a}, {b}");
        }
    }

    #[test]
    fn a_limit_takes_from_the_whole_episode_whatever_the_order_of_candidates() {
        let words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"];
        let mut candidates: Vec<Candidate> = (0..8).map(|n| candidate(n, n * 10, words[n as usize])).collect();
        let taken = select(&candidates, &transcript(), LIMITS, LearnerLevel::Intermediate);
        let firsts: Vec<u32> = taken.iter().map(|e| e.cues.first).collect();
        assert_eq!(firsts, [0, 20, 40, 60]);
        candidates.reverse();
        assert_eq!(select(&candidates, &transcript(), LIMITS, LearnerLevel::Intermediate), taken);
    }

    #[test]
    fn scenes_that_overlap_heavily_are_not_both_taken() {
        let mut second = candidate(1, 4, "call it a day");
        second.expression.scene = CueRange { first: 3, last: 4 };
        let mut first = candidate(0, 3, "give up");
        first.expression.scene = CueRange { first: 3, last: 4 };
        assert_eq!(select(&[first, second], &transcript(), LIMITS, LearnerLevel::Intermediate).len(), 1);
    }
}
