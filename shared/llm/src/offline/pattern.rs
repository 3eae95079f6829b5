//! An expression's dictionary form as the steps that its words in a line must follow.

use langflix_domain::ExpressionKind;

use super::{
    lexicon::Entry,
    token::{Joint, Token, words},
    vocabulary::{Key, Vocabulary},
    words::{is_determiner, is_motion, is_particle, is_possessive},
};

/// What a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// One word.
    Word(Key),
    /// "sb" or "sth": an object of one to three words; may be missing where `optional`.
    Object {
        /// Between a verb and its particle the object may as well follow.
        optional: bool,
    },
    /// "one's" or "sb's": a possessive pronoun or a name with "'s".
    Possessive,
    /// "oneself".
    Reflexive,
}

/// One step of a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) take: Take,
    /// Whether a comma may stand before it.
    pub(super) comma: bool,
    /// Whether one adjective may stand before it.
    pub(super) adjective: bool,
    /// Whether it is a noun: no form in -ed or -ing will do.
    pub(super) noun: bool,
}

/// The steps of an expression; the first always takes a word.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) steps: Box<[Step]>,
    /// Verb and particle: parts are not told apart by their words alone, so what stands around them is looked at.
    pub(super) phrasal: bool,
    /// Whether its verb moves or looks: "run into the house" is said of a place.
    pub(super) moves: bool,
    /// Whether the dictionary form goes on after the last step, with an object.
    pub(super) object_follows: bool,
    /// Whether a form in -ing comes next: "feel like doing sth".
    pub(super) gerund_follows: bool,
    /// Whether it is a sentence of its own, written with its mark: "so what?" is not said in "so what we need is".
    pub(super) closes: bool,
    /// How many steps take a word.
    pub(super) literals: usize,
}

impl Pattern {
    /// The pattern of an expression; `None` where it holds no word of its own.
    pub(super) fn new(entry: &Entry, vocabulary: &mut Vocabulary) -> Option<Self> {
        Self::of(&words(&entry.expression), entry, vocabulary)
    }

    /// The pattern of "make one's mind up" beside that of "make up one's mind"; `None` where the particle stays.
    pub(super) fn parted(entry: &Entry, vocabulary: &mut Vocabulary) -> Option<Self> {
        let mut all = words(&entry.expression);
        if !matches!(all.as_slice(), [_, particle, whose, _, ..] if is_particle(&particle.word) && whose.word == "one's")
        {
            return None;
        }
        all[1..].rotate_left(1);
        Self::of(&all, entry, vocabulary)
    }

    fn of(all: &[Token], entry: &Entry, vocabulary: &mut Vocabulary) -> Option<Self> {
        let kind = entry.kind;
        let first = all.iter().position(|token| !is_placeholder(&token.word))?;
        let last = last_of_its_own(all, first);
        let slang_verb = kind == ExpressionKind::Slang && all.get(last).is_some_and(|token| is_particle(&token.word));
        let phrasal = kind == ExpressionKind::PhrasalVerb || slang_verb;
        let body = all.get(first..=last)?;
        let parted = phrasal && !is_particle(&body.first()?.word);
        let steps: Box<[Step]> = (0..body.len()).map(|at| step(body, at, entry, parted, vocabulary)).collect();
        let literals = steps.iter().filter(|step| matches!(step.take, Take::Word(_))).count();
        let object_follows = last + 1 < all.len();
        let gerund_follows = all.get(last + 1).is_some_and(|token| token.word == "doing");
        let closes = entry.expression.ends_with(['?', '!']);
        let moves = is_motion(&body.first()?.word);
        Some(Self { steps, phrasal, moves, object_follows, gerund_follows, closes, literals })
    }

    /// The word that every match begins with.
    pub(super) fn head(&self) -> Option<Key> {
        self.steps.first().and_then(|step| match step.take {
            Take::Word(key) => Some(key),
            _ => None,
        })
    }
}

