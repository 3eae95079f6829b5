//! `langflix run`: the whole pipeline in this process.

pub(crate) mod deliver;
mod drive;
pub(crate) mod episodes;
pub(crate) mod prepare;
mod profile;
pub(crate) mod report;
pub(crate) mod settings;
mod tracks;
pub(crate) mod tree;

use std::{collections::BTreeMap, fs, num::NonZeroUsize, path::Path, sync::Arc};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use langflix_domain::{Burn, EpisodeId, EpisodeStatus, Manifest};
use langflix_llm::Identity;
use langflix_local::{DirectoryCache, DirectoryStore};
use langflix_media::{Capacity, Counted, Ffmpeg, Slots};
use langflix_pipeline::{RunRequest, RunSettings, speaks_otherwise};
use langflix_ports::{cache::Cache, media::MediaProbe};
use langflix_runtime::{
    config::{Config, Provider},
    pressure::Watch,
    shutdown::Shutdown,
    trace,
};
use tracing::Instrument as _;

use crate::{
    cli::{Output, RunArgs},
    progress, say,
};
use drive::Workshop;
use prepare::{OnDisk, Sources, Videos};
pub(crate) use prepare::{file_name, read, utf8};
use profile::Profile;
pub(crate) use settings::codec;
use tree::Disk;

/// Where everything that outlives a run lies, below the output folder.
const STATE: &str = ".langflix";

/// Works on every episode that the arguments name. Gives how they ended: failed where all did.
///
/// # Errors
/// What keeps any episode from being worked on at all.
pub(crate) async fn run(args: &RunArgs, config: &Config) -> anyhow::Result<EpisodeStatus> {
    let profile = args.profile.then(Profile::begin).transpose()?;
    let status = all(args, config).await?;
    if let Some(profile) = profile {
        profile.tell(args.output());
    }
    Ok(status)
}

async fn all(args: &RunArgs, config: &Config) -> anyhow::Result<EpisodeStatus> {
    let language = settings::language(config, &args.episodes)?;
    let episodes = episodes::find(&Disk, &args.paths, &args.episodes, config, &language)?;
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let ffmpeg = ffmpeg.on_render_node(config.video.render_node.clone());
    let codec = match args.episodes.dry_run {
        true => None,
        false => Some(codec(&ffmpeg, &config.video).await?),
    };
    if let Some(codec) = codec {
        settings::preset(&config.video, codec)?;
    }
    let state = config.run.output.join(STATE);
    let unusable = || format!("the output folder {} cannot be used", config.run.output.display());
    fs::create_dir_all(&state).with_context(unusable)?;
    let store = DirectoryStore::open(&state.join("store")).with_context(unusable)?;
    let cache: Arc<dyn Cache> = Arc::new(open_cache(&state)?);
    let ffmpeg = ffmpeg.with_cache(Arc::clone(&cache));
    let scratch = fresh_scratch(&state)?;
    let videos = OnDisk { media: &ffmpeg, cache: Some(cache.as_ref()) };
    let model = langflix_llm::build(&settings::llm(&config.llm), Arc::clone(&cache))?;
    let (spec, slots) = match codec {
        Some(codec) => {
            let Capacity { slots, threads } =
                settings::capacity(config, codec, prepare::largest(&videos, &episodes).await);
            (Some(settings::encoding(config, codec, threads)?), slots)
        }
        None => (None, NonZeroUsize::MIN),
    };
    let identity = Identity { name: model.name().to_owned(), fingerprint: model.fingerprint().clone() };
    let asked = settings::run(config, language, identity, spec);
    let output = args.output();
    introduce(config, &asked, episodes.len(), output);
    warn_of_fonts(&asked).await;
    let observer = progress::observer(output);
    let watch = Watch::new(config.processing.max_memory_mb);
    let pressure = watch.pressure();
    let _watching = Watching(tokio::spawn(watch.run(Shutdown::default())));
    let workshop = Workshop {
        store: &store,
        model: model.as_ref(),
        encoder: &Counted::new(ffmpeg.clone()),
        observer: observer.as_ref(),
        scratch: &scratch,
        chunks_at_once: settings::chunks_at_once(&config.llm),
        slots: Slots::new(slots),
        pressure,
        clips: tokio::sync::watch::Sender::new(0),
    };
    let at_once = config.processing.batch_size as usize;
    let episode = &|sources| one(&workshop, &videos, sources, &asked, &config.run.output);
    let ends: Vec<(&Sources, anyhow::Result<Manifest>)> = stream::iter(&episodes)
        .map(|sources| async move {
            let logged = tracing::info_span!("run", episode = %sources.episode);
            let span = trace::Span::begin(None, || "run".to_owned());
            (sources, span.around(episode(sources)).instrument(logged).await)
        })
        .buffered(at_once)
        .collect()
        .await;
    let status = report::report(&ends, &config.run.output, output);
    index_unread(&ends, &config.run.output)?;
    Ok(status)
}

