//! Waiting for runs of the fleet.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use langflix_domain::{EpisodeStatus, Manifest, RunId};
use langflix_pipeline::{Error, fleet::Follower};
use langflix_ports::{observer::Observer, store::ArtifactStore};

use crate::say;

/// Runs looked at at once.
const AT_ONCE: usize = 8;
/// Between looks at few runs, and at many.
const BETWEEN_LOOKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// How often a store that fails is told of.
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(60);

/// Waits until all `runs` have ended, and hands each manifest to `ended` as it comes. Gives how they ended.
pub(crate) async fn wait(
    store: &dyn ArtifactStore,
    runs: impl IntoIterator<Item = RunId>,
    observer: &dyn Observer,
    ended: &dyn Fn(&Manifest),
) -> Vec<EpisodeStatus> {
    let mut open: Vec<(RunId, Follower)> = runs.into_iter().map(|run| (run.clone(), Follower::new(run))).collect();
    let mut ends = Vec::new();
    let mut complained: Option<Instant> = None;
    loop {
        let looks: Vec<Result<Option<Manifest>, Error>> = stream::iter(&mut open)
            .map(|(_, follower)| follower.look(store, observer))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut looks = looks.into_iter();
        open.retain(|(run, _)| match looks.next() {
            Some(Ok(Some(manifest))) => {
                ended(&manifest);
                ends.push(manifest.status);
                false
            }
            Some(Err(error)) if error.passes() => {
                if complained.is_none_or(|at| at.elapsed() >= BETWEEN_COMPLAINTS) {
                    complained = Some(Instant::now());
                    tracing::warn!(%error, "waiting for the store");
                }
                true
            }
            Some(Err(error)) => {
                say::err!("error: {run}: {error}");
                ends.push(EpisodeStatus::Failed);
                false
            }
            Some(Ok(None)) | None => true,
        });
        if open.is_empty() {
            return ends;
        }
        tokio::time::sleep(BETWEEN_LOOKS[usize::from(open.len() > AT_ONCE)]).await;
    }
}
