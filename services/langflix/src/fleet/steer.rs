//! `langflix cancel` and `langflix retry`.

use anyhow::bail;
use langflix_domain::{EpisodeStatus, RunId};
use langflix_fleet::{Again, Cancelled, again};
use langflix_pipeline::fleet::state;
use langflix_ports::{queue::Queue, store::ArtifactStore};
use langflix_rabbitmq::RabbitQueue;

use super::which;
use crate::{cli::RetryArgs, counted, say};

/// Tells the fleet to end the named run.
///
/// # Errors
/// Where there is no such run, or a server fails.
pub(crate) async fn cancel(store: &dyn ArtifactStore, queue: &dyn Queue, name: &str) -> anyhow::Result<EpisodeStatus> {
    let run = which::one(store, name).await?;
    match langflix_fleet::cancel(store, queue, &run).await? {
        Cancelled::Ended(status) => say::out!("{run} has ended {}: there is nothing to cancel", status.as_str())?,
        Cancelled::NoRun => bail!(no_run(&run)),
        Cancelled::Underway => say::out!(
            "{run} is being cancelled: what has no outcome yet ends as cancelled, and what is done stays\n\
             `langflix retry {run}` takes it up again, with the clips that are in the making now"
        )?,
    }
    Ok(EpisodeStatus::Complete)
}

/// Hands the named run to the fleet again, for what failed in it.
///
/// # Errors
/// Where there is no such run, or a server fails.
pub(crate) async fn retry(
    store: &dyn ArtifactStore,
    queue: &RabbitQueue,
    args: &RetryArgs,
) -> anyhow::Result<EpisodeStatus> {
    let run = which::one(store, &args.run).await?;
    match again(store, queue, &run, args.lane()).await? {
        Again::NoRun => bail!(no_run(&run)),
        Again::BeingCancelled => {
            bail!("{run}: it is still being cancelled: the same command takes it up again once it has ended")
        }
        Again::Tasks(0) => match state(store, &run).await?.ending {
            Some(_) => say::out!("{run}: nothing failed in it")?,
            None => say::out!("{run}: nothing failed in it so far, and it goes on")?,
        },
        Again::Tasks(failed) => say::out!("{run}: {} again", counted(failed, "failed task"))?,
    }
    Ok(EpisodeStatus::Complete)
}

fn no_run(run: &RunId) -> String {
    format!("{run}: there is no such run in this bucket: `langflix status` lists them")
}