/// The step for the word at `at`; `parted` where an object may stand between a verb and its particle.
fn step(body: &[Token], at: usize, entry: &Entry, parted: bool, vocabulary: &mut Vocabulary) -> Step {
    let token = &body[at];
    let next_is_particle = body.get(at + 1).is_some_and(|next| is_particle(&next.word));
    let take = match token.word.as_str() {
        "sb" | "sth" => Take::Object { optional: parted && next_is_particle },
        "one's" | "sb's" => Take::Possessive,
        "oneself" => Take::Reflexive,
        word if entry.inflects && !(at > 0 && is_participle(word)) => Take::Word(vocabulary.inflected(word)),
        word => Take::Word(vocabulary.fixed(word)),
    };
    let before = at.checked_sub(1).map(|before| body[before].word.as_str());
    let may_be_described = matches!(take, Take::Word(_)) && token.joint == Joint::Space;
    Step {
        take,
        comma: token.joint == Joint::Comma,
        adjective: may_be_described && before.is_some_and(|before| adjective_may_follow(before, entry.kind)),
        noun: before.is_some_and(is_determiner) && !is_participle(&token.word),
    }
}

fn is_placeholder(word: &str) -> bool {
    matches!(word, "sb" | "sth" | "one's" | "sb's" | "oneself")
}

/// Position of the last word that is no open object: "look after sb" ends at "after", "look forward to doing sth" at "to".
fn last_of_its_own(all: &[Token], first: usize) -> usize {
    let mut last = all.len() - 1;
    let open = |word: &str| matches!(word, "sb" | "sth");
    while last > first && open(&all[last].word) {
        last -= 1;
        if last > first && matches!(all[last].word.as_str(), "do" | "doing") {
            last -= 1;
        }
    }
    last
}

/// "be used to" is not said in "be using to": behind the head a participle keeps its form.
fn is_participle(word: &str) -> bool {
    word.ends_with("ed") || word.ends_with("ing")
}

/// "take a good look", "keep a close eye on": what is fixed in idioms with other determiners stays fixed.
fn adjective_may_follow(word: &str, kind: ExpressionKind) -> bool {
    match kind {
        ExpressionKind::Collocation => is_determiner(word) || is_possessive(word),
        ExpressionKind::Idiom => word == "a",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::lexicon::parse;

    fn pattern(expression: &str, kind: &str) -> Option<Pattern> {
        let entry = parse(&format!("{expression}\t{kind}\tB1\tto do it\tother")).unwrap().remove(0);
        Pattern::new(&entry, &mut Vocabulary::default())
    }

    fn steps(expression: &str, kind: &str) -> String {
        let pattern = pattern(expression, kind).unwrap();
        let mark = |step: &Step| match step.take {
            Take::Word(_) => 'w',
            Take::Object { optional: true } => '?',
            Take::Object { optional: false } => 'o',
            Take::Possessive => 'p',
            Take::Reflexive => 'r',
        };
        pattern.steps.iter().map(mark).collect()
    }

    #[test]
    fn placeholders_within_are_steps_and_those_at_the_ends_are_open() {
        let (phrasal, idiom) = ("phrasal_verb", "idiom");
        assert_eq!(steps("give sth up", phrasal), "w?w");
        assert_eq!(steps("look after sb", phrasal), "ww");
        assert_eq!(steps("look forward to doing sth", phrasal), "www");
        assert_eq!(steps("pull sb's leg", idiom), "wpw");
        assert_eq!(steps("give sb a hand", idiom), "woww");
        assert_eq!(steps("make a fool of oneself", idiom), "wwwwr");
    }

    #[test]
    fn a_particle_before_somebody_s_thing_may_stand_behind_it() {
        let parted = |expression: &str| {
            let entry = parse(&format!("{expression}\tidiom\tB1\tto do it\tother")).unwrap().remove(0);
            Pattern::parted(&entry, &mut Vocabulary::default()).map(|pattern| pattern.steps.len())
        };
        assert_eq!(parted("make up one's mind"), Some(4));
        assert_eq!(["keep one's word", "get in the way", "up one's sleeve"].map(parted), [None; 3]);
    }

    #[test]
    fn an_expression_of_placeholders_alone_has_no_pattern() {
        assert!(pattern("sb sth", "idiom").is_none());
        assert!(pattern("...", "idiom").is_none());
    }
}
