#![doc = include_str!("../README.md")]

mod handler;

use std::{num::NonZeroU16, process::ExitCode, sync::Arc};

use langflix_fleet::{Servers, Service, llm, take};
use langflix_pipeline::fleet::Requests;
use langflix_ports::queue::{Name, Place};
use langflix_runtime::{
    service::Crew,
    worker::{Intake, Slots},
};

pub use handler::Analysing;

/// Runs the program with this process's arguments and environment.
pub fn main() -> ExitCode {
    langflix_fleet::run("analysis-worker", "Finds the expressions in subtitle chunks and records them.", serve)
}

/// Analyses until it is told to end.
async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let Service { config, health, shutdown } = service;
    let servers = Servers::of(&config, "analysis-worker")?;
    let model = langflix_llm::build(&llm(&config.common.llm), servers.cache())?;
    tracing::info!(model = model.name(), "asks");
    if !servers.wait(&health, &shutdown, false).await {
        return Ok(ExitCode::SUCCESS);
    }
    let analysing = Arc::new(Analysing {
        store: servers.store.clone(),
        queue: servers.queue.clone(),
        tally: servers.tally(),
        model,
        requests: Requests::default(),
        max_attempts: config.fleet.max_attempts,
    });
    // A chunk in each lane is a request to the provider at most, and those are bounded together.
    let at_once = u16::try_from(config.common.llm.max_concurrent_requests.get()).unwrap_or(u16::MAX);
    let at_once = NonZeroU16::new(at_once).unwrap_or(NonZeroU16::MIN);
    let lanes = [Name::AnalysisInteractive, Name::AnalysisBulk].map(|name| (Place::Work(name), at_once));
    let drain = config.fleet.drain;
    let intake = Intake { name: "chunks", queue: servers.queue.clone(), slots: Slots::Own(lanes.into()), drain };
    let mut crew = Crew::new(&shutdown);
    take(&mut crew, &health, &shutdown, intake, move |job| {
        let analysing = analysing.clone();
        async move { analysing.chunk(job).await }
    });
    Ok(crew.ended(drain).await)
}
