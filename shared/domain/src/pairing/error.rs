use std::path::{Path, PathBuf};

use crate::LanguageTag;

/// Why a video's subtitles cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// Several files serve equally well as subtitles in the language spoken.
    #[error(
        "{}: {} could be its subtitles: name one with --subs, or move the others away",
        shown(video),
        listed(candidates)
    )]
    AmbiguousSubtitles {
        /// The video.
        video: PathBuf,
        /// The files that serve equally well.
        candidates: Vec<PathBuf>,
    },
    /// Several files serve equally well as subtitles in the learner's language.
    #[error(
        "{}: {} could be its {language} subtitles: name one with --target-subs or their ending with --target-subs-suffix",
        shown(video),
        listed(candidates)
    )]
    AmbiguousTarget {
        /// The video.
        video: PathBuf,
        /// The learner's language.
        language: LanguageTag,
        /// The files that serve equally well.
        candidates: Vec<PathBuf>,
    },
    /// No file has the ending given for the learner's language.
    #[error(
        "{}: there is no {looked_for}: its folder holds {}; correct --target-subs-suffix or name the file with --target-subs",
        shown(video),
        listed(there)
    )]
    NoTarget {
        /// The video.
        video: PathBuf,
        /// The name looked for.
        looked_for: String,
        /// The subtitle files that are there.
        there: Vec<PathBuf>,
    },
    /// One file would be both.
    #[error(
        "{}: {} would be both its own and its {language} subtitles: give another --language, --target-subs-suffix or --subs",
        shown(video),
        shown(file)
    )]
    SameFile {
        /// The video.
        video: PathBuf,
        /// The learner's language.
        language: LanguageTag,
        /// The file chosen for both.
        file: PathBuf,
    },
}

/// A path as a message shows it: on one line, whatever the name holds.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Several paths as a message shows them.
fn listed(paths: &[PathBuf]) -> String {
    const MOST: usize = 8;
    let mut names: Vec<String> = paths.iter().take(MOST).map(|path| shown(path)).collect();
    if paths.len() > MOST {
        names.push(format!("{} more", paths.len() - MOST));
    }
    match names.pop() {
        None => "no subtitle file".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}
