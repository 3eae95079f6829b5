//! Which subtitle file belongs to which video.

mod error;
mod label;
mod matching;

use std::path::{Path, PathBuf};

use crate::{LanguageTag, is_subtitle, naming::stem};
pub use error::PairError;
pub(crate) use error::shown;
use matching::{SubtitleFile, files_of, key};

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

/// Finds the subtitles of `video` among `siblings`, the files of its folder and, with their relative paths, of folders
/// such as `Subs` in it.
///
/// A file of the video's stem goes before one that names the same episode otherwise. One without a label may be in the
/// source language, one labelled with the language serves whatever its variety; where a variety is wanted, a file of just
/// that one goes first. Files of forced lines, of signs and with several languages are never taken.
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

/// Finds only the target-language subtitles, for a video whose own are named otherwise.
///
/// # Errors
///
/// Where several files serve equally well, and where none has the target suffix given.
pub fn pair_target(video: &Path, siblings: &[PathBuf], wanted: &Wanted) -> Result<Option<PathBuf>, PairError> {
    let files = files_of(video, siblings);
    Ok(if wanted.want_target { target(video, siblings, &files, wanted)?.cloned() } else { None })
}

fn source<'a>(
    files: &[SubtitleFile<'a>],
    wanted: &Wanted,
    target: Option<&PathBuf>,
) -> Result<Option<&'a PathBuf>, Vec<PathBuf>> {
    let english = || LanguageTag::from_label("en");
    let Some(language) = wanted.source_language.clone().or_else(english) else { return Ok(None) };
    let unlabelled =
        |file: &SubtitleFile<'_>| file.label.languages.is_empty() && !file.label.partial && Some(file.path) != target;
    same_stem_first(files, |tier| in_language(tier, &language, unlabelled))
}

/// What `choose` finds among the files of the video's stem, else among those that name its episode otherwise.
fn same_stem_first<'a, 'b>(
    files: &'b [SubtitleFile<'a>],
    choose: impl Fn(&[&'b SubtitleFile<'a>]) -> Result<Option<&'a PathBuf>, Vec<PathBuf>>,
) -> Result<Option<&'a PathBuf>, Vec<PathBuf>> {
    let (near, far): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.same_stem);
    match choose(&near)? {
        None => choose(&far),
        chosen => Ok(chosen),
    }
}

/// The one file in the language, whatever its variety, or that serves `besides`.
fn in_language<'a>(
    tier: &[&SubtitleFile<'a>],
    language: &LanguageTag,
    besides: impl Fn(&SubtitleFile<'a>) -> bool,
) -> Result<Option<&'a PathBuf>, Vec<PathBuf>> {
    let labelled = |file: &SubtitleFile<'_>, fits: &dyn Fn(&LanguageTag) -> bool| {
        matches!(file.label.languages.as_slice(), [only] if fits(only)) && !file.label.partial
    };
    let fitting = |fits: &dyn Fn(&SubtitleFile<'a>) -> bool| only(tier.iter().copied().filter(|file| fits(file)));
    let exact =
        if !language.variety().is_empty() { fitting(&|file| labelled(file, &|tag| tag == language))? } else { None };
    match exact {
        None => fitting(&|file| labelled(file, &|tag| language.is_served_by(tag)) || besides(file)),
        exact => Ok(exact),
    }
}

fn target<'a>(
    video: &Path,
    siblings: &'a [PathBuf],
    files: &[SubtitleFile<'a>],
    wanted: &Wanted,
) -> Result<Option<&'a PathBuf>, PairError> {
    let language = &wanted.target_language;
    let chosen = match &wanted.target_suffix {
        Some(suffix) => suffixed(video, siblings, files, suffix),
        None => same_stem_first(files, |tier| in_language(tier, language, |_| false)),
    };
    let chosen = chosen.map_err(|candidates| PairError::AmbiguousTarget {
        video: video.to_owned(),
        language: language.clone(),
        candidates,
    })?;
    match (&wanted.target_suffix, chosen) {
        (Some(suffix), None) => Err(PairError::NoTarget {
            video: video.to_owned(),
            looked_for: shown(Path::new(&format!("{}{}.{{srt,vtt,ass,ssa}}", stem(video), dotted(suffix)))),
            there: siblings.iter().filter(|path| is_subtitle(path)).cloned().collect(),
        }),
        (_, chosen) => Ok(chosen),
    }
}

/// The one file that bears the suffix: with the video's stem, else with another name of its episode.
fn suffixed<'a>(
    video: &Path,
    siblings: &'a [PathBuf],
    files: &[SubtitleFile<'a>],
    suffix: &str,
) -> Result<Option<&'a PathBuf>, Vec<PathBuf>> {
    let ending = key(&dotted(suffix));
    let exact = format!("{}{ending}", key(&stem(video)));
    let same_stem = siblings.iter().filter(|path| is_subtitle(path) && key(&stem(path)) == exact);
    match one(same_stem.collect())? {
        None if !ending.is_empty() => {
            only(files.iter().filter(|file| !file.same_stem && key(&stem(file.path)).ends_with(&ending)))
        }
        chosen => Ok(chosen),
    }
}

/// The suffix with the dot that people leave out.
fn dotted(suffix: &str) -> String {
    if suffix.starts_with(char::is_alphanumeric) { format!(".{suffix}") } else { suffix.to_owned() }
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

#[cfg(test)]
#[path = "pairing_tests.rs"]
mod tests;
