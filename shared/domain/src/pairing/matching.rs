use std::path::{Path, PathBuf};

use super::label::Label;
use crate::{
    Named, is_subtitle, is_video, name_of,
    naming::{composed, last_episode, may_be_same_show, show_in_file, show_key, stem},
    season_folder::no_episode,
};

/// A subtitle file of the video.
pub(super) struct SubtitleFile<'a> {
    pub(super) path: &'a PathBuf,
    /// Whether its name begins with the video's, rather than naming the same episode.
    pub(super) same_stem: bool,
    pub(super) label: Label,
}

/// The subtitle files that are this video's, sorted by path.
pub(super) fn files_of<'a>(video: &Path, siblings: &'a [PathBuf]) -> Vec<SubtitleFile<'a>> {
    let others: Vec<&PathBuf> = siblings
        .iter()
        .filter(|path| is_video(path) && path.file_name() != video.file_name() && no_episode(path).is_none())
        .collect();
    let alone = others.is_empty() && siblings.iter().any(|path| path.file_name() == video.file_name());
    let mut subtitles: Vec<&PathBuf> = siblings.iter().filter(|path| is_subtitle(path)).collect();
    subtitles.sort();
    subtitles.dedup();
    let own = VideoName::of(video, video);
    let of = |path: &'a PathBuf| {
        if let Some(label) = label_by_stem(&own.key, path).or_else(|| label_alone(path).filter(|_| alone)) {
            let nearer = |other: &&PathBuf| {
                let name = key(&stem(other));
                name.len() > own.key.len() && label_by_stem(&name, path).is_some()
            };
            return (!others.iter().any(nearer)).then_some(SubtitleFile { path, same_stem: true, label });
        }
        let likeness = own.likeness(path)?;
        let nearer = |other: &&PathBuf| {
            let same_number = || own.named.episode.is_some_and(|episode| may_hold(&other.to_string_lossy(), episode));
            label_by_stem(&key(&stem(other)), path).is_some()
                || (same_number() && VideoName::of(other, video).likeness(path) > Some(likeness))
        };
        let ours = !others.iter().any(nearer);
        ours.then(|| SubtitleFile { path, same_stem: false, label: Label::of_tail(&show_in_file(path).1) })
    };
    subtitles.into_iter().filter_map(of).collect()
}

/// How surely a subtitle file of another stem names the video's episode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The shows' names differ by some words, or one name says no show.
    Episode,
    /// Both names say the same show.
    EpisodeAndShow,
}

/// All that a video's name says, read once for a whole listing.
struct VideoName<'v> {
    folder: &'v Path,
    key: String,
    named: Named,
    show: Option<String>,
    last: Option<u16>,
}

impl<'v> VideoName<'v> {
    /// Reads the name of `path`, which lies in the folder of `video`.
    fn of(path: &Path, video: &'v Path) -> Self {
        let folder = video.parent().unwrap_or(Path::new(""));
        let (show, last) = (show_in_file(path).0, last_episode(path));
        Self { folder, key: key(&stem(path)), named: name_beside(folder, path), show, last }
    }

    fn likeness(&self, subtitles: &Path) -> Option<Likeness> {
        if !may_hold(&subtitles.to_string_lossy(), self.named.episode?) {
            return None;
        }
        let other = name_beside(self.folder, subtitles);
        let same = (self.named.season, self.named.episode) == (other.season, other.episode);
        if !same || self.last != last_episode(subtitles) {
            return None;
        }
        match (&self.show, show_in_file(subtitles).0) {
            (Some(a), Some(b)) if show_key(a) == show_key(&b) => Some(Likeness::EpisodeAndShow),
            (Some(a), Some(b)) if !may_be_same_show(a, &b) => None,
            _ => Some(Likeness::Episode),
        }
    }
}

/// Whether any number in the text may be the episode's. Reading a name costs far more, and a folder may hold a thousand.
fn may_hold(text: &str, episode: u16) -> bool {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u16>().ok());
    // "102" is the second episode where the folder or the place says so.
    numbers.any(|number| number == episode || number % 100 == episode)
}

/// What a file of the listing is named, in the folder.
fn name_beside(folder: &Path, path: &Path) -> Named {
    if path.starts_with(folder) { name_of(path) } else { name_of(&folder.join(path)) }
}

/// The label of a file that has the video's stem, or lies in a folder of that name.
fn label_by_stem(video: &str, subtitles: &Path) -> Option<Label> {
    let name = key(&stem(subtitles));
    let in_folder_of_stem =
        || subtitles.parent().and_then(Path::file_name).is_some_and(|name| key(&name.to_string_lossy()) == video);
    let suffix = match name.strip_prefix(video) {
        Some(suffix) if !suffix.starts_with(char::is_alphanumeric) => suffix,
        _ if in_folder_of_stem() => &name,
        _ => return None,
    };
    Some(Label::of_suffix(suffix)).filter(|label| label.whole)
}

/// The label of a file that is named for its language alone, such as `Subs/2_English.srt`.
fn label_alone(subtitles: &Path) -> Option<Label> {
    Some(Label::of_suffix(&key(&stem(subtitles)))).filter(|label| label.whole && !label.languages.is_empty())
}

/// A name as it is compared: file systems differ in case and in the form of composed letters.
pub(super) fn key(name: &str) -> String {
    composed(name).to_lowercase()
}
