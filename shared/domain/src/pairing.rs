//! Which subtitle file belongs to which video.

mod error;
mod label;

use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use crate::{
    LanguageTag, is_subtitle, is_video, name_of,
    naming::{name_in_file, stem},
};
pub use error::PairError;
pub(crate) use error::shown;
use label::Label;

/// Which subtitles are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The language spoken; English where it is not given.
    pub source_language: Option<LanguageTag>,
    /// The learner's language.
    pub target_language: LanguageTag,
    /// What stands behind the video's stem in the name of the target-language file, such as `.ko`.
    pub target_suffix: Option<String>,
    /// Whether a target-language file is looked for.
    pub want_target: bool,
}

/// The subtitle files of a video, by the paths that the listing gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// In the language spoken; `None` where no file is.
    pub subtitles: Option<PathBuf>,
    /// In the learner's language; `None` where no file is or none was wanted.
    pub target: Option<PathBuf>,
    /// The video's other subtitle files: other languages, forced lines, commentaries.
    pub passed_over: Vec<PathBuf>,
}

/// A subtitle file of the video.
struct SubtitleFile<'a> {
    path: &'a PathBuf,
    /// Whether its name begins with the video's, rather than naming the same episode.
    same_stem: bool,
    label: Label,
}

/// Finds the subtitles of `video` among `siblings`, the files of its folder and, with their relative paths, of folders
/// such as `Subs` in it.
///
/// A file of the video's stem goes before one that names the same episode otherwise, one labelled with the language
/// before one without a label. Files of forced lines, of signs and with several languages are never taken.
///
/// # Errors
///
/// Where several files serve equally well, where none has the target suffix given, and where one file would be both.
pub fn pair(video: &Path, siblings: &[PathBuf], wanted: &Wanted) -> Result<Paired, PairError> {
    let files = files_of(video, siblings);
    let target = if wanted.want_target { target(video, siblings, &files, wanted)? } else { None };
    let subtitles = source(&files, wanted, target)
        .map_err(|candidates| PairError::AmbiguousSubtitles { video: video.to_owned(), candidates })?;
    if let (Some(file), true) = (target, target == subtitles) {
        let language = wanted.target_language.clone();
        return Err(PairError::SameFile { video: video.to_owned(), language, file: file.clone() });
    }
    let rest = files.iter().map(|file| file.path).filter(|path| Some(*path) != subtitles && Some(*path) != target);
    Ok(Paired { subtitles: subtitles.cloned(), target: target.cloned(), passed_over: rest.cloned().collect() })
}

fn source<'a>(
    files: &[SubtitleFile<'a>],
    wanted: &Wanted,
    target: Option<&PathBuf>,
) -> Result<Option<&'a PathBuf>, Vec<PathBuf>> {
    let english = || LanguageTag::from_label("en");
    let Some(language) = wanted.source_language.clone().or_else(english) else { return Ok(None) };
    let unlabelled =
        |file: &&SubtitleFile<'_>| file.label.languages.is_empty() && !file.label.partial && Some(file.path) != target;
    for same_stem in [true, false] {
        let tier = || files.iter().filter(move |file| file.same_stem == same_stem);
        let chosen = only(tier().filter(|file| speaks_exactly(file, &language)))?
            .map_or_else(|| only(tier().filter(|file| speaks(file, &language))), |path| Ok(Some(path)))?
            .map_or_else(|| only(tier().filter(unlabelled)), |path| Ok(Some(path)))?;
        if chosen.is_some() {
            return Ok(chosen);
        }
    }
    Ok(None)
}

fn target<'a>(
    video: &Path,
    siblings: &'a [PathBuf],
    files: &[SubtitleFile<'a>],
    wanted: &Wanted,
) -> Result<Option<&'a PathBuf>, PairError> {
    let language = &wanted.target_language;
    let ambiguous =
        |candidates| PairError::AmbiguousTarget { video: video.to_owned(), language: language.clone(), candidates };
    let Some(suffix) = &wanted.target_suffix else {
        for same_stem in [true, false] {
            let tier = || files.iter().filter(move |file| file.same_stem == same_stem);
            let exact = only(tier().filter(|file| speaks_exactly(file, language))).map_err(ambiguous)?;
            let chosen = match exact {
                Some(path) => Some(path),
                None => only(tier().filter(|file| speaks(file, language))).map_err(ambiguous)?,
            };
            if chosen.is_some() {
                return Ok(chosen);
            }
        }
        return Ok(None);
    };
    let dot = if suffix.starts_with(char::is_alphanumeric) { "." } else { "" };
    let ending = key(&format!("{dot}{suffix}"));
    let exact = format!("{}{ending}", key(&stem(video)));
    let same_stem = siblings.iter().filter(|path| is_subtitle(path) && key(&stem(path)) == exact);
    let chosen = one(same_stem.collect()).map_err(ambiguous)?;
    let same_episode = || files.iter().filter(|file| !file.same_stem && key(&stem(file.path)).ends_with(&ending));
    let chosen = match chosen {
        None if !ending.is_empty() => one(same_episode().map(|file| file.path).collect()).map_err(ambiguous)?,
        chosen => chosen,
    };
    let there = || siblings.iter().filter(|path| is_subtitle(path)).cloned().collect();
    let looked_for = || format!("{}{dot}{suffix}.{{srt,vtt,ass,ssa}}", shown(Path::new(&stem(video))));
    chosen.map(Some).ok_or_else(|| PairError::NoTarget {
        video: video.to_owned(),
        looked_for: looked_for(),
        there: there(),
    })
}

