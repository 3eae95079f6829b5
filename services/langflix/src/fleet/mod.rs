//! The operator's commands for the fleet.

mod api;
mod dead;
mod doctor;
mod fetch;
mod ingest;
mod status;
mod steer;
mod table;
mod topology;
mod wait;
mod watch;
mod which;

use langflix_domain::EpisodeStatus;
use langflix_fleet::Servers;
use langflix_runtime::config::FleetConfig;

use crate::{
    Parting,
    cli::{Command, TopologyCommand},
};
pub(crate) use api::Api;
pub(crate) use doctor::doctor;
pub(crate) use status::status;
pub(crate) use table::Table;

/// Does what a command for the fleet says.
///
/// # Errors
/// What keeps it from being done.
pub(crate) async fn command(
    command: &Command,
    config: &FleetConfig,
    parting: &Parting,
) -> anyhow::Result<EpisodeStatus> {
    let servers = Servers::of(config, "operator")?;
    let (store, queue) = (servers.store.as_ref(), servers.queue.as_ref());
    match command {
        Command::Ingest(args) => {
            let place = ingest::Place { store, s3: &config.s3, queue };
            ingest::ingest(args, &config.common, place, parting).await
        }
        Command::Status(args) => {
            let servers = status::Servers { store, queue, prices: config.common.llm.prices.as_ref() };
            status::status(args, &servers, parting).await
        }
        Command::Fetch(args) => fetch::fetch(store, &args.run, &config.common.run.output, args.output()).await,
        Command::Dead { command } => dead::dead(command, store, queue).await,
        Command::Cancel(args) => steer::cancel(store, queue, &args.run).await,
        Command::Retry(args) => steer::retry(store, queue, args).await,
        Command::Topology { command: TopologyCommand::Show { json } } => topology::show(queue, *json).await,
        Command::Topology { command: TopologyCommand::Apply } => topology::apply(queue).await,
        Command::Run(_)
        | Command::Bench(_)
        | Command::Plan(_)
        | Command::Inspect(_)
        | Command::Config { .. }
        | Command::Doctor(_) => Ok(EpisodeStatus::Complete),
    }
}
