use langflix_domain::{EpisodeStatus, Lane, Manifest, RunId};
use langflix_ports::{
    queue::{Name, Queue},
    store::ArtifactStore,
};

use super::Order;
use crate::{
    Error, RunRequest,
    stored::{Open, manifest_key, open_key, read, request_key, show_key, write},
};

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is on its way.
    New,
    /// It was on its way already, in this lane, where it stays.
    Underway(Lane),
    /// It has ended before.
    Ended(EpisodeStatus),
}

/// Hands a run to the fleet; a run that is there already is left alone, and one that no message could be published for is
/// not open afterwards. What is done for it belongs to the span `trace`, in
/// the form of W3C's `traceparent`.
///
/// # Errors
/// [`Error`] where the store or the queue fails: submitted again, it goes on.
pub async fn submit(
    store: &dyn ArtifactStore,
    queue: &dyn Queue,
    asked: &RunRequest,
    lane: Lane,
    trace: Option<&str>,
) -> Result<(RunId, Submitted), Error> {
    let run = asked.run()?;
    if let Some(manifest) = read::<Manifest>(store, &manifest_key(&run)).await? {
        return Ok((run, Submitted::Ended(manifest.status)));
    }
    // What was asked for comes first: an open run without it could not be planned by anybody.
    write(store, &request_key(&run), asked).await?;
    let before = Open::of(store, &run).await?;
    let open = Open::now(asked, lane, trace);
    open.write(store, &run).await?;
    write(store, &show_key(&asked.episode, &run), &open.submitted_at_ms).await?;
    if let Some(before) = before {
        return Ok((run, Submitted::Underway(before.lane)));
    }
    if let Err(error) = queue.publish(Name::Episodes, &Order::PlanEpisode { run: run.clone() }.message(trace)?).await {
        store.delete(&open_key(&run)).await?;
        return Err(error.into());
    }
    Ok((run, Submitted::New))
}
