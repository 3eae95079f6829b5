//! What a cue's text is, and who says it. Nothing is deleted but a speaker's name, which moves to its own field.

use langflix_domain::CueKind;

const ADVERTS: [&str; 9] = [
    "opensubtitles",
    "www.",
    "http://",
    "https://",
    "subtitles by",
    "sync and corrected",
    "subscene",
    "advertise your product",
    "captioned by",
];

/// The kind of a cue with this plain text.
pub(crate) fn kind(text: &str) -> CueKind {
    let lower = text.to_lowercase();
    if ADVERTS.iter().any(|advert| lower.contains(advert)) {
        return CueKind::Advert;
    }
    let is_note = |c: char| matches!(c, '♪' | '♫' | '♬');
    if text.trim().starts_with(is_note) || text.trim().ends_with(is_note) {
        return CueKind::Music;
    }
    if !outside_brackets(text).chars().any(char::is_alphanumeric) {
        return CueKind::Annotation;
    }
    CueKind::Speech
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
        assert_eq!(kind("[door slams]"), CueKind::Annotation);
        assert_eq!(kind("（拍手）"), CueKind::Annotation);
        assert_eq!(kind("♪ la la"), CueKind::Music);
        assert_eq!(kind("(sighs) I give up."), CueKind::Speech);
        assert_eq!(kind("Subtitles by somebody"), CueKind::Advert);
    }

    #[test]
    fn only_a_name_in_capitals_is_a_speaker() {
        assert_eq!(speaker("MIKE: Give it up."), Some(("MIKE", "Give it up.")));
        assert_eq!(speaker("look: an earring"), None);
        assert_eq!(speaker("AT 10:30 we go"), None);
    }
}
