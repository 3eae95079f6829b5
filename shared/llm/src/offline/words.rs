//! The closed classes of English words.

/// Words of the closed classes. They have no inflection, and suffix rules must not make one of them look like a verb:
/// "us" is no form of "use".
pub(super) fn is_function(word: &str) -> bool {
    is_determiner(word)
        || is_object_pronoun(word)
        || is_particle(word)
        || is_reflexive(word)
        || CLOSED.binary_search(&word).is_ok()
}

/// In alphabetical order.
const CLOSED: [&str; 74] = [
    "above", "after", "again", "against", "ago", "although", "among", "and", "as", "at", "because", "before", "behind",
    "below", "between", "beyond", "but", "during", "else", "ever", "few", "for", "from", "he", "here", "how", "i",
    "if", "into", "just", "least", "less", "like", "may", "might", "most", "much", "must", "near", "never", "nor",
    "not", "now", "of", "one", "onto", "or", "she", "should", "since", "so", "than", "then", "there", "they", "though",
    "to", "too", "toward", "towards", "under", "until", "upon", "very", "we", "when", "where", "who", "why", "will",
    "with", "within", "without", "would",
];

/// Words that open a noun phrase.
pub(super) fn is_determiner(word: &str) -> bool {
    is_possessive(word)
        || matches!(
            word,
            "a" | "the" | "this" | "that" | "these" | "those" | "some" | "any" | "no" | "every" | "each" | "another"
        )
        || matches!(word, "all" | "both" | "two" | "three" | "many" | "more" | "what" | "which")
}

/// Possessive pronouns that stand before a noun.
pub(super) fn is_possessive(word: &str) -> bool {
    matches!(word, "my" | "your" | "his" | "her" | "its" | "our" | "their" | "one's" | "whose")
}

/// Pronouns that stand alone as an object.
pub(super) fn is_object_pronoun(word: &str) -> bool {
    matches!(word, "it" | "him" | "her" | "them" | "me" | "us" | "you" | "this" | "that" | "these" | "those")
}

/// Reflexive pronouns.
pub(super) fn is_reflexive(word: &str) -> bool {
    matches!(word, "myself" | "yourself" | "himself" | "herself" | "itself")
        || matches!(word, "ourselves" | "yourselves" | "themselves" | "oneself")
}

/// Adverbs and prepositions that make a phrasal verb.
pub(super) fn is_particle(word: &str) -> bool {
    is_preposition_too(word) || matches!(word, "away" | "back" | "out" | "apart" | "together" | "aside" | "forward")
}

/// Particles that are a preposition where a noun follows: "put it on" is dressing, "put it on the table" is not.
pub(super) fn is_preposition_too(word: &str) -> bool {
    mostly_preposition(word)
        || matches!(word, "up" | "down" | "off" | "around" | "along" | "across" | "about" | "round")
}

/// Those of them that are far more often a preposition.
pub(super) fn mostly_preposition(word: &str) -> bool {
    matches!(word, "on" | "in" | "over" | "through" | "by")
}

/// Words that cannot stand inside an object, beside the closed classes: they begin another clause or are adverbs.
pub(super) fn ends_object(word: &str) -> bool {
    matches!(
        word,
        "am" | "is" | "are" | "was" | "were" | "be" | "been" | "do" | "does" | "did" | "have" | "has" | "had" | "can"
    ) || matches!(word, "could" | "shall" | "let" | "go" | "get" | "got" | "come" | "know" | "think" | "want" | "need")
        || matches!(
            word,
            "home" | "soon" | "later" | "always" | "still" | "maybe" | "really" | "even" | "only" | "also"
        )
        || matches!(word, "please" | "yes" | "yeah" | "okay" | "ok" | "oh" | "well" | "today" | "tonight" | "tomorrow")
}

/// Verbs of going and looking, which a way may follow.
pub(super) fn is_motion(verb: &str) -> bool {
    matches!(verb, "bump" | "come" | "drive" | "get" | "go" | "look" | "run" | "turn" | "walk")
}

/// Ways and places, in the singular or as people mostly name them.
pub(super) fn is_place(noun: &str) -> bool {
    PLACES.binary_search(&noun).is_ok()
}

/// In alphabetical order.
const PLACES: [&str; 54] = [
    "airport", "alley", "attic", "avenue", "barn", "basement", "bathroom", "bedroom", "block", "bridge", "building",
    "bus", "car", "church", "city", "corner", "corridor", "door", "driveway", "elevator", "field", "forest", "garage",
    "garden", "gate", "hall", "hallway", "hill", "hospital", "hotel", "house", "kitchen", "ladder", "lobby",
    "mountain", "office", "park", "path", "river", "road", "room", "school", "shop", "stairs", "station", "steps",
    "store", "street", "town", "train", "tunnel", "window", "woods", "yard",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_classes_are_in_order() {
        assert!(CLOSED.is_sorted() && PLACES.is_sorted());
    }
}
