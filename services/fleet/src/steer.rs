//! What operators do with runs.

use langflix_domain::{EpisodeStatus, Lane, RunId};
use langflix_pipeline::{
    Error, RunRequest,
    fleet::{Order, state},
    mark_cancelled, retry_failed, trace_of,
};
use langflix_ports::{
    queue::{self, Name, Queue},
    store::ArtifactStore,
};
use langflix_rabbitmq::RabbitQueue;

use crate::dead::{drop_all, of_run};

/// What came of cancelling a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is being cancelled: what has no outcome yet ends as cancelled.
    Underway,
    /// It had ended before.
    Ended(EpisodeStatus),
    /// There is no such run.
    NoRun,
}

/// Tells the fleet to end `run`.
///
/// # Errors
/// Where a server fails. Where that is the queue, nothing more is begun for the run all the same.
pub async fn cancel(store: &dyn ArtifactStore, queue: &dyn Queue, run: &RunId) -> Result<Cancelled, Error> {
    let state = state(store, run).await?;
    Ok(match (state.ending, state.lane) {
        (Some(ending), _) => Cancelled::Ended(ending.status),
        (None, None) => Cancelled::NoRun,
        (None, Some(_)) => {
            // From now on nothing is begun for it, whenever a dispatcher comes to it.
            mark_cancelled(store, run).await?;
            let trace = trace_of(store, run).await?;
            let order = Order::Cancel { run: run.clone() }.message(trace.as_deref())?;
            queue.publish(Name::Stages, &order).await.map_err(|error| untold(run, error))?;
            Cancelled::Underway
        }
    })
}

/// Why a dispatcher was not told, and that the run is cancelled all the same.
fn untold(run: &RunId, error: queue::Error) -> queue::Error {
    let but = "nothing more is begun for it, and it ends when a dispatcher comes to it: the same command tells one";
    queue::Error { message: format!("{}; {run} is cancelled all the same: {but}", error.message), ..error }
}

/// What came of taking a run up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// So much had failed in it, and is done again.
    Tasks(usize),
    /// It was cancelled, and has not ended yet.
    BeingCancelled,
    /// There is no such run.
    NoRun,
}

/// Forgets what failed in `run` and has it planned anew, with which the messages of it that were set aside are dropped: the
/// plan publishes what they ask for. A run that had ended goes on in `lane`.
///
/// # Errors
/// Where a server fails. What was forgotten is then found missing by the dispatcher, and done all the same.
pub async fn again(store: &dyn ArtifactStore, queue: &RabbitQueue, run: &RunId, lane: Lane) -> Result<Again, Error> {
    let state = state(store, run).await?;
    if state.cancelled && state.ending.is_none() {
        return Ok(Again::BeingCancelled);
    }
    // Those that were there before: what fails from now on is kept.
    let aside = of_run(queue, run).await?;
    let Some(failed) = planned_anew(store, queue, run, lane).await? else { return Ok(Again::NoRun) };
    if failed > 0 {
        drop_all(queue, &aside).await?;
    }
    Ok(Again::Tasks(failed))
}

/// The same without its messages. Gives how much failed; `None` where there is no such run.
pub(crate) async fn planned_anew(
    store: &dyn ArtifactStore,
    queue: &dyn Queue,
    run: &RunId,
    lane: Lane,
) -> Result<Option<usize>, Error> {
    let Some(asked) = RunRequest::of(store, run).await? else { return Ok(None) };
    let failed = retry_failed(store, &asked, lane).await?;
    if failed > 0 {
        let trace = trace_of(store, run).await?;
        queue.publish(Name::Episodes, &Order::PlanEpisode { run: run.clone() }.message(trace.as_deref())?).await?;
    }
    Ok(Some(failed))
}
