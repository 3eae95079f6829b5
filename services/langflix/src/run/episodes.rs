//! From the paths of the command line to episodes, each with its files. Nothing is guessed.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use langflix_domain::{
    EpisodeId, LanguageTag, Named, Paired, Wanted, is_subtitle, is_video, name_of, pair, pair_target, season_folder,
};
use langflix_runtime::config::Config;

use super::{
    deliver::{MANIFEST, PAGE},
    prepare::{Sources, Subtitles, Target},
    tree::Tree,
};
use crate::{Several, Usage, cli::EpisodeArgs};

/// What a video is told by.
const KNOWN: &str = "mkv, mp4, mov, avi, webm, ts, m4v";
/// Folders deeper than this below a given one are not looked into: show, season, disc.
const DEEPEST: usize = 3;
/// Folders beside a video that hold its subtitles.
const SUBTITLE_FOLDERS: [&str; 3] = ["subs", "subtitles", "sub"];

/// The episodes in the order of the show.
///
/// # Errors
/// Everything that is missing or ambiguous, a line each.
pub(crate) fn find(
    tree: &dyn Tree,
    paths: &[PathBuf],
    args: &EpisodeArgs,
    config: &Config,
    language: &LanguageTag,
) -> anyhow::Result<Vec<Sources>> {
    let videos = videos(tree, paths)?;
    check_single(args, videos.len())?;
    let mut found = Vec::new();
    let mut problems: Vec<String> = Vec::new();
    for (video, named) in videos {
        match sources(tree, &video, named, args, config, language) {
            Ok(sources) => found.push(sources),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    let mut by_episode: BTreeMap<&EpisodeId, Vec<&Sources>> = BTreeMap::new();
    for sources in &found {
        by_episode.entry(&sources.episode).or_default().push(sources);
    }
    for (episode, twins) in by_episode.iter().filter(|(_, twins)| twins.len() > 1) {
        let names: Vec<String> = twins.iter().map(|sources| tree.shown(&sources.video)).collect();
        problems.push(format!("{episode}: {} videos ({}): keep one, or give it alone", twins.len(), names.join(", ")));
    }
    if !problems.is_empty() {
        return Err(Several(problems).into());
    }
    found.sort_by(|a, b| a.episode.cmp(&b.episode));
    Ok(found)
}

/// What names one episode's files or number cannot hold for several.
fn check_single(args: &EpisodeArgs, videos: usize) -> anyhow::Result<()> {
    let single = [
        ("--subs", args.subs.is_some()),
        ("--target-subs", args.target_subs.is_some()),
        ("--subs-track", args.subs_track.is_some()),
        ("--target-subs-track", args.target_subs_track.is_some()),
        ("--episode", args.episode.is_some()),
    ];
    match single.iter().find(|(_, given)| *given) {
        Some((flag, _)) if videos > 1 => {
            Err(Usage(format!("{flag} is for one episode, and these are {videos} videos: give one of them")).into())
        }
        _ => Ok(()),
    }
}

/// Every video and what its name says.
fn videos(tree: &dyn Tree, paths: &[PathBuf]) -> anyhow::Result<BTreeMap<PathBuf, Named>> {
    let mut videos = BTreeMap::new();
    for path in paths {
        let at = || tree.shown(path);
        let is_folder = match tree.is_folder(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("{}: nothing has this name: give a video, or the folder of a season", at())
            }
            is_folder => is_folder.with_context(at)?,
        };
        if is_folder {
            videos.extend(folder(tree, path)?);
        } else if is_video(path) {
            videos.insert(path.clone(), name_of(&tree.absolute(path).with_context(at)?));
        } else if is_subtitle(path) {
            bail!("{}: this is a subtitle file: give the video, and this with --subs", at());
        } else {
            bail!("{}: not a video that is known here ({KNOWN})", at());
        }
    }
    Ok(videos)
}

/// The episodes in a folder, samples and trailers left out.
fn folder(tree: &dyn Tree, dir: &Path) -> anyhow::Result<Vec<(PathBuf, Named)>> {
    let mut listing = Vec::new();
    walk(tree, dir, DEEPEST, &mut listing)?;
    let at = tree.absolute(dir).with_context(|| tree.shown(dir))?;
    let season = season_folder(&at, &listing)?;
    for (path, reason) in &season.skipped {
        tracing::warn!(file = tree.shown(path), %reason, "left out");
    }
    let unnumbered = season.unnumbered.into_iter().map(|path| (path, Named::default()));
    let found: Vec<_> = season.episodes.into_iter().chain(unnumbered).collect();
    if found.is_empty() {
        bail!("{}: no video in this folder ({KNOWN})", tree.shown(dir));
    }
    Ok(found)
}

fn walk(tree: &dyn Tree, dir: &Path, deeper: usize, listing: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = tree.entries(dir).with_context(|| tree.shown(dir))?;
    // An episode's results, whose clips are videos as well.
    let holds = |name: &str| entries.iter().any(|entry| entry.path.file_name().is_some_and(|of| of == name));
    if holds(MANIFEST) && holds(PAGE) {
        return Ok(());
    }
    for entry in entries {
        let hidden = entry.path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        match (hidden, entry.is_folder) {
            (true, _) => {}
            (false, true) if deeper > 0 => walk(tree, &entry.path, deeper - 1, listing)?,
            (false, true) => {}
            (false, false) => listing.push(entry.path),
        }
    }
    Ok(())
}

fn sources(
    tree: &dyn Tree,
    video: &Path,
    named: Named,
    args: &EpisodeArgs,
    config: &Config,
    language: &LanguageTag,
) -> anyhow::Result<Sources> {
    let episode = episode(tree, video, named, args)?;
    let beside = beside(tree, video)?;
    let wanted = Wanted {
        source_language: Some(config.run.source_language.clone()),
        target_language: language.clone(),
        target_suffix: args.target_subs_suffix.clone(),
        want_target: args.target_subs.is_none() && args.target_subs_track.is_none(),
    };
    let (subtitles, target) = match (&args.subs, args.subs_track) {
        (Some(path), _) => (Subtitles::File(path.clone()), pair_target(video, &beside, &wanted)?),
        (None, Some(track)) => (Subtitles::Track(track), pair_target(video, &beside, &wanted)?),
        (None, None) => {
            let Paired { subtitles, target, passed_over } = pair(video, &beside, &wanted)?;
            let there = if passed_over.is_empty() { subtitles_of(&beside) } else { passed_over };
            (subtitles.map_or(Subtitles::Inside { passed_over: there }, Subtitles::File), target)
        }
    };
    let target = match (args.target_subs.clone().or(target), args.target_subs_track) {
        (Some(path), _) => Target::File(path),
        (None, Some(track)) => Target::Track(track),
        (None, None) => Target::Inside,
    };
    Ok(Sources { episode, video: video.to_owned(), subtitles, target })
}

fn subtitles_of(files: &[PathBuf]) -> Vec<PathBuf> {
    files.iter().filter(|path| is_subtitle(path)).cloned().collect()
}

/// The files in the video's folder, and those in the folders for subtitles there.
fn beside(tree: &dyn Tree, video: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let dir = match video.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut files = Vec::new();
    for entry in tree.entries(dir).with_context(|| tree.shown(dir))? {
        let name = entry.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
        if !entry.is_folder {
            files.push(entry.path);
        } else if SUBTITLE_FOLDERS.contains(&name.as_str()) {
            // One level more: some releases keep a folder an episode there.
            walk(tree, &entry.path, 1, &mut files)?;
        }
    }
    Ok(files)
}

fn episode(tree: &dyn Tree, video: &Path, named: Named, args: &EpisodeArgs) -> anyhow::Result<EpisodeId> {
    let show = args.show.clone().or(named.show);
    let season = args.season.or(named.season);
    let episode = args.episode.or(named.episode);
    let missing = [("--show", show.is_none()), ("--season", season.is_none()), ("--episode", episode.is_none())];
    let missing: Vec<&str> = missing.into_iter().filter_map(|(flag, missing)| missing.then_some(flag)).collect();
    match (show, season, episode) {
        (Some(show), Some(season), Some(episode)) => Ok(EpisodeId { show, season, episode }),
        _ => bail!(
            "{}: the name does not tell which episode of which show this is: give {}, or a name such as Show.S01E01.mkv",
            tree.shown(video),
            missing.join(" and ")
        ),
    }
}
