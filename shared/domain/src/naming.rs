//! Show, season and episode as file and folder names give them.

mod numbers;
mod title;

use std::path::{Component, Path};

use unicode_normalization::UnicodeNormalization as _;

use numbers::Numbers;

/// What the names of a file and of the folders above it say; each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The show's name in Unicode's composed form, as people write it.
    pub show: Option<String>,
    /// The season; 0 holds specials.
    pub season: Option<u16>,
    /// The episode within the season; the first one where a file holds several.
    pub episode: Option<u16>,
}

const VIDEO: [&str; 7] = ["mkv", "mp4", "mov", "avi", "webm", "ts", "m4v"];
const SUBTITLE: [&str; 4] = ["srt", "vtt", "ass", "ssa"];

/// Whether the file's extension is that of a video.
pub fn is_video(path: &Path) -> bool {
    has_extension(path, &VIDEO)
}

/// Whether the file's extension is that of text subtitles.
pub fn is_subtitle(path: &Path) -> bool {
    has_extension(path, &SUBTITLE)
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| known.iter().any(|k| k.eq_ignore_ascii_case(e)))
}

/// Reads show, season and episode from a file's name and, for what that lacks, from the folders above it.
///
/// `S01E02`, `1x02`, `Season 1 Episode 2`, `Show - 102` and their relatives are understood; a lone number of one or two
/// digits is an episode only, and one after a leading `[Group]` is never split, since such releases count through all
/// seasons. Years and picture heights are no episodes. Where a name says several episodes, the first counts. What is not
/// plainly said is `None`.
pub fn name_of(path: &Path) -> Named {
    let above = Above::read(path);
    let stem = stem(path);
    let Some(found) = numbers::find(&stem, above.season, above.show.as_deref()) else {
        if let Some(found) = parent(path).and_then(|name| numbers::find_explicit(&name).map(|f| named(&name, &f))) {
            return Named { show: found.show.or(above.show), season: found.season.or(above.season), ..found };
        }
        // Without a season's folder between, the folder above may be anything.
        return if above.season_folder {
            Named { show: above.show, season: above.season, episode: None }
        } else {
            Named::default()
        };
    };
    let own = named(&stem, &found);
    Named { show: own.show.or(above.show), season: own.season.or(above.season), ..own }
}

/// What the file's name alone says.
pub(crate) fn name_in_file(path: &Path) -> Named {
    let stem = stem(path);
    numbers::find(&stem, None, None).map(|found| named(&stem, &found)).unwrap_or_default()
}

fn named(text: &str, found: &Numbers) -> Named {
    let before = text.get(..found.at).unwrap_or_default();
    let token = numbers::season_token(before);
    let (before, season) = match &token {
        Some(token) => (before.get(..token.at).unwrap_or_default(), found.season.or(token.season)),
        None => (before, found.season),
    };
    Named { show: title::clean(before), season, episode: Some(found.episode) }
}

/// The file's name in composed form, without the extension of a video or of subtitles: other dots part words.
pub(crate) fn stem(path: &Path) -> String {
    let name = if is_video(path) || is_subtitle(path) { path.file_stem() } else { path.file_name() };
    name.map(|name| name.to_string_lossy().nfc().collect()).unwrap_or_default()
}

fn parent(path: &Path) -> Option<String> {
    folders(path).next()
}

/// The names of the folders above, nearest first.
fn folders(path: &Path) -> impl Iterator<Item = String> {
    path.parent().into_iter().flat_map(Path::components).rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy().nfc().collect()),
        _ => None,
    })
}

#[derive(Default)]
struct Above {
    show: Option<String>,
    season: Option<u16>,
    season_folder: bool,
}

impl Above {
    fn read(path: &Path) -> Self {
        let mut above = Self::default();
        for name in folders(path) {
            if title::is_part_of_season(&name) || numbers::find_explicit(&name).is_some() {
                continue;
            }
            if title::is_specials(&name) {
                (above.season, above.season_folder) = (Some(0), true);
                continue;
            }
            let season = numbers::season_token(&name);
            if let Some(token) = &season {
                if !above.season_folder {
                    above.season = token.season;
                    above.season_folder = true;
                }
                above.show = title::clean(name.get(..token.at).unwrap_or_default());
                if above.show.is_none() {
                    continue;
                }
            } else if !title::is_collection(&name) {
                above.show = title::clean(title::before_release(&name));
            }
            break;
        }
        above
    }
}

#[cfg(test)]
#[path = "naming_tests.rs"]
mod tests;
