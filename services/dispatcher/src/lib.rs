#![doc = include_str!("../README.md")]

mod handler;
mod sweeping;
mod web;

use std::{num::NonZeroU16, process::ExitCode, sync::Arc};

use langflix_fleet::{Ports, Servers, Service, present, take};
use langflix_ports::queue::{Name, Place, Shelf};
use langflix_runtime::{
    config::Needs,
    pressure::{Pressure, Watch},
    service::Crew,
    worker::{Intake, Slots},
};

pub use handler::Dispatching;
use web::Web;

/// Steps taken at once. Each is a handful of requests to the store.
const STEPS: NonZeroU16 = NonZeroU16::new(8).unwrap();

/// Runs the program with this process's arguments and environment.
pub fn main() -> ExitCode {
    langflix_fleet::run(
        "dispatcher",
        Needs::Page,
        "Plans episodes, publishes their tasks and follows them to the manifest.",
        serve,
    )
}

/// Waits for the servers of the configuration, and dispatches until the service is told to end.
///
/// # Errors
/// Where a setting is wrong; names its key.
pub async fn serve(service: Service) -> anyhow::Result<ExitCode> {
    let servers = Servers::of(&service.config, "dispatcher")?;
    // The page tells what is waited for, too.
    let web = Web::begin(&service, &servers).await?;
    let (roster, health) = (servers.roster(), service.health.clone());
    let (told, shutdown) = (health.clone(), service.shutdown.clone());
    let work = async {
        let code = match servers.wait(&service.health, &service.shutdown, true).await {
            true => tokio::join!(dispatch(service, servers.ports()), servers.keep_topology(&told, &shutdown)).0,
            false => ExitCode::SUCCESS,
        };
        if let Some(web) = web {
            web.ended().await;
        }
        code
    };
    Ok(present(&roster, &health, || None, work).await)
}

/// Dispatches through `ports` until the service is told to end.
pub async fn dispatch(service: Service, ports: Ports) -> ExitCode {
    let Service { config, health, shutdown } = service;
    let (queue, drain) = (ports.queue.clone(), config.fleet.drain);
    let (requests, in_flight) = (Arc::default(), config.fleet.tasks_in_flight);
    let dispatching = Arc::new(Dispatching { ports, requests, in_flight });
    let intake = |name, lanes| Intake {
        name,
        queue: queue.clone(),
        slots: Slots::Own(lanes),
        drain,
        pressure: Pressure::default(),
    };
    let mut crew = Crew::new(&shutdown);
    // It tells its memory, and takes steps all the same: without them no run would end.
    let watch = Watch::new(config.common.processing.max_memory_mb).telling(&health);
    crew.spawn("pressure", watch.run(shutdown.clone()));
    let steps = intake("steps", [Name::Episodes, Name::Stages].map(|name| (Place::Work(name), STEPS)).into());
    let stepping = dispatching.clone();
    take(&mut crew, &health, &shutdown, steps, move |job| {
        let dispatching = stepping.clone();
        async move { dispatching.step(job).await }
    });
    let dead = Name::ALL.map(|name| (Place::Shelf(name, Shelf::Dead), NonZeroU16::MIN));
    let burying = dispatching.clone();
    take(&mut crew, &health, &shutdown, intake("undertaker", dead.into()), move |job| {
        let dispatching = burying.clone();
        async move { dispatching.bury(job).await }
    });
    let (part, told, silence) = (health.part("sweeper"), shutdown.clone(), config.fleet.silence);
    crew.spawn("sweeper", async move { sweeping::sweep(&dispatching, silence, &part, &told).await });
    crew.ended(drain).await
}
