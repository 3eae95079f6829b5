use std::io;

use langflix_domain::{ExpressionKind, Level};

use super::{Pos, files::DataFile, record::Record};
use crate::offline::{
    lexicon::{Entry, Source},
    words::{is_function, is_particle},
};

/// Longest expression, in bytes.
const LONGEST: usize = 40;
/// Longest meaning, in bytes: longer ones are encyclopaedic.
const LONGEST_MEANING: usize = 160;
/// Fields of meaning whose nouns are said in dialogue: acts, attributes, thoughts, talk, events, feelings, states. The
/// others hold animals, plants, substances, places and the like.
const NOUN_FIELDS: [u8; 7] = [4, 7, 9, 10, 11, 12, 26];
/// Verbs so common that with a particle they are mostly meant literally; the lexicon holds those that are not.
const COMMON_VERBS: [&str; 24] = [
    "be", "bring", "come", "do", "get", "give", "go", "have", "keep", "look", "make", "put", "run", "say", "see",
    "send", "sit", "take", "talk", "think", "use", "walk", "work", "write",
];
/// Particles that may stand behind the object. Others are taken for prepositions where an object follows.
const SEPARATING: [&str; 9] = ["up", "out", "off", "down", "away", "back", "apart", "together", "aside"];
/// Words that open an adverb of degree or number: "a lot", "some other", "very well".
const DEGREES: [&str; 11] = ["a", "all", "any", "less", "little", "more", "most", "no", "some", "too", "very"];
/// What a gloss says of words that no teacher wants.
const RUDE: [&str; 9] =
    ["offensive", "slur", "obscene", "vulgar", "derogatory", "disparag", "copulat", "sexual", "intercourse"];

/// What the index says of a lemma.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Indexed {
    lemma: String,
    /// How many of its senses were met in WordNet's sample of running text.
    tagged: u32,
    /// Where its most frequent sense stands.
    pub(super) offset: u64,
}

/// Reads a line of an index file; `None` where it is no lemma of several words.
pub(super) fn index_line(line: &str) -> Option<Indexed> {
    let mut fields = line.split_ascii_whitespace();
    let lemma = fields.next().filter(|lemma| lemma.contains('_') && !line.starts_with(' '))?;
    let pointers: usize = fields.nth(2)?.parse().ok()?;
    let tagged = fields.nth(pointers.checked_add(1)?)?.parse().ok()?;
    let offset = fields.next()?.parse().ok()?;
    Some(Indexed { lemma: lemma.to_owned(), tagged, offset })
}

/// Whether the lemma may be an expression to teach; its meaning is looked at afterwards.
pub(super) fn plausible(indexed: &Indexed, pos: Pos) -> bool {
    let words: Vec<&str> = indexed.lemma.split('_').collect();
    let spelled = indexed.lemma.bytes().all(|b| b.is_ascii_lowercase() || b"_'".contains(&b));
    let (Some((head, rest)), Some(last)) = (words.split_first(), words.last()) else { return false };
    let content = words.iter().any(|word| !is_function(word) && word.len() > 1);
    let said = match pos {
        Pos::Verb => plausible_verb(head, rest),
        Pos::Noun => indexed.tagged > 0,
        Pos::Adjective | Pos::Adverb => !DEGREES.contains(head) && !is_function(last),
    };
    spelled && content && said && words.len() <= 5 && indexed.lemma.len() <= LONGEST
}

/// "freeze out", "level with" no, "crack down on", "take heart", "do it" no.
fn plausible_verb(head: &str, rest: &[&str]) -> bool {
    let adverb = |word: &&str| SEPARATING.contains(word) || matches!(*word, "around" | "along" | "through" | "over");
    match rest {
        [particle] if is_function(particle) => adverb(particle) && !COMMON_VERBS.contains(&head),
        [_] => !matches!(head, "be" | "have"),
        [particle, ..] => adverb(particle) || rest.iter().any(|word| !is_function(word)),
        [] => false,
    }
}

/// The entry of a lemma in its most frequent sense; `None` where nothing near in meaning is known, or it is not worth it.
pub(super) fn to_entry(indexed: &Indexed, record: &Record, pos: Pos, data: &mut DataFile) -> io::Result<Option<Entry>> {
    // The index is in lower case throughout: a name shows in the record only.
    let Some(number) = record.words.iter().position(|word| *word == indexed.lemma) else { return Ok(None) };
    let field = pos != Pos::Noun || NOUN_FIELDS.contains(&record.field);
    let rude = RUDE.iter().any(|word| record.gloss.contains(word));
    if !field || rude || record.gloss.len() < 4 || record.gloss.len() > LONGEST_MEANING {
        return Ok(None);
    }
    let kind = kind(&indexed.lemma, pos);
    let transitive = |frame: u8| record.frames.iter().any(|&(f, w)| f == frame && (w == 0 || w as usize == number + 1));
    let object = match (transitive(8) || transitive(11), transitive(9) || transitive(10)) {
        (true, _) => Some("sth"),
        (false, true) => Some("sb"),
        (false, false) => None,
    };
    if object.is_some() && reads_as_preposition(&indexed.lemma, kind) {
        return Ok(None);
    }
    let similar = similar(indexed, record, data)?;
    Ok((!similar.is_empty()).then(|| Entry {
        expression: dictionary_form(&indexed.lemma, kind, object).into(),
        kind,
        level: level(indexed, kind),
        meaning: record.gloss.as_str().into(),
        similar: similar.into_iter().map(Into::into).collect(),
        inflects: pos == Pos::Verb,
        source: Source::WordNet,
    }))
}

