#![doc = include_str!("../README.md")]

mod handler;

use std::{
    num::NonZeroU16,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use langflix_fleet::{Ports, Servers, Service, present, take};
use langflix_pipeline::fleet::Requests;
use langflix_ports::{
    llm::LanguageModel,
    queue::{Name, Place},
};
use langflix_runtime::{
    config::Needs,
    pressure::Watch,
    service::Crew,
    worker::{Intake, Slots},
};

pub use handler::Analysing;

/// Runs the program with this process's arguments and environment.
pub fn main() -> ExitCode {
    langflix_fleet::run(
        "analysis-worker",
        Needs::Model,
        "Finds the expressions in subtitle chunks and records them.",
        serve,
    )
}

/// Waits for the servers of the configuration, and analyses chunks until the service is told to end.
///
/// # Errors
/// Where a setting is wrong; names its key.
pub async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let servers = Servers::of(&service.config, "analysis-worker")?;
    let model = servers.model(&service.config)?;
    let (roster, health) = (servers.roster(), service.health.clone());
    let work = async {
        match servers.wait(&service.health, &service.shutdown, false).await {
            true => analyse(service, servers.ports(), model).await,
            false => ExitCode::SUCCESS,
        }
    };
    Ok(present(&roster, &health, || None, work).await)
}

/// Analyses chunks through `ports` by asking `model`, until the service is told to end.
pub async fn analyse(service: Service, ports: Ports, model: Arc<dyn LanguageModel>) -> ExitCode {
    let Service { config, health, shutdown } = service;
    tracing::info!(model = model.name(), "asks");
    // Each lane may have as many at once; what reaches the provider is bounded for both together.
    let at_once = u16::try_from(config.common.llm.max_concurrent_requests.get()).unwrap_or(u16::MAX);
    let at_once = NonZeroU16::new(at_once).unwrap_or(NonZeroU16::MIN);
    let lanes = [Name::AnalysisInteractive, Name::AnalysisBulk].map(|name| (Place::Work(name), at_once));
    let (queue, drain) = (ports.queue.clone(), config.fleet.drain);
    let watch = Watch::new(config.common.processing.max_memory_mb).telling(&health);
    let intake = Intake { name: "chunks", queue, slots: Slots::Own(lanes.into()), drain, pressure: watch.pressure() };
    let max_attempts = config.fleet.max_attempts;
    let analysing =
        Arc::new(Analysing { ports, model, requests: Requests::default(), max_attempts, fits: AtomicBool::default() });
    let mut crew = Crew::new(&shutdown);
    crew.spawn("pressure", watch.run(shutdown.clone()));
    take(&mut crew, &health, &shutdown, intake, move |job| {
        let analysing = analysing.clone();
        async move { analysing.chunk(job).await }
    });
    crew.ended(drain).await
}
