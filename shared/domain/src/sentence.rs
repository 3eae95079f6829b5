use crate::{Cue, MediaTime};

/// A silence after which a new sentence begins, whatever the punctuation says.
const NEW_SENTENCE: MediaTime = MediaTime::from_secs(5);

const ABBREVIATIONS: [&str; 8] = ["mr.", "mrs.", "ms.", "dr.", "st.", "vs.", "jr.", "prof."];

/// Whether a sentence ends between two neighbouring cues.
pub(crate) fn ends_between(before: &Cue, after: &Cue) -> bool {
    if after.span.start - before.span.end >= NEW_SENTENCE || before.kind != after.kind {
        return true;
    }
    let text = before.text.trim_end_matches(|c: char| c.is_whitespace() || "\"'”’)]»」』".contains(c));
    if text.ends_with("...") || text.ends_with('…') {
        return !after.text.trim_start_matches(['.', '…', ' ', '-']).starts_with(char::is_lowercase);
    }
    let last_word = text.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    if ABBREVIATIONS.contains(&last_word.as_str()) {
        return false;
    }
    text.ends_with(['.', '!', '?', '。', '！', '？', '؟', '।', '♪']) || has_no_punctuation(before, after)
}

/// Files without any punctuation: a capital letter after a pause is all there is to go by.
fn has_no_punctuation(before: &Cue, after: &Cue) -> bool {
    let bare = |text: &str| !text.contains(['.', '!', '?', ',', '。', '！', '？', '、', '，']);
    bare(&before.text)
        && bare(&after.text)
        && after.span.start - before.span.end >= MediaTime::from_millis(500)
        && after.text.chars().find(|c| c.is_alphabetic()).is_some_and(|c| !c.is_lowercase())
}
