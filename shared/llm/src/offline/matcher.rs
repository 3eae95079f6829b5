//! Finds expressions in the words of a chunk.

use std::collections::HashMap;

use super::{
    lexicon::Entry,
    object::{leads_to_place, object_may_follow, objects, particle_stands_alone, possessives},
    pattern::{Pattern, Step, Take},
    token::{Joint, Token},
    vocabulary::{Key, Known, Vocabulary},
    words::{is_function, is_object_pronoun, is_particle, is_reflexive},
};

/// An expression found among the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Number of the expression, in the order in which they were added.
    pub(super) entry: usize,
    /// Position of its first word.
    pub(super) start: usize,
    /// Position behind its last word.
    pub(super) end: usize,
    /// How many of the words are the expression's own.
    pub(super) literals: usize,
}

/// Patterns by the word that they begin with.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    vocabulary: Vocabulary,
    patterns: Vec<(usize, Pattern)>,
    by_fixed: HashMap<u32, Vec<u32>>,
    by_lemma: HashMap<u32, Vec<u32>>,
}

impl Matcher {
    /// Adds the entry with the number `number`.
    pub(super) fn add(&mut self, number: usize, entry: &Entry) {
        let forms = [Pattern::new(entry, &mut self.vocabulary), Pattern::parted(entry, &mut self.vocabulary)];
        for pattern in forms.into_iter().flatten() {
            let at = self.patterns.len() as u32;
            match pattern.head() {
                Some(Key::Fixed(form)) => self.by_fixed.entry(form).or_default().push(at),
                Some(Key::Inflected(lemma)) => self.by_lemma.entry(lemma).or_default().push(at),
                None => continue,
            }
            self.patterns.push((number, pattern));
        }
    }

    /// All expressions among the words; they may overlap.
    pub(super) fn find(&self, tokens: &[Token]) -> Vec<Found> {
        let known: Vec<Known> = tokens.iter().map(|token| self.vocabulary.look_up(&token.word)).collect();
        let text = Text { tokens, known: &known };
        let mut all = Vec::new();
        for (start, word) in known.iter().enumerate() {
            for at in word.keys().flat_map(|key| self.beginning_with(key)) {
                let (entry, pattern) = &self.patterns[*at as usize];
                if let Some(end) = text.matches(pattern, start) {
                    all.push(Found { entry: *entry, start, end, literals: pattern.literals });
                }
            }
        }
        all
    }

    fn beginning_with(&self, key: Key) -> &[u32] {
        let list = match key {
            Key::Fixed(form) => self.by_fixed.get(&form),
            Key::Inflected(lemma) => self.by_lemma.get(&lemma),
        };
        list.map(Vec::as_slice).unwrap_or_default()
    }
}

struct Text<'a> {
    tokens: &'a [Token],
    known: &'a [Known],
}

impl Text<'_> {
    /// Where `pattern` ends if it begins at `start`.
    fn matches(&self, pattern: &Pattern, start: usize) -> Option<usize> {
        if pattern.phrasal && !self.may_be_verb(start) {
            return None;
        }
        let end = self.follow(pattern, &pattern.steps[1..], start + 1)?;
        let (first, last) = (self.tokens.get(start)?, self.tokens.get(end.checked_sub(1)?)?);
        let near = last.line - first.line <= 1;
        (near && self.ends_well(pattern, start, end)).then_some(end)
    }

    /// Where the remaining steps end if they begin at `at`.
    fn follow(&self, pattern: &Pattern, steps: &[Step], at: usize) -> Option<usize> {
        let Some((step, rest)) = steps.split_first() else { return Some(at) };
        match step.take {
            Take::Word(key) => self
                .word(pattern, step, key, at)
                .and_then(|next| self.follow(pattern, rest, next))
                .or_else(|| self.adjective(pattern, step, key, at).and_then(|next| self.follow(pattern, rest, next))),
            Take::Possessive => {
                possessives(self.tokens, at).into_iter().find_map(|next| self.follow(pattern, rest, next))
            }
            Take::Reflexive => {
                self.tokens.get(at).filter(|t| t.joint < Joint::Comma && is_reflexive(&t.word))?;
                self.follow(pattern, rest, at + 1)
            }
            Take::Object { optional } => {
                let without = if optional { self.follow(pattern, rest, at) } else { None };
                without
                    .or_else(|| objects(self.tokens, at).into_iter().find_map(|next| self.follow(pattern, rest, next)))
            }
        }
    }

    fn word(&self, pattern: &Pattern, step: &Step, key: Key, at: usize) -> Option<usize> {
        let token = self.tokens.get(at)?;
        let joined = token.joint <= Joint::Space || (step.comma && token.joint == Joint::Comma);
        // "make-up" is a noun, not the verb.
        let glued = pattern.phrasal && token.joint == Joint::Hyphen;
        // "make a call" is not said in "make a thing called".
        let verb = step.noun && (token.word.ends_with("ed") || token.word.ends_with("ing"));
        (joined && !glued && !verb && self.known.get(at)?.is(key)).then_some(at + 1)
    }

    fn adjective(&self, pattern: &Pattern, step: &Step, key: Key, at: usize) -> Option<usize> {
        let between = self.tokens.get(at).filter(|t| step.adjective && t.joint == Joint::Space)?;
        if is_function(&between.word) { None } else { self.word(pattern, step, key, at + 1) }
    }

    /// Behind an article stands a noun: "the call", "a break". Words that are particles too must follow a subject or an
    /// auxiliary: "you back up" and not "it goes back up".
    fn may_be_verb(&self, at: usize) -> bool {
        let (Some(token), Some(before)) = (self.tokens.get(at), at.checked_sub(1).and_then(|at| self.tokens.get(at)))
        else {
            return true;
        };
        if token.joint >= Joint::Comma {
            return true;
        }
        let before = before.word.as_str();
        let article = matches!(before, "a" | "the" | "my" | "your" | "our" | "their");
        let object = is_object_pronoun(before) && before != "you";
        !article && (!is_particle(&token.word) || (is_function(before) && !object))
    }

    /// Whether the words behind allow it: a particle at the end must belong to the verb, a whole sentence must end.
    fn ends_well(&self, pattern: &Pattern, start: usize, end: usize) -> bool {
        let last = &self.tokens[end - 1];
        let gap = end - start > pattern.literals;
        let behind = &self.tokens[end..];
        let next = behind.first().filter(|next| next.joint < Joint::Comma);
        let gerund = next.is_some_and(|next| next.word.ends_with("ing"));
        if (pattern.closes && next.is_some()) || (pattern.gerund_follows && !gerund) {
            return false;
        }
        let open = pattern.object_follows || (!gap && pattern.steps.len() > pattern.literals);
        if pattern.phrasal && pattern.moves && leads_to_place(&last.word, behind) {
            return false;
        }
        if pattern.phrasal && pattern.object_follows && !object_may_follow(&last.word, next) {
            return false;
        }
        !pattern.phrasal || open || !is_particle(&last.word) || particle_stands_alone(&last.word, behind)
    }
}

#[cfg(test)]
#[path = "matcher_tests.rs"]
mod tests;
