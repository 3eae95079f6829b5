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
        // Releases put each episode into a folder, where the file's own name may be scrambled.
        if let Some(found) = folders(path).next().and_then(|name| of_episode_folder(&name)) {
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

/// The show that the file's name alone says, and the text behind it.
pub(crate) fn show_in_file(path: &Path) -> (Option<String>, String) {
    let stem = stem(path);
    match numbers::find(&stem, None, None) {
        Some(found) => (named(&stem, &found).show, stem.get(found.at..).unwrap_or_default().to_owned()),
        None => (None, stem),
    }
}

/// The last of the episodes that the file's name says, where it says several.
pub(crate) fn last_episode(path: &Path) -> Option<u16> {
    numbers::last_of_several(&stem(path))
}

fn of_episode_folder(name: &str) -> Option<Named> {
    let found = numbers::find_explicit(name)?;
    // A file holds two or three episodes at most; a longer range is a whole season's folder.
    let is_pack = numbers::last_of_several(name).is_some_and(|last| last > found.episode.saturating_add(2));
    (!is_pack).then(|| named(name, &found))
}

/// A show's name without what releases write differently: case, punctuation, initials' dots, a year.
pub(crate) fn show_key(show: &str) -> String {
    show_words(show).join(" ")
}

/// The words of [`show_key`]; initials make one word.
fn show_words(show: &str) -> Vec<String> {
    let is_year = |word: &str| {
        matches!(word.as_bytes(), [b'1', b'9', rest @ ..] | [b'2', b'0', rest @ ..]
        if rest.len() == 2 && rest.iter().all(u8::is_ascii_digit))
    };
    let lower = show.to_lowercase().replace(['\'', '’'], "");
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let single = |word: &str| word.chars().nth(1).is_none();
    let joined = words.chunk_by(|a, b| single(a) && single(b)).map(<[&str]>::concat);
    let named: Vec<String> = joined.filter(|word| !is_year(word)).collect();
    if named.is_empty() { vec![words.concat()] } else { named }
}

/// Whether the text begins with all words of the show's name.
fn begins_with_show(text: &str, show: &str) -> bool {
    show_words(text).starts_with(&show_words(show))
}

/// Whether one show's name is the other's, perhaps with more words: "The Office" and "The Office US".
pub(crate) fn may_be_same_show(a: &str, b: &str) -> bool {
    let (a, b) = (show_words(a), show_words(b));
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    long.windows(short.len()).any(|words| words == short) || long.concat() == short.concat()
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
    name.map(|name| composed(&name.to_string_lossy())).unwrap_or_default()
}

/// The text in Unicode's composed form; ASCII is, and most names of a large folder are ASCII.
pub(crate) fn composed(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// The names of the folders above, nearest first.
fn folders(path: &Path) -> impl Iterator<Item = String> {
    path.parent().into_iter().flat_map(Path::components).rev().filter_map(|component| match component {
        Component::Normal(name) => Some(composed(&name.to_string_lossy())),
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
            if title::is_part_of_season(&name) || of_episode_folder(&name).is_some() {
                continue;
            }
            if title::is_specials(&name) {
                (above.season, above.season_folder) = (Some(0), true);
                continue;
            }
            let pack = numbers::find_explicit(&name).map(|found| named(&name, &found));
            let token = numbers::season_token(&name);
            if let Some(Named { show, season, .. }) = pack {
                above.enter(season);
                above.show = show;
            } else if let Some(token) = token {
                above.enter(token.season);
                above.show = title::clean(name.get(..token.at).unwrap_or_default());
            } else {
                let own = (!title::is_collection(&name)).then(|| title::before_release(&name));
                above.show = own.and_then(title::clean);
                break;
            }
            if above.show.is_some() {
                break;
            }
        }
        above
    }

    /// The nearest season's folder counts.
    fn enter(&mut self, season: Option<u16>) {
        if !self.season_folder {
            (self.season, self.season_folder) = (season, true);
        }
    }
}

#[cfg(test)]
#[path = "naming_tests.rs"]
mod tests;
