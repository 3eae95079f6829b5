//! What operators do with runs.

use langflix_domain::{EpisodeStatus, RunId};
use langflix_pipeline::{
    Error, RunRequest,
    fleet::{Order, state},
    retry_failed, trace_of,
};
use langflix_ports::{
    queue::{Name, Queue},
    store::ArtifactStore,
};

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
/// Where a server fails.
pub async fn cancel(store: &dyn ArtifactStore, queue: &dyn Queue, run: &RunId) -> Result<Cancelled, Error> {
    let state = state(store, run).await?;
    Ok(match (state.ending, state.lane) {
        (Some(ending), _) => Cancelled::Ended(ending.status),
        (None, None) => Cancelled::NoRun,
        (None, Some(_)) => {
            let trace = trace_of(store, run).await?;
            queue.publish(Name::Stages, &Order::Cancel { run: run.clone() }.message(trace.as_deref())?).await?;
            Cancelled::Underway
        }
    })
}

/// Forgets what failed in `run` and has it planned anew. Gives how much failed; `None` where there is no such run.
///
/// # Errors
/// Where a server fails. What was forgotten is then found missing by the dispatcher, and done all the same.
pub async fn again(store: &dyn ArtifactStore, queue: &dyn Queue, run: &RunId) -> Result<Option<usize>, Error> {
    let Some(asked) = RunRequest::of(store, run).await? else { return Ok(None) };
    let failed = retry_failed(store, &asked).await?;
    if failed > 0 {
        // Of a run that goes on; one that had ended begins a trace of its own.
        let trace = trace_of(store, run).await?;
        queue.publish(Name::Episodes, &Order::PlanEpisode { run: run.clone() }.message(trace.as_deref())?).await?;
    }
    Ok(Some(failed))
}
