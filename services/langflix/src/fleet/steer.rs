//! `langflix cancel` and `langflix retry`.

use anyhow::{Context as _, bail};
use langflix_domain::{EpisodeStatus, RunId};
use langflix_pipeline::{
    RunRequest,
    fleet::{Order, state},
    retry_failed,
};
use langflix_ports::{
    queue::{Name, Queue},
    store::ArtifactStore,
};

use super::which;
use crate::{counted, say};

/// Tells the fleet to end the named run.
///
/// # Errors
/// Where there is no such run, or a server fails.
pub(crate) async fn cancel(store: &dyn ArtifactStore, queue: &dyn Queue, name: &str) -> anyhow::Result<EpisodeStatus> {
    let run = which::one(store, name).await?;
    let state = state(store, &run).await?;
    match (state.status, state.lane) {
        (Some(status), _) => say::out!("{run} has ended {}: there is nothing to cancel", status.as_str())?,
        (None, None) => bail!(no_run(&run)),
        (None, Some(_)) => {
            queue.publish(Name::Stages, &Order::Cancel { run: run.clone() }.message(None)?).await?;
            say::out!(
                "{run} is being cancelled: what has no outcome yet ends as cancelled, and what is done stays\n\
                 `langflix retry {run}` takes it up again, with the clips that are in the making now"
            )?;
        }
    }
    Ok(EpisodeStatus::Complete)
}

/// Hands the named run to the fleet again, for what failed in it.
///
/// # Errors
/// Where there is no such run, or a server fails.
pub(crate) async fn retry(store: &dyn ArtifactStore, queue: &dyn Queue, name: &str) -> anyhow::Result<EpisodeStatus> {
    let run = which::one(store, name).await?;
    match again(store, queue, &run).await?.with_context(|| no_run(&run))? {
        0 => match state(store, &run).await?.status {
            Some(_) => say::out!("{run}: nothing failed in it")?,
            None => say::out!("{run}: nothing failed in it so far, and it goes on")?,
        },
        failed => say::out!("{run}: {} again", counted(failed, "failed task"))?,
    }
    Ok(EpisodeStatus::Complete)
}

/// Forgets what failed in `run` and has it planned anew. Gives how much failed; `None` where there is no such run.
///
/// # Errors
/// Where a server fails. What was forgotten is then found missing by the dispatcher, and done all the same.
pub(crate) async fn again(store: &dyn ArtifactStore, queue: &dyn Queue, run: &RunId) -> anyhow::Result<Option<usize>> {
    let Some(asked) = RunRequest::of(store, run).await? else { return Ok(None) };
    let failed = retry_failed(store, &asked).await?;
    if failed > 0 {
        queue.publish(Name::Episodes, &Order::PlanEpisode { run: run.clone() }.message(None)?).await?;
    }
    Ok(Some(failed))
}

fn no_run(run: &RunId) -> String {
    format!("{run}: there is no such run in this bucket: `langflix status` lists them")
}
