//! What may stand where an expression leaves room for an object.

use super::{
    token::{Joint, Token},
    words::{
        ends_object, is_determiner, is_function, is_object_pronoun, is_particle, is_place, is_possessive,
        is_preposition_too, is_reflexive, mostly_preposition,
    },
};

/// Most words of an object; clitics are not counted.
const MOST_WORDS: usize = 3;

/// The ends of the objects that may begin at `start`, the shortest first. Empty where none may.
pub(super) fn objects(tokens: &[Token], start: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut count = 0;
    // The "'s" of "let's" is no object that an expression leaves room for.
    let Some(first) = tokens.get(start).filter(|first| first.joint != Joint::Clitic) else { return ends };
    for (at, token) in tokens.iter().enumerate().skip(start) {
        if token.joint >= Joint::Comma || !may_stand_in_object(&token.word) {
            break;
        }
        if token.joint != Joint::Clitic {
            count += 1;
        }
        if count > MOST_WORDS || (count > 1 && !may_be_long(tokens, start, at)) {
            break;
        }
        let determiner_alone = count == 1 && is_determiner(&first.word) && !is_object_pronoun(&first.word);
        let stands_alone = !matches!(first.word.as_str(), "some" | "any" | "another" | "all" | "both" | "more");
        if !(determiner_alone && stands_alone) {
            ends.push(at + 1);
        }
    }
    ends
}

/// Whether the object from `start` may reach `at`: a pronoun takes nothing but "all" or "both", and a noun that other
/// words belong to is opened by a determiner or is a name.
fn may_be_long(tokens: &[Token], start: usize, at: usize) -> bool {
    let (first, last) = (&tokens[start], &tokens[at]);
    let opened_by_name = first.capital && (last.capital || last.joint == Joint::Clitic);
    let possessive = tokens[start..=at].iter().any(|token| token.joint == Joint::Clitic && token.word == "'s");
    if matches!(first.word.as_str(), "it" | "him" | "them" | "me" | "us" | "you") {
        return at == start + 1 && matches!(last.word.as_str(), "all" | "both" | "guys" | "two");
    }
    is_determiner(&first.word) || opened_by_name || possessive
}

fn may_stand_in_object(word: &str) -> bool {
    let closed = is_function(word) && !is_determiner(word) && !is_object_pronoun(word) && word != "one";
    !closed && !ends_object(word) && !is_particle(word) && word != "'d"
}

/// The ends of the possessives that may begin at `start`, the shortest first: "my", "Tom's", "the old man's", "his
/// father's".
pub(super) fn possessives(tokens: &[Token], start: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    for (at, token) in tokens.iter().enumerate().skip(start).take(MOST_WORDS + 1) {
        if token.joint >= Joint::Comma || !may_stand_in_object(&token.word) {
            break;
        }
        let pronoun = at == start && is_possessive(&token.word);
        let name = at > start && token.joint == Joint::Clitic && token.word == "'s";
        if pronoun || name {
            ends.push(at + 1);
        }
    }
    ends
}

/// Whether the particle before `next` stands alone, rather than opening a place: "put it on" and not "put it on the table".
pub(super) fn particle_stands_alone(particle: &str, behind: &[Token]) -> bool {
    let Some(next) = behind.first().filter(|next| next.joint < Joint::Comma) else { return true };
    let time = |token: &Token| matches!(token.word.as_str(), "second" | "sec" | "minute" | "moment" | "bit" | "while");
    // "hold on a second"
    if behind.get(1).is_some_and(time) {
        return true;
    }
    let opens_noun = is_determiner(&next.word) && !matches!(next.word.as_str(), "all" | "this" | "that");
    if points_somewhere(particle, &next.word) {
        return false;
    }
    if mostly_preposition(particle) {
        let object = (is_object_pronoun(&next.word) && next.word != "you") || is_reflexive(&next.word);
        let adverb_or_gerund = next.word.ends_with("ly") || next.word.ends_with("ing");
        let goes_on = is_function(&next.word) || adverb_or_gerund || ends_object(&next.word);
        return goes_on && !opens_noun && !object;
    }
    !opens_noun
}

/// "come up here", "do it over there": said of a place.
fn points_somewhere(particle: &str, next: &str) -> bool {
    matches!(particle, "up" | "down" | "over" | "in" | "out") && matches!(next, "here" | "there")
}

/// "down the street", "into their old house": the way somebody goes or looks, rather than a part of the expression.
pub(super) fn leads_to_place(particle: &str, behind: &[Token]) -> bool {
    let way = matches!(particle, "up" | "down" | "into" | "over" | "around" | "across" | "along" | "through" | "by");
    let near = |token: &&Token| token.joint < Joint::Comma;
    let noun = behind.iter().skip(1).take(2).take_while(near).find(|token| is_place(&token.word));
    way && behind.first().is_some_and(|next| near(&next) && is_determiner(&next.word)) && noun.is_some()
}

/// Whether an object may stand behind the preposition: "go over the plan", but not "go over there" or "go over to him".
pub(super) fn object_may_follow(preposition: &str, next: Option<&Token>) -> bool {
    let elsewhere =
        next.is_some_and(|next| next.joint < Joint::Comma && matches!(next.word.as_str(), "here" | "there" | "to"));
    !(elsewhere && is_preposition_too(preposition))
}
