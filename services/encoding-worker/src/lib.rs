#![doc = include_str!("../README.md")]

mod handler;

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use langflix_domain::VideoCodec;
use langflix_fleet::{Ports, Servers, Service, take};
use langflix_media::{Asked, Ffmpeg, Machine};
use langflix_pipeline::fleet::Requests;
use langflix_ports::{
    media::{ClipEncoder, SourceAccess},
    queue::{Name, Place},
};
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

async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let servers = Servers::of(&service.config, "encoding-worker")?;
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let usable = async || langflix_media::usable(&ffmpeg, VideoCodec::Libx264).await;
    if patience(&service.health.part("encoder"), &service.shutdown, usable).await.is_none()
        || !servers.wait(&service.health, &service.shutdown, false).await
    {
        return Ok(ExitCode::SUCCESS);
    }
    encode(service, servers.ports(), Arc::new(ffmpeg), Arc::new(langflix_pipeline::InPlace)).await
}

/// Encodes clips through `ports` with `encoder`, which reads from `sources`, until the service is told to end.
///
/// # Errors
/// Where the folder for clips in the making cannot be used.
pub async fn encode(
    service: Service,
    ports: Ports,
    encoder: Arc<dyn ClipEncoder>,
    sources: Arc<dyn SourceAccess>,
) -> anyhow::Result<ExitCode> {
    let Service { config, health, shutdown } = service;
    let (scratch, max_attempts) = (scratch(&config)?, config.fleet.max_attempts);
    let (_free, slots) = watch::channel(slots(&config));
    let lanes = [Name::EncodingInteractive, Name::EncodingBulk].map(Place::Work).into();
    let (queue, drain) = (ports.queue.clone(), config.fleet.drain);
    let intake = Intake { name: "clips", queue, slots: Slots::Shared(lanes, slots), drain };
    let encoding = Arc::new(Encoding { ports, encoder, sources, scratch, requests: Requests::default(), max_attempts });
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