/// Tells where no font writes what is to be drawn into the picture.
async fn warn_of_fonts(asked: &RunSettings) {
    let burn = if asked.encode.is_some() { asked.burn } else { Burn::None };
    for (drawn, language) in [(burn.source(), &asked.source_language), (burn.target(), &asked.language)] {
        if drawn && langflix_media::has_font(std::env::var_os("PATH").as_deref(), language).await == Some(false) {
            tracing::warn!(%language, "no font is installed that is known to write it: drawn subtitles may be boxes");
        }
    }
}

/// Memory is looked after until this is dropped.
struct Watching(tokio::task::JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn one(
    workshop: &Workshop<'_>,
    videos: &OnDisk<'_>,
    sources: &Sources,
    settings: &RunSettings,
    out: &Path,
) -> anyhow::Result<Manifest> {
    deliver::is_free(out, &sources.episode)?;
    let asked = asked(videos.media, videos, sources, settings).await?;
    let manifest = workshop.drive(&asked).await?;
    let manifest = deliver::deliver(workshop.store, out, manifest).await?;
    deliver::deliver_index(out, &manifest.episode.show, &[])?;
    Ok(manifest)
}

/// Has the page of each show say which of its episodes came to nothing.
fn index_unread(ends: &[(&Sources, anyhow::Result<Manifest>)], out: &Path) -> anyhow::Result<()> {
    let mut shows: BTreeMap<&str, Vec<(EpisodeId, String)>> = BTreeMap::new();
    for (sources, end) in ends {
        if let Err(error) = end {
            let unread = (sources.episode.clone(), format!("{error:#}"));
            shows.entry(&sources.episode.show).or_default().push(unread);
        }
    }
    for (show, unread) in shows {
        deliver::deliver_index(out, show, &unread)?;
    }
    Ok(())
}

/// Reads the sources of an episode, and tells what is odd in them.
///
/// # Errors
/// One line that says what is wrong with which file.
pub(crate) async fn asked(
    media: &dyn MediaProbe,
    videos: &dyn Videos,
    sources: &Sources,
    settings: &RunSettings,
) -> anyhow::Result<RunRequest> {
    let say = |file: &str, diagnostic: &langflix_subtitles::Diagnostic| {
        let (line, kind) = (diagnostic.line, diagnostic.kind);
        tracing::info!(file, line, %kind, detail = diagnostic.detail, "subtitles");
    };
    let asked = prepare::prepare(media, videos, sources, settings.clone(), &say).await?;
    if let Some(found) = speaks_otherwise(&asked) {
        let file = &asked.subtitles.name;
        tracing::warn!(file, %found, expected = %settings.source_language, "the subtitles seem to be in another language");
    }
    Ok(asked)
}

fn open_cache(state: &Path) -> anyhow::Result<DirectoryCache> {
    let root = state.join("cache");
    DirectoryCache::open(&root).with_context(|| root.display().to_string())
}

/// An empty folder for work in progress: the store's lock says that nobody else works in it.
fn fresh_scratch(state: &Path) -> anyhow::Result<std::path::PathBuf> {
    let scratch = state.join("scratch");
    let made = || {
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)
    };
    made().with_context(|| scratch.display().to_string())?;
    std::path::absolute(&scratch).with_context(|| scratch.display().to_string())
}

/// Says what is about to be done.
pub(crate) fn introduce(config: &Config, asked: &RunSettings, episodes: usize, output: Output) {
    if output != Output::Text {
        return;
    }
    let many = if episodes == 1 { String::new() } else { format!("{episodes} episodes, ") };
    say::err!("{many}{} to {}, {}", asked.source_language, asked.language, asked.level.as_str());
    if config.llm.provider == Provider::Offline {
        let why =
            if config.llm.provider_is_automatic { "No key for gemini or openai: expressions" } else { "Expressions" };
        say::err!("{why} come from the offline lexicon, which knows English and does not translate.");
    }
}
