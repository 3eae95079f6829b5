//! Everything about an episode that is known before the work begins.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use langflix_domain::{DiagnosticCount, Digest, EpisodeId, MediaInfo, SourceFile, beyond_end};
use langflix_pipeline::{RunRequest, RunSettings, extract_subtitles, probe};
use langflix_ports::{
    cache::Cache,
    media::{MediaProbe, Source},
};
use langflix_subtitles::{Diagnostic, Parsed, parse};

use super::tracks::{self, Place};

/// Larger than any subtitle file; the parser refuses it with its reason.
const MOST_SUBTITLE_BYTES: u64 = (64 << 20) + 1;

/// An episode's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) episode: EpisodeId,
    pub(crate) video: PathBuf,
    pub(crate) subtitles: Subtitles,
    pub(crate) target: Target,
}

/// Where the episode's subtitles are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subtitles {
    /// In this file.
    File(PathBuf),
    /// In this track of the video.
    Track(u32),
    /// In the track of the video that fits.
    Inside {
        /// Files beside the video that serve for other things.
        passed_over: Vec<PathBuf>,
    },
}

/// Where subtitles in the language of the translations are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// In this file.
    File(PathBuf),
    /// In this track of the video.
    Track(u32),
    /// In the track of the video that fits, if there is one.
    Inside,
}

/// A subtitle file as it was read.
struct Loaded {
    file: SourceFile,
    parsed: Parsed,
}

/// Reads the sources of an episode. `say` is told each diagnostic of a subtitle file.
///
/// # Errors
/// One line that says what is wrong with which file.
pub(crate) async fn prepare(
    media: &dyn MediaProbe,
    videos: &dyn Videos,
    sources: &Sources,
    settings: RunSettings,
    say: &dyn Fn(&str, &Diagnostic),
) -> anyhow::Result<RunRequest> {
    let video = videos.open(&sources.video).await?;
    let (info, name) = (&video.info, file_name(&sources.video));
    let spoken = tracks::spoken(&sources.subtitles, info, &name, &settings.source_language)?;
    let translated = tracks::translated(&sources.target, info, &name, &settings.language, spoken)?;
    let inside = Inside { media, cache: videos.cache(), video: &video, name: &name };
    let subtitles = inside.load(spoken).await?;
    check_length(&subtitles, info, &name, "--subs")?;
    let target = match translated {
        Some(place) => Some(inside.load(place).await?),
        None => None,
    };
    if let Some(target) = &target {
        check_length(target, info, &name, "--target-subs")?;
        check_distinct(&subtitles, target)?;
    }
    let both = [Some(&subtitles), target.as_ref()];
    for loaded in both.into_iter().flatten() {
        loaded.parsed.diagnostics.iter().for_each(|diagnostic| say(&loaded.file.name, diagnostic));
    }
    let Video { source, identity, bytes, info, .. } = video;
    Ok(RunRequest {
        episode: sources.episode.clone(),
        source,
        video: SourceFile { name, bytes, digest: Digest::of_bytes(identity.as_bytes()) },
        source_identity: identity,
        media: info,
        diagnostics: both.into_iter().flatten().flat_map(counted).collect(),
        subtitles: subtitles.file,
        transcript: subtitles.parsed.transcript,
        target_transcript: target.as_ref().map(|target| target.parsed.transcript.clone()),
        target_subtitles: target.map(|target| target.file),
        settings,
        stored_as: None,
    })
}

/// Width and height that no picture of these videos exceeds, as far as they can be read.
pub(crate) async fn largest(videos: &dyn Videos, episodes: &[Sources]) -> (u32, u32) {
    let mut largest = (0, 0);
    for sources in episodes {
        // One that cannot be read fails when its turn comes, and says so then.
        if let Ok(Video { info, .. }) = videos.open(&sources.video).await {
            largest = (info.video.width.max(largest.0), info.video.height.max(largest.1));
        }
    }
    largest
}

/// Opens videos, wherever they lie.
#[async_trait]
pub(crate) trait Videos: Send + Sync {
    /// Looks at a video.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    async fn open(&self, path: &Path) -> anyhow::Result<Video>;

    /// What was found out of videos before, if that is kept.
    fn cache(&self) -> Option<&dyn Cache> {
        None
    }
}

