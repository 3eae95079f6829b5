//! Which file or track of a video holds the subtitles. Nothing is guessed.

use std::path::{Path, PathBuf};

use anyhow::bail;
use langflix_domain::{LanguageTag, MediaInfo, SubtitleStream};

use super::prepare::{Subtitles, Target, file_name};

/// Where subtitles are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// This file.
    File(&'a Path),
    /// This track of the video.
    Track(u32),
}

/// Where the episode's own subtitles are.
///
/// # Errors
/// One line that names the candidates where none fits, or several do.
pub(super) fn spoken<'a>(
    asked: &'a Subtitles,
    info: &MediaInfo,
    video: &str,
    language: &LanguageTag,
) -> anyhow::Result<Place<'a>> {
    Ok(match asked {
        Subtitles::File(path) => Place::File(path),
        Subtitles::Track(track) => Place::Track(asked_track(info, video, *track, "--subs")?),
        Subtitles::Inside { passed_over } => Place::Track(text_track(info, video, language, passed_over)?),
    })
}

/// Where the subtitles in the language of the translations are; `None` where there are none.
///
/// # Errors
/// One line that names the candidates where several fit.
pub(super) fn translated<'a>(
    asked: &'a Target,
    info: &MediaInfo,
    video: &str,
    language: &LanguageTag,
    spoken: Place<'_>,
) -> anyhow::Result<Option<Place<'a>>> {
    Ok(match asked {
        Target::File(path) => Some(Place::File(path)),
        Target::Track(track) => Some(Place::Track(asked_track(info, video, *track, "--target-subs")?)),
        Target::Inside => target_track(info, video, language, spoken)?.map(Place::Track),
    })
}

/// The track that was asked for, if it holds text; `flag` gives a file instead.
fn asked_track(info: &MediaInfo, video: &str, asked: u32, flag: &str) -> anyhow::Result<u32> {
    match info.subtitles.iter().find(|stream| stream.index == asked) {
        Some(stream) if stream.text => Ok(asked),
        Some(_) => bail!("{video}: track {asked} holds pictures, not text: give a subtitle file with {flag}"),
        None => bail!("{video}: there is no subtitle track {asked}: it has {}", named(&info.subtitles)),
    }
}

/// The track that holds the episode's subtitles.
fn text_track(info: &MediaInfo, video: &str, language: &LanguageTag, passed_over: &[PathBuf]) -> anyhow::Result<u32> {
    let speaks = |stream: &SubtitleStream| stream.language.as_deref().is_none_or(|tag| same(tag, language));
    let fits = |stream: &&SubtitleStream| stream.text && !stream.forced && speaks(stream);
    let fitting: Vec<&SubtitleStream> = info.subtitles.iter().filter(fits).collect();
    match fitting.as_slice() {
        [one] => Ok(one.index),
        [] => bail!(
            "{video}: no {language} subtitles beside it ({}) or inside it ({}): give a file with --subs{}",
            candidates(passed_over),
            named(&info.subtitles),
            if info.subtitles.iter().any(|stream| stream.text) { ", or choose a track with --subs-track" } else { "" }
        ),
        _ => bail!("{video}: several subtitle tracks fit ({}): choose one with --subs-track", named(&info.subtitles)),
    }
}

/// The text track in the language of the translations; the one that the episode's own are read from is none.
fn target_track(
    info: &MediaInfo,
    video: &str,
    language: &LanguageTag,
    spoken: Place<'_>,
) -> anyhow::Result<Option<u32>> {
    let speaks = |stream: &SubtitleStream| stream.language.as_deref().is_some_and(|tag| same(tag, language));
    let free = |stream: &SubtitleStream| spoken != Place::Track(stream.index);
    let fits = |stream: &&SubtitleStream| stream.text && !stream.forced && speaks(stream) && free(stream);
    let fitting: Vec<&SubtitleStream> = info.subtitles.iter().filter(fits).collect();
    match fitting.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.index)),
        several => bail!(
            "{video}: several subtitle tracks in {language} ({}): choose one with --target-subs-track",
            named(several.iter().copied())
        ),
    }
}

/// The first few files by name.
fn candidates(files: &[PathBuf]) -> String {
    const MOST: usize = 5;
    let mut names: Vec<String> = files.iter().take(MOST).map(|path| file_name(path)).collect();
    if files.len() > MOST {
        names.push(format!("{} more", files.len() - MOST));
    }
    if names.is_empty() { "no file".to_owned() } else { names.join(", ") }
}

fn same(tag: &str, language: &LanguageTag) -> bool {
    LanguageTag::from_label(tag).is_some_and(|tag| language.is_served_by(&tag))
}

fn named<'a>(streams: impl IntoIterator<Item = &'a SubtitleStream>) -> String {
    let one = |stream: &SubtitleStream| {
        let language = stream.language.as_deref().unwrap_or("language unknown");
        let title = stream.title.as_deref().map(|title| format!(" '{title}'")).unwrap_or_default();
        let forced = if stream.forced { ", forced" } else { "" };
        format!("{} {language} {}{title}{forced}", stream.index, stream.codec)
    };
    let all: Vec<String> = streams.into_iter().map(one).collect();
    if all.is_empty() { "no track".to_owned() } else { all.join("; ") }
}
