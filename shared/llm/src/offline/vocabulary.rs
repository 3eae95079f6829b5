//! The words of all expressions as numbers, so that the words of a line are looked up once.

use std::collections::HashMap;

use langflix_domain::inflection::lemma_key;

use super::words::is_function;

/// A word of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// This form alone.
    Fixed(u32),
    /// Any form of the word.
    Inflected(u32),
}

/// A word of a line: the numbers of its form and of its lemma, where an expression has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) form: Option<u32>,
    pub(super) lemma: Option<u32>,
}

impl Known {
    pub(super) fn is(self, key: Key) -> bool {
        match key {
            Key::Fixed(form) => self.form == Some(form),
            Key::Inflected(lemma) => self.lemma == Some(lemma),
        }
    }

    /// The keys that it answers to.
    pub(super) fn keys(self) -> impl Iterator<Item = Key> {
        self.form.map(Key::Fixed).into_iter().chain(self.lemma.map(Key::Inflected))
    }
}

/// Numbers of forms and lemmas.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    forms: HashMap<Box<str>, u32>,
    lemmas: HashMap<Box<str>, u32>,
}

impl Vocabulary {
    pub(super) fn fixed(&mut self, word: &str) -> Key {
        Key::Fixed(number(&mut self.forms, word))
    }

    /// The key of a word that may be inflected; a word of a closed class has one form.
    pub(super) fn inflected(&mut self, word: &str) -> Key {
        if is_function(word) { self.fixed(word) } else { Key::Inflected(number(&mut self.lemmas, &lemma_key(word))) }
    }

    pub(super) fn look_up(&self, word: &str) -> Known {
        if word == "'d" {
            // "'d better" is "had better", "'d rather" is "would rather".
            return Known { form: self.form("would"), lemma: self.lemma("have") };
        }
        Known { form: self.form(word), lemma: if is_function(word) { None } else { self.lemma(word) } }
    }

    fn form(&self, word: &str) -> Option<u32> {
        self.forms.get(word).copied()
    }

    fn lemma(&self, word: &str) -> Option<u32> {
        self.lemmas.get(lemma_key(word).as_str()).copied()
    }
}

fn number(numbers: &mut HashMap<Box<str>, u32>, word: &str) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(word.into()).or_insert(next)
}