/// A video and what is known of it.
pub(crate) struct Video {
    /// Where it is read.
    pub(crate) location: String,
    /// What a run calls it.
    pub(crate) source: String,
    /// What changes with its bytes.
    pub(crate) identity: String,
    pub(crate) bytes: u64,
    pub(crate) info: MediaInfo,
}

/// Videos on this machine.
pub(crate) struct OnDisk<'a> {
    pub(crate) media: &'a dyn MediaProbe,
    /// What was found out before.
    pub(crate) cache: Option<&'a dyn Cache>,
}

#[async_trait]
impl Videos for OnDisk<'_> {
    async fn open(&self, path: &Path) -> anyhow::Result<Video> {
        let look = || -> std::io::Result<_> {
            let file = fs::metadata(path)?;
            let modified = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            Ok((fs::canonicalize(path)?, file.len(), modified))
        };
        let (path, bytes, modified) = look().with_context(|| path.display().to_string())?;
        let location = utf8(&path)?.to_owned();
        let identity = format!("{location}:{bytes}:{modified}");
        let info = match self.cache {
            Some(cache) => probe(self.media, cache, &location, &identity).await?,
            None => self.media.probe(&location).await?,
        };
        Ok(Video { source: location.clone(), location, identity, bytes, info })
    }

    fn cache(&self) -> Option<&dyn Cache> {
        self.cache
    }
}

/// The path as text: ffmpeg is told of nothing else.
pub(crate) fn utf8(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{}: the path is not UTF-8: rename the file or its folder", path.display()))
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A subtitle file's bytes, or as many of them as show that it is none.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let at = || path.display().to_string();
    // Opening a pipe waits for whoever writes to it, perhaps for ever.
    if !fs::metadata(path).with_context(at)?.is_file() {
        bail!("{}: this is no file: give a subtitle file", at());
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_SUBTITLE_BYTES).read_to_end(&mut bytes));
    read.with_context(at)?;
    Ok(bytes)
}

/// A video whose tracks may be subtitles.
struct Inside<'a> {
    media: &'a dyn MediaProbe,
    cache: Option<&'a dyn Cache>,
    video: &'a Video,
    name: &'a str,
}

impl Inside<'_> {
    async fn load(&self, place: Place<'_>) -> anyhow::Result<Loaded> {
        let (name, bytes) = match place {
            Place::File(path) => (file_name(path), read(path)?),
            Place::Track(track) => (format!("{}#{track}", self.name), self.extract(track).await?),
        };
        let parsed = parse(&name, &bytes)?;
        let file = SourceFile { name, bytes: bytes.len() as u64, digest: Digest::of_bytes(&bytes) };
        Ok(Loaded { file, parsed })
    }

    async fn extract(&self, track: u32) -> Result<Vec<u8>, langflix_ports::media::Error> {
        let source = Source { location: &self.video.location, info: &self.video.info };
        match self.cache {
            Some(cache) => extract_subtitles(self.media, cache, source, &self.video.identity, track).await,
            None => self.media.extract_subtitles(source, track).await,
        }
    }
}

fn check_length(loaded: &Loaded, info: &MediaInfo, video: &str, given_by: &str) -> anyhow::Result<()> {
    if let Some(beyond) = beyond_end(&loaded.parsed.transcript, info.duration) {
        bail!(
            "{}: {} of {} cues start after the end of {video} ({}), the last at {}: subtitles of another film? Give the right ones with {given_by}",
            loaded.file.name,
            beyond.cues,
            loaded.parsed.transcript.cues.len(),
            info.duration,
            beyond.last
        );
    }
    Ok(())
}

/// One file for both languages would translate each line by itself.
fn check_distinct(subtitles: &Loaded, target: &Loaded) -> anyhow::Result<()> {
    if subtitles.file.digest == target.file.digest {
        bail!(
            "{} and {} are the same subtitles: give those in the language of the translations with --target-subs",
            subtitles.file.name,
            target.file.name
        );
    }
    Ok(())
}

fn counted(loaded: &Loaded) -> Vec<DiagnosticCount> {
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for diagnostic in &loaded.parsed.diagnostics {
        let (count, _first) = counts.entry(diagnostic.kind.to_string()).or_insert((0, diagnostic.line));
        *count += 1;
    }
    let of = |(kind, (count, first_line))| DiagnosticCount { file: loaded.file.name.clone(), kind, count, first_line };
    counts.into_iter().map(of).collect()
}
