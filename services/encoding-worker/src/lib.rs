#![doc = include_str!("../README.md")]

mod gpu;
mod handler;
mod room;
mod source;

use std::{num::NonZeroUsize, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use langflix_domain::VideoCodec;
use langflix_fleet::{Ports, Servers, Service, present, take};
use langflix_local::Scratch;
use langflix_media::{Asked, Counted, Ffmpeg, Machine};
use langflix_pipeline::fleet::Requests;
use langflix_ports::{
    flight::Flights,
    media::{ClipEncoder, SourceAccess},
    queue::{Name, Place},
};
use langflix_runtime::{
    config::{FleetConfig, Needs},
    pressure::{Watch, memory_for_work},
    resources,
    service::{Crew, patience},
    worker::{Intake, Slots},
};

pub use gpu::{Desk, Encoders, Watched};
pub use handler::Encoding;
pub use room::MakesRoom;
pub use source::S3Sources;

/// What this program itself takes at most, in MB.
const OWN_MB: u64 = 100;
/// Sources are commonly this large; larger ones take more memory, and are few.
const COMMON: (u32, u32) = (1920, 1080);

/// Runs the program with this process's arguments and environment.
pub fn main() -> ExitCode {
    langflix_fleet::run("encoding-worker", Needs::Servers, "Cuts the clips of runs and records them.", serve)
}

/// Waits for the servers of the configuration, and encodes clips until the service is told to end.
///
/// # Errors
/// Where a setting is wrong; names its key.
pub async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let (config, health) = (&service.config, &service.health);
    let servers = Servers::of(config, "encoding-worker")?;
    let ffmpeg = ffmpeg(config)?;
    let scratch = scratch(config)?;
    let (fallback, slots, part) = (config.common.video.fallback, in_software(config), health.part("gpu"));
    let on_nvidia = langflix_fleet::on_nvidia(&config.common.video);
    let desk = match on_nvidia {
        true => Desk::new(&config.gpu, fallback, slots, part),
        false => Desk::without_gpu(&config.gpu, fallback, slots, part),
    };
    let (roster, health, told) = (servers.roster(), health.clone(), desk.clone());
    let work = encode_at(service, servers, Tooling { ffmpeg, scratch, desk, on_nvidia });
    Ok(present(&roster, &health, || told.view(), work).await)
}

/// What the configuration says that clips are made with.
struct Tooling {
    ffmpeg: Ffmpeg,
    scratch: Scratch,
    desk: Arc<Desk>,
    on_nvidia: bool,
}

async fn encode_at(service: Service, servers: Servers, tooling: Tooling) -> ExitCode {
    let Tooling { ffmpeg, scratch, desk, on_nvidia } = tooling;
    let (config, health) = (&service.config, &service.health);
    let usable = async || langflix_media::usable(&ffmpeg, VideoCodec::Libx264).await;
    if patience(&health.part("encoder"), &service.shutdown, usable).await.is_none()
        || !servers.wait(health, &service.shutdown, false).await
    {
        return ExitCode::SUCCESS;
    }
    let encoders = Encoders::new(desk.clone(), ffmpeg.clone(), config.common.video.fallback);
    let tools = Tools {
        encoder: Arc::new(MakesRoom::new(Arc::new(Counted::new(encoders)), scratch.clone())),
        sources: Arc::new(S3Sources::new(servers.store.clone(), config.s3.bucket.clone(), scratch.clone())),
        scratch,
        desk: desk.clone(),
        flights: Arc::new(servers.flights()),
    };
    let watched = Watched { device: config.gpu.device.clone(), library: None, ffmpeg };
    let told = service.shutdown.clone();
    let watching = on_nvidia.then(|| tokio::spawn(async move { watched.watch(&desk, &told).await }));
    let code = encode(service, servers.ports(), tools).await;
    if let Some(watching) = watching {
        watching.abort();
    }
    code
}