fn speaks_exactly(file: &SubtitleFile<'_>, language: &LanguageTag) -> bool {
    matches!(file.label.languages.as_slice(), [only] if only == language) && !file.label.partial
}

fn speaks(file: &SubtitleFile<'_>, language: &LanguageTag) -> bool {
    matches!(file.label.languages.as_slice(), [only] if language.is_served_by(only)) && !file.label.partial
}

fn only<'a: 'b, 'b>(files: impl Iterator<Item = &'b SubtitleFile<'a>>) -> Result<Option<&'a PathBuf>, Vec<PathBuf>> {
    one(files.map(|file| file.path).collect())
}

/// The one path, none, or all of several.
fn one(paths: Vec<&PathBuf>) -> Result<Option<&PathBuf>, Vec<PathBuf>> {
    match paths.as_slice() {
        [] => Ok(None),
        [path] => Ok(Some(path)),
        several => Err(several.iter().map(|path| (*path).clone()).collect()),
    }
}

/// The subtitle files that are this video's, sorted by path.
fn files_of<'a>(video: &Path, siblings: &'a [PathBuf]) -> Vec<SubtitleFile<'a>> {
    let others: Vec<&PathBuf> =
        siblings.iter().filter(|path| is_video(path) && path.file_name() != video.file_name()).collect();
    let alone = others.is_empty() && siblings.iter().any(|path| path.file_name() == video.file_name());
    let mut subtitles: Vec<&PathBuf> = siblings.iter().filter(|path| is_subtitle(path)).collect();
    subtitles.sort();
    subtitles.dedup();
    let of = |path: &'a PathBuf| {
        if let Some(label) = label_by_stem(video, path).or_else(|| label_alone(path).filter(|_| alone)) {
            return Some(SubtitleFile { path, same_stem: true, label });
        }
        if others.iter().any(|other| label_by_stem(other, path).is_some()) || !same_episode(video, path) {
            return None;
        }
        Some(SubtitleFile { path, same_stem: false, label: label_in_name(path) })
    };
    subtitles.into_iter().filter_map(of).collect()
}

/// The label of a file that has the video's stem, or lies in a folder of that name.
fn label_by_stem(video: &Path, subtitles: &Path) -> Option<Label> {
    let (video, name) = (key(&stem(video)), key(&stem(subtitles)));
    let folder = subtitles.parent().and_then(Path::file_name).map(|name| key(&name.to_string_lossy()));
    let suffix = match name.strip_prefix(&video) {
        Some(suffix) if !suffix.starts_with(char::is_alphanumeric) => suffix,
        _ if folder.as_ref() == Some(&video) => &name,
        _ => return None,
    };
    Some(Label::of_suffix(suffix)).filter(|label| label.whole)
}

/// The label of a file that is named for its language alone, such as `Subs/2_English.srt`.
fn label_alone(subtitles: &Path) -> Option<Label> {
    Some(Label::of_suffix(&key(&stem(subtitles)))).filter(|label| label.whole && !label.languages.is_empty())
}

fn label_in_name(subtitles: &Path) -> Label {
    Label::of_tail(&stem(subtitles))
}

/// Whether both names say the same episode, and their own names do not say different shows.
fn same_episode(video: &Path, subtitles: &Path) -> bool {
    let folder = video.parent().unwrap_or(Path::new(""));
    let (a, b) = (name_of(video), name_of(&folder.join(subtitles)));
    if a.episode.is_none() || (a.season, a.episode) != (b.season, b.episode) {
        return false;
    }
    match (name_in_file(video).show, name_in_file(subtitles).show) {
        (Some(a), Some(b)) => {
            let (a, b) = (show_key(&a), show_key(&b));
            a.contains(&b) || b.contains(&a)
        }
        _ => true,
    }
}

/// A show's name without what releases write differently: case, punctuation, a year.
pub(crate) fn show_key(show: &str) -> String {
    let is_year = |word: &&str| {
        word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) && word.parse::<u16>().is_ok()
    };
    let lower = show.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named: String = words.iter().copied().filter(|word| !is_year(word)).collect();
    if named.is_empty() { words.concat() } else { named }
}

fn key(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
#[path = "pairing_tests.rs"]
mod tests;
