#![doc = include_str!("../README.md")]

mod handler;
mod sweeping;

use std::{num::NonZeroU16, process::ExitCode, sync::Arc};

use langflix_fleet::{Servers, Service, take};
use langflix_ports::queue::{Name, Place, Shelf};
use langflix_runtime::{
    service::Crew,
    worker::{Intake, Slots},
};

pub use handler::Dispatching;

/// Steps taken at once. Each is a handful of requests to the store.
const STEPS: NonZeroU16 = NonZeroU16::new(8).unwrap();

/// Runs the program with this process's arguments and environment.
pub fn main() -> ExitCode {
    langflix_fleet::run("dispatcher", "Plans episodes, publishes their tasks and follows them to the manifest.", serve)
}

/// Dispatches until it is told to end.
async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let Service { config, health, shutdown } = service;
    let servers = Servers::of(&config, "dispatcher")?;
    if !servers.wait(&health, &shutdown, true).await {
        return Ok(ExitCode::SUCCESS);
    }
    let dispatching = Arc::new(Dispatching {
        store: servers.store.clone(),
        queue: servers.queue.clone(),
        tally: servers.tally(),
        in_flight: config.fleet.tasks_in_flight,
    });
    let drain = config.fleet.drain;
    let intake = |name, lanes| Intake { name, queue: servers.queue.clone(), slots: Slots::Own(lanes), drain };
    let steps = [Name::Episodes, Name::Stages].map(|name| (Place::Work(name), STEPS));
    let dead = Name::ALL.map(|name| (Place::Shelf(name, Shelf::Dead), NonZeroU16::MIN));
    let mut crew = Crew::new(&shutdown);
    let steps = (intake("steps", steps.into()), dispatching.clone());
    take(&mut crew, &health, &shutdown, steps.0, move |job| {
        let dispatching = steps.1.clone();
        async move { dispatching.step(job).await }
    });
    let dead = (intake("undertaker", dead.into()), dispatching.clone());
    take(&mut crew, &health, &shutdown, dead.0, move |job| {
        let dispatching = dead.1.clone();
        async move { dispatching.bury(job).await }
    });
    let (part, told) = (health.part("sweeper"), shutdown.clone());
    crew.spawn("sweeper", async move { sweeping::sweep(&dispatching, drain, &part, &told).await });
    Ok(crew.ended(drain).await)
}