/// What clips are made with.
pub struct Tools {
    /// Cuts them.
    pub encoder: Arc<dyn ClipEncoder>,
    /// Makes sources readable.
    pub sources: Arc<dyn SourceAccess>,
    /// Where clips are in the making.
    pub scratch: Scratch,
    /// How many there may be at once.
    pub desk: Arc<Desk>,
    /// Who in the fleet is under way with which.
    pub flights: Arc<dyn Flights>,
}

/// Encodes clips through `ports` until the service is told to end.
pub async fn encode(service: Service, ports: Ports, tools: Tools) -> ExitCode {
    let Service { config, health, shutdown } = service;
    let max_attempts = config.fleet.max_attempts;
    let lanes = [Name::EncodingInteractive, Name::EncodingBulk].map(Place::Work).into();
    let (queue, drain) = (ports.queue.clone(), config.fleet.drain);
    let scratch = tools.scratch.clone();
    let watch = Watch::new(config.common.processing.max_memory_mb)
        .with_room(move || Box::pin(room::room(scratch.clone())))
        .telling(&health);
    let (slots, pressure) = (Slots::Shared(lanes, tools.desk.slots()), watch.pressure());
    let intake = Intake { name: "clips", queue, slots, drain, pressure };
    let encoding = Arc::new(Encoding { ports, tools, requests: Requests::default(), max_attempts });
    let mut crew = Crew::new(&shutdown);
    crew.spawn("pressure", watch.run(shutdown.clone()));
    take(&mut crew, &health, &shutdown, intake, move |job| {
        let encoding = encoding.clone();
        async move { encoding.clip(job).await }
    });
    crew.ended(drain).await
}

/// How many clips are encoded at once in software, by cores and memory.
pub fn in_software(config: &FleetConfig) -> NonZeroUsize {
    let processing = &config.common.processing;
    let memory_mb = memory_for_work(processing.max_memory_mb) / 1_000_000;
    let machine = Machine { cores: resources::cores(), memory_mb: memory_mb.saturating_sub(OWN_MB) };
    let slots = usize::try_from(processing.max_concurrent_jobs).unwrap_or(usize::MAX);
    // The threads of a clip are part of its spec, and the same on every machine.
    let threads = langflix_fleet::CLIP_THREADS.get();
    machine.share(VideoCodec::Libx264, Asked { slots, threads }, COMMON).slots
}

/// ffmpeg, which trusts the same authorities as this program where it reads from the store.
fn ffmpeg(config: &FleetConfig) -> anyhow::Result<Ffmpeg> {
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let ffmpeg = ffmpeg.on_render_node(config.common.video.render_node.clone());
    match &config.s3.ca {
        Some(ca) => ffmpeg.with_authorities(ca.as_pem().as_bytes()).context("no file for s3.ca_file can be written"),
        None => Ok(ffmpeg),
    }
}

/// The folder for clips in the making and copies of sources.
///
/// # Errors
/// Where it cannot be used; names its key.
pub fn scratch(config: &FleetConfig) -> anyhow::Result<Scratch> {
    let root = config.fleet.scratch_dir.clone().unwrap_or_else(|| std::env::temp_dir().join("langflix"));
    Scratch::open(&root, config.fleet.scratch_mb << 20)
        .with_context(|| format!("fleet.scratch_dir {}: give another folder", root.display()))
}

#[cfg(test)]
mod tests {
    use langflix_runtime::config::Sources;

    use super::*;

    #[test]
    fn clips_are_planned_with_memory_that_may_be_in_use_before_it_is_short() {
        let settings = [
            ("LANGFLIX__S3__BUCKET", "bucket"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("LANGFLIX__PROCESSING__MAX_CONCURRENT_JOBS", "64"),
            // 1,782 MB: three clips of 510 beside this program would fit, and 80 % are 1,426.
            ("LANGFLIX__PROCESSING__MAX_MEMORY_MB", "1700"),
        ];
        let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = FleetConfig::load(&Sources { environment, ..Sources::default() }, Needs::Servers).unwrap();
        assert_eq!(in_software(&config).get(), 2);
    }
}
