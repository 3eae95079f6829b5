//! What a cue's text is, and who says it. Nothing is deleted but a speaker's name, which moves to its own field.

use langflix_domain::CueKind;

/// What nobody says in a film.
const ADVERTS: [&str; 12] = [
    "opensubtitles",
    "subscene",
    "addic7ed",
    "podnapisi",
    "yts.mx",
    "yify",
    "sync and correct",
    "synced and correct",
    "subtitles by",
    "captioned by",
    "captioning by",
    "advertise your product",
];
/// What may be said, but hardly in the first or last words.
const AT_THE_EDGES: [&str; 6] = ["www.", "http://", "https://", "translated by", "subtitled by", "subtitles:"];

/// The kind of a cue with this plain text; `edge` is true for the first and last cues of a file.
pub(crate) fn kind(text: &str, edge: bool) -> CueKind {
    if holds(text, &ADVERTS) || edge && holds(text, &AT_THE_EDGES) {
        return CueKind::Advert;
    }
    let is_note = |c: char| matches!(c, '♪' | '♫' | '♬' | '♩');
    let trimmed = text.trim();
    // A sharp sign stands for a note in broadcasters' files, at both ends.
    let sharps = trimmed.len() > 2 && trimmed.starts_with('#') && trimmed.ends_with('#');
    if trimmed.starts_with(is_note) || trimmed.ends_with(is_note) || sharps {
        return CueKind::Music;
    }
    if !outside_brackets(text).chars().any(char::is_alphanumeric) {
        return CueKind::Annotation;
    }
    CueKind::Speech
}

/// Whether a word of `text` begins one of `patterns`, in capitals or not. Most words share no beginning with any.
fn holds(text: &str, patterns: &[&str]) -> bool {
    let bytes = text.as_bytes();
    let begins = |at: usize| at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
    (0..bytes.len()).filter(|&at| bytes[at].is_ascii_alphabetic() && begins(at)).any(|at| {
        let rest = &bytes[at..];
        patterns
            .iter()
            .any(|pattern| rest.get(..pattern.len()).is_some_and(|head| head.eq_ignore_ascii_case(pattern.as_bytes())))
    })
}

fn outside_brackets(text: &str) -> String {
    let mut depth = 0u32;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '[' | '(' | '（' | '［' | '【' | '〔' => depth += 1,
            ']' | ')' | '）' | '］' | '】' | '〕' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// Splits `NAME: words` into both parts. A speaker's name is in capitals, so "look: an earring" stays speech.
pub(crate) fn speaker(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    // Two labelled lines are two speakers: then the labels stay where they are.
    if rest.lines().skip(1).any(|line| speaker(line).is_some()) {
        return None;
    }
    let name = name.trim_start_matches(['-', '–', ' ']);
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let fits = (2..=30).contains(&name.chars().count()) && letters >= 2;
    let capitals =
        name.chars().all(|c| c.is_uppercase() || matches!(c, ' ' | '.' | '\'' | '-' | '#') || c.is_ascii_digit());
    (fits && capitals && !rest.trim().is_empty() && rest.starts_with([' ', '\n'])).then(|| (name.trim(), rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_told_apart_by_what_they_say() {
        for (text, expected) in [
            ("[door slams]", CueKind::Annotation),
            ("（拍手）", CueKind::Annotation),
            ("［拍手］ 【笑】", CueKind::Annotation),
            ("...", CueKind::Annotation),
            ("♪ la la", CueKind::Music),
            ("la la ♪", CueKind::Music),
            ("# la la #", CueKind::Music),
            ("(sighs) I give up.", CueKind::Speech),
            ("You're number 1 (one)", CueKind::Speech),
            ("Subtitles by somebody", CueKind::Advert),
            ("-= www.OpenSubtitles.org =-", CueKind::Advert),
            ("Go to https://example.org and look", CueKind::Speech),
        ] {
            assert_eq!(kind(text, false), expected, "{text}");
        }
        assert_eq!(kind("Go to https://example.org and look", true), CueKind::Advert);
    }

    #[test]
    fn only_a_name_in_capitals_is_a_speaker() {
        assert_eq!(speaker("MIKE: Give it up."), Some(("MIKE", "Give it up.")));
        assert_eq!(speaker("look: an earring"), None);
        assert_eq!(speaker("AT 10:30 we go"), None);
        assert_eq!(speaker("- MIKE: Hello.\n- ANNA: Hi."), None);
        assert_eq!(speaker("DR. O'NEIL:\nSit down."), Some(("DR. O'NEIL", "Sit down.")));
    }
}
