#![doc = include_str!("../README.md")]

mod handler;

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use langflix_domain::VideoCodec;
use langflix_fleet::{Servers, Service, take};
use langflix_media::{Asked, Ffmpeg, Machine};
use langflix_pipeline::fleet::Requests;
use langflix_ports::queue::{Name, Place};
use langflix_runtime::{
    config::FleetConfig,
    resources,
    service::{Crew, patience},
    worker::{Intake, Slots},
};
use tokio::sync::watch;

pub use handler::Encoding;

/// What this program itself takes at most, in MB.
const OWN_MB: u64 = 100;
/// Sources are commonly this large; larger ones take more memory, and are few.
const COMMON: (u32, u32) = (1920, 1080);

/// Runs the program with this process's arguments and environment.
pub fn main() -> ExitCode {
    langflix_fleet::run("encoding-worker", "Cuts the clips of runs and records them.", serve)
}

/// Encodes until it is told to end.
async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let Service { config, health, shutdown } = service;
    let servers = Servers::of(&config, "encoding-worker")?;
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let scratch = scratch(&config)?;
    let usable = async || langflix_media::usable(&ffmpeg, VideoCodec::Libx264).await;
    if patience(&health.part("encoder"), &shutdown, usable).await.is_none()
        || !servers.wait(&health, &shutdown, false).await
    {
        return Ok(ExitCode::SUCCESS);
    }
    let encoding = Arc::new(Encoding {
        store: servers.store.clone(),
        queue: servers.queue.clone(),
        tally: servers.tally(),
        encoder: Arc::new(ffmpeg),
        sources: Arc::new(langflix_pipeline::InPlace),
        scratch,
        requests: Requests::default(),
        max_attempts: config.fleet.max_attempts,
    });
    let (_free, slots) = watch::channel(slots(&config));
    let lanes = [Name::EncodingInteractive, Name::EncodingBulk].map(Place::Work).into();
    let drain = config.fleet.drain;
    let intake = Intake { name: "clips", queue: servers.queue.clone(), slots: Slots::Shared(lanes, slots), drain };
    let mut crew = Crew::new(&shutdown);
    take(&mut crew, &health, &shutdown, intake, move |job| {
        let encoding = encoding.clone();
        async move { encoding.clip(job).await }
    });
    Ok(crew.ended(drain).await)
}

/// How many clips are encoded at once, by cores and memory.
fn slots(config: &FleetConfig) -> usize {
    let processing = &config.common.processing;
    let memory_mb = resources::memory_budget(processing.max_memory_mb) / 1_000_000;
    let machine = Machine { cores: resources::cores(), memory_mb: memory_mb.saturating_sub(OWN_MB) };
    let slots = usize::try_from(processing.max_concurrent_jobs).unwrap_or(usize::MAX);
    // The threads of a clip are part of its spec, and the same on every machine.
    let threads = langflix_fleet::CLIP_THREADS.get();
    machine.share(VideoCodec::Libx264, Asked { slots, threads }, COMMON).slots.get()
}

/// The folder for clips in the making, empty.
fn scratch(config: &FleetConfig) -> anyhow::Result<PathBuf> {
    let root = config.fleet.scratch_dir.clone().unwrap_or_else(|| std::env::temp_dir().join("langflix"));
    let scratch = root.join("clips");
    let at = || format!("fleet.scratch_dir {}", root.display());
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(at)?;
    }
    fs::create_dir_all(&scratch).with_context(at)?;
    std::path::absolute(scratch).with_context(at)
}
