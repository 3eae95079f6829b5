//! From what was found in a chunk to the answer that a model would give.

use std::cmp::Reverse;

use langflix_domain::{AnalysisRequest, AnswerItem, ExpressionKind, LearnerLevel, Level, RejectedItem};

use super::{lexicon::Entry, matcher::Found, token::Token};

/// Shortest scene that gives a line its context.
const SHORTEST_SCENE_MS: i64 = 10_000;
/// Longest scene.
const LONGEST_SCENE_MS: i64 = 25_000;
/// A silence over which a scene is not extended.
const SCENE_BREAK_MS: i64 = 6_000;

/// The items of the answer, the best first.
pub(super) fn items(
    entries: &[Entry],
    found: Vec<Found>,
    tokens: &[Token],
    request: &AnalysisRequest,
    feedback: &[RejectedItem],
) -> Vec<AnswerItem> {
    let mut ranked: Vec<(Found, &Entry)> = found
        .into_iter()
        .filter_map(|found| entries.get(found.entry).map(|entry| (found, entry)))
        .filter(|(_, entry)| !feedback.iter().any(|item| item.expression == entry.shown()))
        .collect();
    // A longer expression takes the words of a shorter one: "come up with" leaves no "come up".
    ranked.sort_by_key(|(found, entry)| {
        (Reverse(found.literals), entry.source, found.end - found.start, found.start, found.entry)
    });
    let mut free = vec![true; tokens.len()];
    ranked.retain(|(found, _)| {
        let words = &mut free[found.start..found.end];
        let whole = words.iter().all(|free| *free);
        if whole {
            words.fill(false);
        }
        whole
    });
    ranked.sort_by_key(|(found, entry)| {
        let misfit = misfit(entry.level, request.level);
        (entry.source, misfit, figurative(entry.kind), Reverse(found.literals), found.start)
    });
    let mut taken: Vec<usize> = Vec::new();
    let first_time = |(found, _): &(Found, &Entry)| {
        let new = !taken.contains(&found.entry);
        taken.push(found.entry);
        new
    };
    let best = ranked.into_iter().filter(first_time).take(usize::from(request.max_expressions));
    best.map(|(found, entry)| item(entry, found, tokens, request)).collect()
}

/// How many levels lie between an expression and what the learner is after.
fn misfit(level: Level, learner: LearnerLevel) -> u8 {
    let [low, high] = learner.target().map(|level| level as u8);
    let own = level as u8;
    low.saturating_sub(own).max(own.saturating_sub(high))
}

/// The less of the meaning the single words give away, the earlier.
fn figurative(kind: ExpressionKind) -> u8 {
    match kind {
        ExpressionKind::Idiom => 0,
        ExpressionKind::PhrasalVerb | ExpressionKind::Slang => 1,
        ExpressionKind::Collocation => 2,
        ExpressionKind::Other => 3,
    }
}

fn item(entry: &Entry, found: Found, tokens: &[Token], request: &AnalysisRequest) -> AnswerItem {
    let (first, last) = (tokens[found.start].line as usize, tokens[found.end - 1].line as usize);
    let (scene_first, scene_last) = scene(request, first, last);
    let quote: Vec<&str> = request.lines[first..=last].iter().map(|line| line.text.as_str()).collect();
    AnswerItem {
        expression: entry.shown(),
        translation: None,
        first_line: first as u32 + 1,
        last_line: last as u32 + 1,
        quote: quote.join(" "),
        quote_translation: None,
        scene_first_line: scene_first as u32 + 1,
        scene_last_line: scene_last as u32 + 1,
        scene_translations: Vec::new(),
        meaning: entry.meaning.to_string(),
        similar: entry.similar.iter().map(ToString::to_string).collect(),
        level: entry.level,
        kind: entry.kind,
        why: entry.why().to_owned(),
    }
}

/// The lines `first` to `last` with those around them that make a scene of at least ten seconds.
fn scene(request: &AnalysisRequest, mut first: usize, mut last: usize) -> (usize, usize) {
    let lines = &request.lines;
    let start = |at: usize| lines[at].offset_ms;
    let end = |at: usize| lines[at].offset_ms.saturating_add(lines[at].duration_ms);
    let length = |first: usize, last: usize| end(last).saturating_sub(start(first));
    while length(first, last) < SHORTEST_SCENE_MS {
        let before = first.checked_sub(1).map(|at| (start(first).saturating_sub(start(at)), at, last));
        let after = (last + 1 < lines.len()).then(|| (end(last + 1).saturating_sub(end(last)), first, last + 1));
        let grown = [before, after].into_iter().flatten();
        let fits = grown.filter(|&(by, a, b)| by < SCENE_BREAK_MS && length(a, b) <= LONGEST_SCENE_MS);
        let Some((_, a, b)) = fits.min() else { break };
        (first, last) = (a, b);
    }
    (first, last)
}
