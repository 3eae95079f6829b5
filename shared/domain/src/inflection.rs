//! English words brought to one form, so that "gave it up" and "give up" are the same expression.

/// Forms that no suffix rule reaches, with their dictionary form.
const IRREGULAR: &[(&str, &str)] = &[
    ("'m", "be"),
    ("'re", "be"),
    ("'s", "be"),
    ("agreed", "agree"),
    ("am", "be"),
    ("are", "be"),
    ("ate", "eat"),
    ("beaten", "beat"),
    ("became", "become"),
    ("been", "be"),
    ("began", "begin"),
    ("begun", "begin"),
    ("being", "be"),
    ("bent", "bend"),
    ("bit", "bite"),
    ("bitten", "bite"),
    ("bled", "bleed"),
    ("blew", "blow"),
    ("blown", "blow"),
    ("bought", "buy"),
    ("bred", "breed"),
    ("broke", "break"),
    ("broken", "break"),
    ("brought", "bring"),
    ("built", "build"),
    ("burnt", "burn"),
    ("came", "come"),
    ("caught", "catch"),
    ("children", "child"),
    ("chose", "choose"),
    ("chosen", "choose"),
    ("clung", "cling"),
    ("coming", "come"),
    ("could", "can"),
    ("crept", "creep"),
    ("dealt", "deal"),
    ("did", "do"),
    ("does", "do"),
    ("doing", "do"),
    ("done", "do"),
    ("dove", "dive"),
    ("drank", "drink"),
    ("drawn", "draw"),
    ("dreamt", "dream"),
    ("drew", "draw"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("drunk", "drink"),
    ("dug", "dig"),
    ("dying", "die"),
    ("eaten", "eat"),
    ("fallen", "fall"),
    ("fed", "feed"),
    ("feet", "foot"),
    ("fell", "fall"),
    ("felt", "feel"),
    ("fled", "flee"),
    ("flew", "fly"),
    ("flown", "fly"),
    ("flung", "fling"),
    ("forgave", "forgive"),
    ("forgiven", "forgive"),
    ("forgot", "forget"),
    ("forgotten", "forget"),
    ("fought", "fight"),
    ("found", "find"),
    ("freed", "free"),
    ("froze", "freeze"),
    ("frozen", "freeze"),
    ("gave", "give"),
    ("given", "give"),
    ("goes", "go"),
    ("gone", "go"),
    ("got", "get"),
    ("gotten", "get"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("guaranteed", "guarantee"),
    ("had", "have"),
    ("has", "have"),
    ("having", "have"),
    ("heard", "hear"),
    ("held", "hold"),
    ("hid", "hide"),
    ("hidden", "hide"),
    ("hung", "hang"),
    ("is", "be"),
    ("kept", "keep"),
    ("knelt", "kneel"),
    ("knew", "know"),
    ("known", "know"),
    ("laid", "lay"),
    ("leapt", "leap"),
    ("learnt", "learn"),
    ("led", "lead"),
    ("left", "leave"),
    ("lent", "lend"),
    ("lit", "light"),
    ("lives", "life"),
    ("lost", "lose"),
    ("lying", "lie"),
    ("made", "make"),
    ("meant", "mean"),
    ("men", "man"),
    ("met", "meet"),
    ("mistook", "mistake"),
    ("paid", "pay"),
    ("ran", "run"),
    ("rang", "ring"),
    ("ridden", "ride"),
    ("risen", "rise"),
    ("rode", "ride"),
    ("rose", "rise"),
    ("rung", "ring"),
    ("said", "say"),
    ("sang", "sing"),
    ("sank", "sink"),
    ("sat", "sit"),
    ("saw", "see"),
    ("seen", "see"),
    ("sent", "send"),
    ("shaken", "shake"),
    ("shone", "shine"),
    ("shook", "shake"),
    ("shot", "shoot"),
    ("showed", "show"),
    ("shown", "show"),
    ("shrank", "shrink"),
    ("shrunk", "shrink"),
    ("slept", "sleep"),
    ("slid", "slide"),
    ("snuck", "sneak"),
    ("sold", "sell"),
    ("sought", "seek"),
    ("sped", "speed"),
    ("spent", "spend"),
    ("spoke", "speak"),
    ("spoken", "speak"),
    ("sprang", "spring"),
    ("spun", "spin"),
    ("stank", "stink"),
    ("stole", "steal"),
    ("stolen", "steal"),
    ("stood", "stand"),
    ("struck", "strike"),
    ("stuck", "stick"),
    ("stung", "sting"),
    ("stunk", "stink"),
    ("sung", "sing"),
    ("sunk", "sink"),
    ("swam", "swim"),
    ("swept", "sweep"),
    ("swore", "swear"),
    ("sworn", "swear"),
    ("swung", "swing"),
    ("taken", "take"),
    ("taught", "teach"),
    ("teeth", "tooth"),
    ("thought", "think"),
    ("threw", "throw"),
    ("thrown", "throw"),
    ("told", "tell"),
    ("took", "take"),
    ("tore", "tear"),
    ("torn", "tear"),
    ("tying", "tie"),
    ("understood", "understand"),
    ("was", "be"),
    ("went", "go"),
    ("wept", "weep"),
    ("were", "be"),
    ("withdrew", "withdraw"),
    ("woke", "wake"),
    ("woken", "wake"),
    ("women", "woman"),
    ("won", "win"),
    ("wore", "wear"),
    ("worn", "wear"),
    ("wound", "wind"),
    ("written", "write"),
    ("wrote", "write"),
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
const PLACEHOLDERS: [&str; 29] = [
    "someone",
    "somebody",
    "something",
    "someone's",
    "somebody's",
    "sb",
    "sb's",
    "sth",
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
            ("agreed", "agree"),
            ("dealt", "deal"),
            ("sank", "sink"),
            ("snuck", "sneak"),
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
        assert_eq!(expression_key("give sth up"), expression_key("give up"));
        assert_ne!(expression_key("give up"), expression_key("give in"));
        assert_ne!(expression_key("look up to sb"), expression_key("look up"));
    }
}
