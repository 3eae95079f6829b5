use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    Named, is_video, name_of,
    naming::{show_key, stem},
    pairing::shown,
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
#[error("{} and {} are both {}: name the one that is wanted, or move the other away", shown(first), shown(second), self.code())]
pub struct SameEpisode {
    /// The season, where the names say it.
    pub season: Option<u16>,
    /// The episode.
    pub episode: u16,
    /// One of them.
    pub first: PathBuf,
    /// The other.
    pub second: PathBuf,
}

impl SameEpisode {
    fn code(&self) -> String {
        match self.season {
            Some(season) => format!("S{season:02}E{:02}", self.episode),
            None => format!("episode {}", self.episode),
        }
    }
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
    let (doubtful, certain): (Vec<_>, Vec<_>) = videos.into_iter().partition(|path| may_be_no_episode(path).is_some());
    for path in certain.into_iter().chain(doubtful) {
        let named = if path.starts_with(at) { name_of(path) } else { name_of(&at.join(path)) };
        let key = named.episode.map(|e| (named.show.as_deref().map(show_key).unwrap_or_default(), named.season, e));
        let twin = key.as_ref().and_then(|key| episodes.get(key));
        let doubt = may_be_no_episode(path).filter(|_| key.is_none() || twin.is_some());
        match (no_episode(path).or(doubt), key, twin) {
            (Some(reason), _, _) => found.skipped.push((path.clone(), reason)),
            (None, None, _) => found.unnumbered.push(path.clone()),
            (None, Some((_, season, episode)), Some((first, _))) => {
                return Err(SameEpisode { season, episode, first: first.clone(), second: path.clone() });
            }
            (None, Some(key), None) => {
                episodes.insert(key, (path.clone(), named));
            }
        }
    }
    found.episodes = episodes.into_values().collect();
    Ok(found)
}

/// Why the video is certainly no episode.
pub(crate) fn no_episode(path: &Path) -> Option<SkipReason> {
    in_folder(path).or_else(|| ends_in(path, &['-'])).or_else(|| begins(path))
}

fn may_be_no_episode(path: &Path) -> Option<SkipReason> {
    ends_in(path, &[' ', '.', '_'])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> Result<SeasonFolder, SameEpisode> {
        let listing: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        season_folder(Path::new("/shows/Suits/Season 1"), &listing)
    }

    fn episodes(found: &SeasonFolder) -> Vec<(&str, Option<u16>)> {
        found.episodes.iter().map(|(path, named)| (path.to_str().unwrap(), named.episode)).collect()
    }

    #[test]
    fn episodes_come_in_the_order_of_their_numbers() {
        let found =
            folder(&["10 - Ten.mkv", "9 - Nine.mkv", "Suits.S01E01.mp4", "Suits.S01E01.srt", "notes.txt"]).unwrap();
        let expected = [("Suits.S01E01.mp4", Some(1)), ("9 - Nine.mkv", Some(9)), ("10 - Ten.mkv", Some(10))];
        assert_eq!(episodes(&found), expected);
        assert!(
            found.episodes.iter().all(|(_, named)| named.show.as_deref() == Some("Suits") && named.season == Some(1))
        );
    }

    #[test]
    fn two_videos_of_one_episode_are_an_error_that_names_both() {
        let message = folder(&["Suits.S01E02.720p.mkv", "suits (2011) - 1x02.avi"]).unwrap_err().to_string();
        assert!(message.starts_with("Suits.S01E02.720p.mkv and suits (2011) - 1x02.avi are both S01E02"), "{message}");
        let listing = ["[G] Show - 02 [720p].mkv", "[H] Show - 02 [1080p].mkv"].map(PathBuf::from);
        let message = season_folder(Path::new(""), &listing).unwrap_err().to_string();
        assert!(message.contains("are both episode 2"), "{message}");
        assert_eq!(folder(&["Suits.S01E02.mkv", "Dark.S01E02.mkv"]).unwrap().episodes.len(), 2);
    }

    #[test]
    fn samples_and_trailers_are_skipped_and_told() {
        let samples = ["Suits.S01E02-sample.mkv", "sample-suits.s01e02.mkv", "sample.mkv", "Sample/suits.s01e02.mkv"];
        let trailers = ["Suits-trailer.mp4", "Trailers/Suits.S01E02.mp4", "trailer.mov"];
        for (names, reason) in [(&samples[..], SkipReason::Sample), (&trailers[..], SkipReason::Trailer)] {
            for name in names {
                let found = folder(&["Suits.S01E02.mkv", name]).unwrap();
                assert_eq!(found.skipped, [(PathBuf::from(name), reason)]);
                assert_eq!(episodes(&found), [("Suits.S01E02.mkv", Some(2))]);
            }
        }
    }

    #[test]
    fn an_episode_whose_title_speaks_of_samples_or_trailers_is_kept() {
        let names = ["Suits.S01E02.The.Sample.mkv", "Trailer.Park.Boys.S01E03.mkv"];
        assert_eq!(folder(&names).unwrap().episodes.len(), 2);
        for name in ["Suits.S01E02.720p.sample.mkv", "Suits Sample.mkv"] {
            let found = folder(&["Suits.S01E02.mkv", name]).unwrap();
            assert_eq!(found.skipped, [(PathBuf::from(name), SkipReason::Sample)]);
        }
    }

    #[test]
    fn a_video_without_a_number_is_told_apart() {
        let found = folder(&["Suits.S01E02.mkv", "Interview.mkv"]).unwrap();
        assert_eq!(found.unnumbered, [PathBuf::from("Interview.mkv")]);
    }
}
