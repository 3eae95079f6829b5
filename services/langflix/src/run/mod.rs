//! `langflix run`: the whole pipeline in this process.

mod deliver;
mod drive;
mod episodes;
mod prepare;
mod settings;
mod tree;

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use langflix_domain::{EpisodeStatus, Manifest, ManifestFailure};
use langflix_llm::Identity;
use langflix_local::{DirectoryCache, DirectoryStore};
use langflix_media::{Ffmpeg, Slots};
use langflix_pipeline::RunSettings;
use langflix_ports::cache::Cache;
use langflix_runtime::config::{Config, Provider};

use crate::{
    cli::{Output, RunArgs},
    counted, progress,
};
use drive::Workshop;
use prepare::{OnDisk, Sources};
pub(crate) use prepare::{file_name, read};
pub(crate) use settings::codec;
use tree::Disk;

/// Where everything that outlives a run lies, below the output folder.
const STATE: &str = ".langflix";

/// Works on every episode that the arguments name. Gives how they ended: failed where all did.
///
/// # Errors
/// What keeps any episode from being worked on at all.
pub(crate) async fn run(args: &RunArgs, config: &Config) -> anyhow::Result<EpisodeStatus> {
    let language = settings::language(config, args.episodes.target_subs_suffix.as_deref())?;
    let episodes = episodes::find(&Disk, &args.paths, &args.episodes, config, &language)?;
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let codec = codec(&ffmpeg, &config.video).await?;
    let state = config.run.output.join(STATE);
    let unusable = || format!("the output folder {} cannot be used", config.run.output.display());
    fs::create_dir_all(&state).with_context(unusable)?;
    let store = DirectoryStore::open(&state.join("store")).with_context(unusable)?;
    let cache: Arc<dyn Cache> = Arc::new(open_cache(&state)?);
    let scratch = fresh_scratch(&state)?;
    let videos = OnDisk { media: &ffmpeg, cache: cache.as_ref() };
    let model = langflix_llm::build(&settings::llm(&config.llm), Arc::clone(&cache))?;
    let capacity = settings::capacity(config, codec, prepare::largest(&videos, &episodes).await);
    let spec = (!args.episodes.dry_run).then(|| settings::encoding(config, codec, capacity.threads));
    let identity = Identity { name: model.name().to_owned(), fingerprint: model.fingerprint().clone() };
    let asked = settings::run(config, language, identity, spec);
    let output = args.output();
    introduce(config, &asked, episodes.len(), output);
    let observer = progress::observer(output);
    let workshop = Workshop {
        store: &store,
        model: model.as_ref(),
        encoder: &ffmpeg,
        observer: observer.as_ref(),
        scratch: &scratch,
        chunks_at_once: settings::chunks_at_once(&config.llm),
        slots: Slots::new(capacity.slots),
    };
    let at_once = config.processing.batch_size as usize;
    let episode = &|sources| one(&workshop, &videos, sources, &asked, &config.run.output);
    let ends: Vec<(&Sources, anyhow::Result<Manifest>)> = stream::iter(&episodes)
        .map(|sources| async move { (sources, episode(sources).await) })
        .buffered(at_once)
        .collect()
        .await;
    report(&ends, &config.run.output, output)
}

async fn one(
    workshop: &Workshop<'_>,
    videos: &OnDisk<'_>,
    sources: &Sources,
    settings: &RunSettings,
    out: &Path,
) -> anyhow::Result<Manifest> {
    let say = |file: &str, diagnostic: &langflix_subtitles::Diagnostic| {
        let (line, kind) = (diagnostic.line, diagnostic.kind);
        tracing::info!(file, line, %kind, detail = diagnostic.detail, "subtitles");
    };
    let asked = prepare::prepare(videos.media, videos, sources, settings.clone(), &say).await?;
    if let Some(found) = prepare::speaks_otherwise(&asked.transcript, &settings.source_language) {
        let file = &asked.subtitles.name;
        tracing::warn!(file, %found, expected = %settings.source_language, "the subtitles seem to be in another language");
    }
    let manifest = workshop.drive(&asked).await?;
    let manifest = deliver::deliver(workshop.store, out, manifest).await?;
    deliver::deliver_index(out, &manifest.episode.show)?;
    Ok(manifest)
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

fn introduce(config: &Config, asked: &RunSettings, episodes: usize, output: Output) {
    if output != Output::Text {
        return;
    }
    let many = if episodes == 1 { String::new() } else { format!("{episodes} episodes, ") };
    eprintln!("{many}{} to {}, {}", asked.source_language, asked.language, asked.level.as_str());
    if config.llm.provider == Provider::Offline {
        eprintln!(
            "No key for gemini or openai: expressions come from the offline lexicon, which knows English and does not translate."
        );
    }
}

/// Says how each episode ended. All of them together are complete, failed, or something in between.
fn report(ends: &[(&Sources, anyhow::Result<Manifest>)], out: &Path, output: Output) -> anyhow::Result<EpisodeStatus> {
    let mut seen = BTreeSet::new();
    for (sources, end) in ends {
        match end {
            Ok(manifest) => {
                seen.insert(manifest.status.as_str());
                say(manifest, out, output);
            }
            Err(error) => {
                seen.insert(EpisodeStatus::Failed.as_str());
                eprintln!("error: {}: {error:#}", sources.episode);
                if output == Output::Json {
                    let (episode, error) = (sources.episode.to_string(), format!("{error:#}"));
                    println!(
                        "{}",
                        serde_json::json!({ "event": "episode_failed", "episode": episode, "error": error })
                    );
                }
            }
        }
    }
    let only = |status: EpisodeStatus| seen.len() == 1 && seen.contains(status.as_str());
    Ok(match () {
        () if only(EpisodeStatus::Complete) => EpisodeStatus::Complete,
        () if only(EpisodeStatus::Failed) => EpisodeStatus::Failed,
        () => EpisodeStatus::Partial,
    })
}

fn say(manifest: &Manifest, out: &Path, output: Output) {
    let mut groups: Vec<Vec<&ManifestFailure>> = Vec::new();
    for failure in &manifest.failures {
        let alike = |group: &&mut Vec<&ManifestFailure>| {
            group.iter().any(|other| other.stage == failure.stage && other.failure.kind == failure.failure.kind)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(failure),
            None => groups.push(vec![failure]),
        }
    }
    for group in groups {
        let [first, more @ ..] = group.as_slice() else { continue };
        let (noun, at) = (progress::noun(first.stage), first.span.start);
        let which = match more.len() {
            0 => format!("the {noun} at {at} failed"),
            more => format!("{} failed, the first at {at}", counted(more + 1, noun)),
        };
        eprintln!("error: {}: {which}: {}", manifest.episode, first.failure.message);
    }
    if output == Output::Text {
        let done = manifest.completeness;
        let page = deliver::folder(out, manifest).join("index.html");
        println!(
            "{}: {}, {}, {}: {}",
            manifest.episode,
            manifest.status.as_str(),
            counted(manifest.clips.len(), "expression"),
            counted(done.clips_ok as usize, "clip"),
            page.display()
        );
        manifest.notes.iter().for_each(|note| println!("  {note}"));
        let odd: u32 = manifest.diagnostics.iter().map(|diagnostic| diagnostic.count).sum();
        if odd > 0 {
            println!("  {} in the subtitles: --verbose shows each", counted(odd as usize, "odd place"));
        }
    }
}
