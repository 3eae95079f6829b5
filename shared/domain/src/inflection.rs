//! English words brought to one form, so that "gave it up" and "give up" are the same expression.

/// Forms that no suffix rule reaches, with their dictionary form.
const IRREGULAR: &[(&str, &str)] = &[
    ("am", "be"),
    ("are", "be"),
    ("is", "be"),
    ("was", "be"),
    ("were", "be"),
    ("been", "be"),
    ("being", "be"),
    ("became", "become"),
    ("began", "begin"),
    ("begun", "begin"),
    ("bent", "bend"),
    ("bit", "bite"),
    ("bitten", "bite"),
    ("blew", "blow"),
    ("blown", "blow"),
    ("bought", "buy"),
    ("broke", "break"),
    ("broken", "break"),
    ("brought", "bring"),
    ("built", "build"),
    ("burnt", "burn"),
    ("came", "come"),
    ("coming", "come"),
    ("caught", "catch"),
    ("chose", "choose"),
    ("chosen", "choose"),
    ("did", "do"),
    ("does", "do"),
    ("done", "do"),
    ("doing", "do"),
    ("drawn", "draw"),
    ("drew", "draw"),
    ("drank", "drink"),
    ("drunk", "drink"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("dug", "dig"),
    ("ate", "eat"),
    ("eaten", "eat"),
    ("fell", "fall"),
    ("fallen", "fall"),
    ("fed", "feed"),
    ("felt", "feel"),
    ("fought", "fight"),
    ("found", "find"),
    ("flew", "fly"),
    ("flown", "fly"),
    ("forgot", "forget"),
    ("forgotten", "forget"),
    ("froze", "freeze"),
    ("frozen", "freeze"),
    ("gave", "give"),
    ("given", "give"),
    ("got", "get"),
    ("gotten", "get"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("had", "have"),
    ("has", "have"),
    ("heard", "hear"),
    ("held", "hold"),
    ("hid", "hide"),
    ("hidden", "hide"),
    ("hung", "hang"),
    ("kept", "keep"),
    ("knew", "know"),
    ("known", "know"),
    ("laid", "lay"),
    ("led", "lead"),
    ("left", "leave"),
    ("lent", "lend"),
    ("lost", "lose"),
    ("made", "make"),
    ("meant", "mean"),
    ("met", "meet"),
    ("paid", "pay"),
    ("ran", "run"),
    ("rode", "ride"),
    ("ridden", "ride"),
    ("rang", "ring"),
    ("rung", "ring"),
    ("rose", "rise"),
    ("risen", "rise"),
    ("said", "say"),
    ("sat", "sit"),
    ("saw", "see"),
    ("seen", "see"),
    ("sent", "send"),
    ("shaken", "shake"),
    ("shook", "shake"),
    ("shot", "shoot"),
    ("showed", "show"),
    ("shown", "show"),
    ("slept", "sleep"),
    ("sold", "sell"),
    ("spent", "spend"),
    ("spoke", "speak"),
    ("spoken", "speak"),
    ("stole", "steal"),
    ("stolen", "steal"),
    ("stood", "stand"),
    ("stuck", "stick"),
    ("struck", "strike"),
    ("swept", "sweep"),
    ("swore", "swear"),
    ("sworn", "swear"),
    ("taken", "take"),
    ("took", "take"),
    ("taught", "teach"),
    ("thought", "think"),
    ("threw", "throw"),
    ("thrown", "throw"),
    ("told", "tell"),
    ("tore", "tear"),
    ("torn", "tear"),
    ("understood", "understand"),
    ("went", "go"),
    ("gone", "go"),
    ("goes", "go"),
    ("woke", "wake"),
    ("woken", "wake"),
    ("won", "win"),
    ("wore", "wear"),
    ("worn", "wear"),
    ("wrote", "write"),
    ("written", "write"),
    ("wound", "wind"),
    ("feet", "foot"),
    ("teeth", "tooth"),
    ("men", "man"),
    ("women", "woman"),
    ("children", "child"),
    ("lives", "life"),
    ("'s", "be"),
    ("'re", "be"),
    ("'m", "be"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("better", "better"),
];

/// The key under which all forms of an English word meet. It is no dictionary form: only equality counts.
pub fn lemma_key(word: &str) -> String {
    let word = word.to_lowercase().replace('’', "'");
    let word = word.strip_suffix("'s").filter(|stem| !stem.is_empty()).unwrap_or(&word);
    let base = IRREGULAR.iter().find(|(form, _)| *form == word).map_or(word, |(_, base)| *base);
    regular(base)
}

fn regular(word: &str) -> String {
    let cut = |suffix: &str, least: usize| {
        word.strip_suffix(suffix).filter(|stem| stem.chars().count() >= least && has_vowel(stem))
    };
    let stem = cut("ing", 2).or_else(|| cut("ied", 2)).or_else(|| cut("ies", 2)).or_else(|| cut("ed", 2));
    let stem = stem.or_else(|| cut("es", 3)).or_else(|| cut("s", 2).filter(|stem| !stem.ends_with(['s', 'u', 'i'])));
    let stem = stem.unwrap_or(word);
    let stem = undouble(stem);
    // "take" and "tak(ing)", "carry" and "carr(ied)" meet where the last e or y is dropped.
    let trimmed = stem.strip_suffix(['e', 'y', 'i']).filter(|rest| rest.chars().count() >= 2).unwrap_or(stem);
    undouble(trimmed).to_owned()
}

fn has_vowel(stem: &str) -> bool {
    stem.contains(['a', 'e', 'i', 'o', 'u', 'y'])
}

fn undouble(stem: &str) -> &str {
    let mut ends = stem.chars().rev();
    match (ends.next(), ends.next()) {
        (Some(a), Some(b)) if a == b && a.is_ascii_alphabetic() && !"aeiou".contains(a) && stem.len() > 3 => {
            &stem[..stem.len() - 1]
        }
        _ => stem,
    }
}

/// Words that stand for what varies in an expression, or say nothing about which one it is.
const PLACEHOLDERS: [&str; 26] = [
    "someone",
    "somebody",
    "something",
    "someone's",
    "one's",
    "oneself",
    "it",
    "him",
    "her",
    "them",
    "me",
    "us",
    "you",
    "my",
    "your",
    "his",
    "their",
    "our",
    "its",
    "a",
    "an",
    "the",
    "to",
    "this",
    "that",
    "yourself",
];

/// The key under which all forms of an expression meet: its words' keys without articles and placeholders.
pub fn expression_key(expression: &str) -> String {
    let words: Vec<String> = expression
        .split(|c: char| c.is_whitespace() || "-–—/,.!?\"“”()".contains(c))
        .filter(|word| !word.is_empty() && !PLACEHOLDERS.contains(&word.to_lowercase().replace('’', "'").as_str()))
        .map(lemma_key)
        .collect();
    if words.is_empty() { expression.to_lowercase() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_meet() {
        for (a, b) in [
            ("gave", "give"),
            ("giving", "give"),
            ("figured", "figure"),
            ("carried", "carry"),
            ("stopping", "stop"),
            ("calls", "call"),
            ("calling", "call"),
            ("passes", "pass"),
            ("tries", "try"),
            ("kicked", "kick"),
            ("running", "run"),
            ("hitting", "hit"),
            ("makes", "make"),
        ] {
            assert_eq!(lemma_key(a), lemma_key(b), "{a} {b}");
        }
        for (a, b) in [("think", "thing"), ("string", "strike"), ("need", "new"), ("his", "hi")] {
            assert_ne!(lemma_key(a), lemma_key(b), "{a} {b}");
        }
    }

    #[test]
    fn expressions_meet_whatever_fills_their_slots() {
        assert_eq!(expression_key("gave it up"), expression_key("give up"));
        assert_eq!(expression_key("change one's mind"), expression_key("changed my mind"));
        assert_ne!(expression_key("give up"), expression_key("give in"));
    }
}
