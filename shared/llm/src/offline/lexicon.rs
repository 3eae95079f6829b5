//! The lexicon of our own: one expression a line, `expression kind level meaning similar`, parted by tabs.

use langflix_domain::{ExpressionKind, Level, inflection::expression_key};
use serde::Serialize;

/// The lexicon's text.
pub(super) const LEXICON: &str = include_str!("../../data/lexicon.tsv");

/// What is known of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    /// Its dictionary form.
    pub(super) expression: Box<str>,
    pub(super) kind: ExpressionKind,
    pub(super) level: Level,
    pub(super) meaning: Box<str>,
    pub(super) similar: Box<[Box<str>]>,
    /// Whether its words may be inflected; a ready-made phrase stands as it is.
    pub(super) inflects: bool,
    pub(super) source: Source,
}

/// Where an entry comes from, the more trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Source {
    Own,
    WordNet,
}

impl Entry {
    /// Why such an expression is worth learning.
    pub(super) fn why(&self) -> &'static str {
        let parted = self.expression.contains(" sth ") || self.expression.contains(" sb ");
        match self.kind {
            ExpressionKind::PhrasalVerb if parted => {
                "Verb and particle mean something new together, and an object may stand between them."
            }
            ExpressionKind::PhrasalVerb => {
                "Verb and particle mean something new together; everyday speech is full of them."
            }
            ExpressionKind::Idiom => "Its meaning cannot be guessed from the single words.",
            ExpressionKind::Collocation => "English speakers put these very words together; others sound wrong.",
            ExpressionKind::Slang => "People say it among friends and on screen; a textbook rarely shows it.",
            ExpressionKind::Other => "A ready-made phrase that keeps a conversation going.",
        }
    }

    /// The expression without a dictionary's abbreviations.
    pub(super) fn shown(&self) -> String {
        let word = |word| match word {
            "sb" => "somebody",
            "sb's" => "somebody's",
            "sth" => "something",
            other => other,
        };
        self.expression.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// The key under which all forms of the expression meet, placeholders left out.
    pub(super) fn key(&self) -> String {
        expression_key(&self.expression)
    }
}

/// The entries of `text`.
///
/// # Errors
/// The number of the first line that is not well-formed, counted from 1.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| entry(line).ok_or(at + 1)).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let [expression, kind, level, meaning, similar] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let similar: Box<[Box<str>]> = similar.split(';').map(|one| one.trim().into()).collect();
    let well_formed = !expression.is_empty() && !meaning.is_empty() && (1..=3).contains(&similar.len());
    let kind = kind_of(kind)?;
    let well_formed = well_formed && similar.iter().all(|one| !one.is_empty());
    well_formed.then_some(Entry {
        expression: expression.into(),
        kind,
        level: level_of(level)?,
        meaning: meaning.into(),
        similar,
        inflects: kind != ExpressionKind::Other,
        source: Source::Own,
    })
}

fn kind_of(text: &str) -> Option<ExpressionKind> {
    Some(match text {
        "idiom" => ExpressionKind::Idiom,
        "phrasal_verb" => ExpressionKind::PhrasalVerb,
        "collocation" => ExpressionKind::Collocation,
        "slang" => ExpressionKind::Slang,
        "other" => ExpressionKind::Other,
        _ => return None,
    })
}

fn level_of(text: &str) -> Option<Level> {
    Some(match text {
        "A1" => Level::A1,
        "A2" => Level::A2,
        "B1" => Level::B1,
        "B2" => Level::B2,
        "C1" => Level::C1,
        "C2" => Level::C2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn entries() -> Vec<Entry> {
        parse(LEXICON).unwrap()
    }

    #[test]
    fn at_least_six_hundred_expressions_are_known_and_none_twice() {
        let mut seen: BTreeMap<String, Box<str>> = BTreeMap::new();
        let mut twice = Vec::new();
        for entry in entries() {
            if let Some(before) = seen.insert(entry.key(), entry.expression.clone()) {
                twice.push((before, entry.expression));
            }
        }
        assert!(twice.is_empty(), "{twice:?}");
        assert!(seen.len() >= 600, "{}", seen.len());
    }

    #[test]
    fn entries_are_written_with_care() {
        for entry in entries() {
            let Entry { expression, meaning, similar, .. } = &entry;
            let tidy = |text: &str| {
                text.trim() == text && !text.contains("  ") && text.is_ascii() && !text.chars().any(char::is_control)
            };
            assert!(tidy(expression) && tidy(meaning) && similar.iter().all(|one| tidy(one)), "{entry:?}");
            assert!(expression.len() <= 40 && (4..=140).contains(&meaning.len()), "{entry:?}");
            assert!(expression.split([' ', '-', '\'']).count() > 1 || entry.kind == ExpressionKind::Slang, "{entry:?}");
            assert!(
                !meaning.ends_with('.') && (!meaning.starts_with(char::is_uppercase) || meaning.starts_with("I ")),
                "{entry:?}"
            );
            assert!(similar.iter().all(|one| expression_key(one) != entry.key()), "{entry:?}");
        }
    }

    #[test]
    fn every_level_and_kind_is_served() {
        let mut levels: BTreeMap<Level, usize> = BTreeMap::new();
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for entry in entries() {
            *levels.entry(entry.level).or_default() += 1;
            *kinds.entry(format!("{:?}", entry.kind)).or_default() += 1;
        }
        assert!(levels.len() == 6 && levels.values().all(|&count| count >= 10), "{levels:?}");
        assert!(levels[&Level::B1] >= 100 && levels[&Level::B2] >= 100, "{levels:?}");
        assert!(kinds.len() == 5 && kinds.values().all(|&count| count >= 30), "{kinds:?}");
    }

    #[test]
    fn a_line_that_is_not_well_formed_is_named() {
        let good = "give up\tphrasal_verb\tB1\tto stop\tquit";
        assert_eq!(parse(&format!("# title\n{good}\n")).unwrap().len(), 1);
        for bad in ["give up\tphrasal_verb\tB1\tto stop", "give up\tverb\tB1\tto stop\tquit", "a\tidiom\tB9\tb\tc"] {
            assert_eq!(parse(&format!("{good}\n{bad}\n")), Err(2), "{bad}");
        }
    }
}