/// Other words of the synset; those of the synsets above or near it where it has no other.
fn similar(indexed: &Indexed, record: &Record, data: &mut DataFile) -> io::Result<Vec<String>> {
    let usable = |word: &&String| **word != indexed.lemma && word.len() <= LONGEST && word.is_ascii();
    let readable = |word: &String| word.replace('_', " ");
    let own: Vec<String> = record.words.iter().filter(usable).take(3).map(readable).collect();
    if !own.is_empty() {
        return Ok(own);
    }
    let mut near = Vec::new();
    for &offset in record.related.iter().take(3) {
        let related = data.record(offset)?;
        near.extend(related.iter().flat_map(|record| &record.words).filter(usable).take(2).map(readable));
    }
    near.truncate(2);
    Ok(near)
}

fn kind(lemma: &str, pos: Pos) -> ExpressionKind {
    let with_particle = lemma.split('_').skip(1).any(is_particle);
    if pos == Pos::Verb && with_particle && lemma.split('_').count() <= 3 {
        ExpressionKind::PhrasalVerb
    } else {
        ExpressionKind::Collocation
    }
}

/// WordNet knows no levels: what its sample of running text holds is taken for B2, all else and what is longer for C1.
fn level(indexed: &Indexed, kind: ExpressionKind) -> Level {
    let words = indexed.lemma.split('_').count();
    match (indexed.tagged > 0, kind) {
        (true, _) if words <= 3 => Level::B2,
        (false, ExpressionKind::Collocation) if words > 3 => Level::C2,
        _ => Level::C1,
    }
}

/// "walk over sth": whether over is meant as a place or with the verb cannot be told from the words.
fn reads_as_preposition(lemma: &str, kind: ExpressionKind) -> bool {
    let mut words = lemma.split('_');
    let (last, count) = (words.next_back().unwrap_or_default(), words.count() + 1);
    kind == ExpressionKind::PhrasalVerb && count == 2 && !SEPARATING.contains(&last)
}

/// The lemma with its object's place: "call sth off". A preposition at the end shows by itself that an object follows.
fn dictionary_form(lemma: &str, kind: ExpressionKind, object: Option<&str>) -> String {
    match (lemma.split_once('_'), object) {
        (Some((verb, particle)), Some(object)) if kind == ExpressionKind::PhrasalVerb => {
            if SEPARATING.contains(&particle) {
                format!("{verb} {object} {particle}")
            } else {
                format!("{} {object}", lemma.replace('_', " "))
            }
        }
        _ => lemma.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_an_index_file_is_read() {
        let line = "give_up v 12 3 @ ~ $ 12 7 02303349 02227759  ";
        let expected = Indexed { lemma: "give_up".to_owned(), tagged: 7, offset: 2_303_349 };
        assert_eq!(index_line(line), Some(expected));
        for other in ["  1 This is the licence_text", "give v 1 0 1 0 00000001", "give_up v 1 9 @", ""] {
            assert_eq!(index_line(other), None, "{other}");
        }
    }

    #[test]
    fn names_numbers_and_words_without_content_are_not_taken() {
        let of = |lemma: &str| Indexed { lemma: lemma.to_owned(), tagged: 1, offset: 0 };
        for lemma in ["a_few", "a_lot", "at_all", "equal_to", "24_7", "u.s._army", "one_and_then_two_and_three"] {
            assert!(!plausible(&of(lemma), Pos::Adverb), "{lemma}");
        }
    }

    #[test]
    fn verbs_that_are_mostly_meant_literally_are_not_taken() {
        let of = |lemma: &str| Indexed { lemma: lemma.to_owned(), tagged: 1, offset: 0 };
        for lemma in ["go_to", "put_in", "do_it", "write_up", "be_given", "sign_in", "have-to_doe_with"] {
            assert!(!plausible(&of(lemma), Pos::Verb), "{lemma}");
        }
        for lemma in ["take_heart", "speed_up", "crack_down_on", "fall_into_place", "freeze_out"] {
            assert!(plausible(&of(lemma), Pos::Verb), "{lemma}");
        }
    }

    #[test]
    fn the_object_stands_where_it_may() {
        let phrasal = ExpressionKind::PhrasalVerb;
        assert_eq!(dictionary_form("call_off", phrasal, Some("sth")), "call sth off");
        assert_eq!(dictionary_form("crack_down_on", phrasal, Some("sth")), "crack down on sth");
        assert_eq!(dictionary_form("show_up", phrasal, None), "show up");
    }
}
