use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    Named, is_video, name_of,
    naming::stem,
    pairing::{show_key, shown},
};

/// What a folder of videos holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeasonFolder {
    /// The episodes by show, season and number.
    pub episodes: Vec<(PathBuf, Named)>,
    /// Videos whose episode the name does not say.
    pub unnumbered: Vec<PathBuf>,
    /// Videos that are no episodes.
    pub skipped: Vec<(PathBuf, SkipReason)>,
}

/// Why a video is no episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// A short piece that a release carries as proof of its quality.
    #[error("a sample")]
    Sample,
    /// An advertisement for the episode.
    #[error("a trailer")]
    Trailer,
}

/// Two videos of one episode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} and {} are both S{season:02}E{episode:02}: name the one that is wanted, or move the other away",
    shown(first),
    shown(second)
)]
pub struct SameEpisode {
    /// The season; 1 where the names say none.
    pub season: u16,
    /// The episode.
    pub episode: u16,
    /// One of them.
    pub first: PathBuf,
    /// The other.
    pub second: PathBuf,
}

type Key = (String, Option<u16>, u16);

/// Sorts the videos of a folder into episodes and what is none. The paths may be relative to the folder `at`, whose name
/// tells what those of the files leave out.
///
/// # Errors
///
/// Where two videos are the same episode.
pub fn season_folder(at: &Path, listing: &[PathBuf]) -> Result<SeasonFolder, SameEpisode> {
    let mut videos: Vec<&PathBuf> = listing.iter().filter(|path| is_video(path)).collect();
    videos.sort();
    videos.dedup();
    let mut found = SeasonFolder::default();
    let mut episodes: BTreeMap<Key, (PathBuf, Named)> = BTreeMap::new();
    // An episode may be titled "The Sample": the word alone makes no sample, but beside the episode itself it does.
    let (doubtful, certain): (Vec<_>, Vec<_>) =
        videos.into_iter().partition(|path| ends_in(path, &[' ', '.', '_']).is_some());
    for path in certain.into_iter().chain(doubtful) {
        if let Some(reason) = in_folder(path).or_else(|| ends_in(path, &['-'])).or_else(|| begins(path)) {
            found.skipped.push((path.clone(), reason));
            continue;
        }
        let named = name_of(&at.join(path));
        let Some(episode) = named.episode else {
            found.unnumbered.push(path.clone());
            continue;
        };
        let key = (named.show.as_deref().map(show_key).unwrap_or_default(), named.season, episode);
        match (episodes.get(&key), ends_in(path, &[' ', '.', '_'])) {
            (None, _) => {
                episodes.insert(key, (path.clone(), named));
            }
            (Some(_), Some(reason)) => found.skipped.push((path.clone(), reason)),
            (Some((first, _)), None) => {
                let season = named.season.unwrap_or(1);
                return Err(SameEpisode { season, episode, first: first.clone(), second: path.clone() });
            }
        }
    }
    found.episodes = episodes.into_values().collect();
    Ok(found)
}

fn reason(word: &str) -> Option<SkipReason> {
    match word {
        "sample" | "samples" => Some(SkipReason::Sample),
        "trailer" | "trailers" => Some(SkipReason::Trailer),
        _ => None,
    }
}

fn in_folder(path: &Path) -> Option<SkipReason> {
    reason(&path.parent()?.file_name()?.to_string_lossy().to_lowercase())
}

fn ends_in(path: &Path, separators: &[char]) -> Option<SkipReason> {
    let stem = stem(path).to_lowercase();
    stem.rsplit_once(separators).and_then(|(_, last)| reason(last))
}

/// `sample-show.s01e01.mkv`, `sample.mkv`.
fn begins(path: &Path) -> Option<SkipReason> {
    let stem = stem(path).to_lowercase();
    reason(stem.split_once('-').map_or(stem.as_str(), |(first, _)| first))
}
