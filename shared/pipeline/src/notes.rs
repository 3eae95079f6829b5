//! What a reader of a manifest must know.

use langflix_domain::{LanguageTag, Transcript};

use crate::{EncodingPlan, EncodingTask, RunRequest};

/// The language that the episode's subtitles are in, where that is surely another one than was asked for.
pub fn speaks_otherwise(asked: &RunRequest) -> Option<&LanguageTag> {
    other(&asked.transcript, &asked.settings.source_language)
}

fn other<'a>(transcript: &'a Transcript, expected: &LanguageTag) -> Option<&'a LanguageTag> {
    let serves = |found: &LanguageTag| found.primary() == expected.primary() || expected.is_served_by(found);
    transcript.language.as_ref().filter(|found| !serves(found))
}

/// What must be known of a result, in whole sentences.
pub(crate) fn notes(asked: &RunRequest, encoding: &EncodingPlan, chunks_ok: u32) -> Vec<String> {
    let mut notes = languages(asked);
    if !asked.settings.model_translates {
        notes.extend(offline(asked));
    }
    if encoding.beyond_end > 0 {
        notes.push(format!(
            "Expressions that are left out because the video ends before they are said: {}.",
            encoding.beyond_end
        ));
    } else if encoding.tasks.is_empty() && chunks_ok > 0 {
        let rejected: usize = encoding.analysed.rejected.values().map(Vec::len).sum();
        notes.push(match rejected {
            0 => "No expression worth learning was found at this level.".to_owned(),
            count => format!("None of the model's expressions passed its check; those that did not: {count}."),
        });
    }
    let tasks = |lacks: fn(&EncodingTask) -> bool| encoding.tasks.iter().filter(|task| lacks(task)).count();
    let untranslated = tasks(|task| task.expression.line_translation.is_none());
    let incomplete = tasks(|task| task.expression.scene_translations.contains(&None));
    if asked.target_transcript.is_some() && untranslated > 0 {
        notes.push(format!("{untranslated} lines have no counterpart in the target subtitles at their time."));
    } else if asked.target_transcript.is_none() && asked.settings.model_translates && incomplete > 0 {
        notes.push(format!("Scenes in which the model left lines without a translation: {incomplete}."));
    }
    let bare = tasks(|task| task.expression.scene_translations.iter().all(Option::is_none));
    if asked.settings.burn.target() && bare > 0 {
        let language = &asked.settings.language;
        notes.push(format!(
            "Clips with no {language} subtitles drawn in, since no line of theirs has a translation: {bare}."
        ));
    }
    notes
}

/// Subtitles that are surely not in the language that they are taken for.
fn languages(asked: &RunRequest) -> Vec<String> {
    let (source, target) = (&asked.settings.source_language, &asked.settings.language);
    let spoken = other(&asked.transcript, source).map(|found| ("subtitles", found, source));
    let translated = asked.target_transcript.as_ref().and_then(|target_cues| other(target_cues, target));
    let translated = translated.map(|found| ("target subtitles", found, target));
    let note = |(which, found, expected)| format!("The {which} seem to be in {found}, not in {expected}.");
    spoken.into_iter().chain(translated).map(note).collect()
}

fn offline(asked: &RunRequest) -> Vec<String> {
    let (what, subtitles) = match &asked.target_transcript {
        Some(_) => ("expressions", ""),
        None => ("expressions and lines", "; a subtitle in the target language gives those of lines"),
    };
    let mut notes = vec![format!(
        "The offline lexicon does not translate: translations of {what} are empty. The providers gemini and openai, which \
         need a key, translate{subtitles}."
    )];
    if asked.settings.source_language.primary() != "en" {
        notes.push("The offline lexicon knows English only.".to_owned());
    }
    notes
}
