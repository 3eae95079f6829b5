//! Waiting for runs of the fleet.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use langflix_domain::{EpisodeStatus, Manifest, RunId};
use langflix_pipeline::{Error, fleet::Follower};
use langflix_ports::store::ArtifactStore;

use crate::progress::Following;

/// Runs looked at at once.
const AT_ONCE: usize = 8;
/// Between looks at few runs, and at many.
const BETWEEN_LOOKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// How often a store that fails is told of.
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(60);

/// How a run ended, for whoever waits for it.
pub(crate) enum End {
    /// With this manifest.
    Manifest(Box<Manifest>),
    /// It can no longer be followed.
    Unreadable(RunId, Error),
}

impl End {
    /// Which run ended.
    pub(crate) fn run(&self) -> &RunId {
        match self {
            Self::Manifest(manifest) => &manifest.run,
            Self::Unreadable(run, _) => run,
        }
    }
}

/// Waits until all `runs` have ended, and hands each end to `ended` as it comes. Gives how they ended.
pub(crate) async fn wait(
    store: &dyn ArtifactStore,
    runs: impl IntoIterator<Item = RunId>,
    following: &Following,
    ended: &dyn Fn(End),
) -> Vec<EpisodeStatus> {
    let mut open: Vec<(RunId, Follower)> = runs.into_iter().map(|run| (run.clone(), Follower::new(run))).collect();
    let mut ends = Vec::new();
    let mut complained: Option<Instant> = None;
    loop {
        let looks: Vec<Result<Option<Manifest>, Error>> = stream::iter(&mut open)
            .map(|(_, follower)| follower.look(store, following.observer()))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let (mut looks, mut trouble) = (looks.into_iter(), None);
        open.retain(|(run, _)| match looks.next() {
            Some(Ok(Some(manifest))) => {
                ends.push(manifest.status);
                ended(End::Manifest(Box::new(manifest)));
                false
            }
            Some(Err(error)) if error.passes() => {
                trouble = Some(format!("waiting for the store: {error}"));
                true
            }
            Some(Err(error)) => {
                ended(End::Unreadable(run.clone(), error));
                ends.push(EpisodeStatus::Failed);
                false
            }
            Some(Ok(None)) | None => true,
        });
        if let Some(trouble) = &trouble
            && !following.is_screen()
            && complained.is_none_or(|at| at.elapsed() >= BETWEEN_COMPLAINTS)
        {
            complained = Some(Instant::now());
            tracing::warn!("{trouble}");
        }
        following.looked(trouble);
        if open.is_empty() {
            following.end();
            return ends;
        }
        following.idle(BETWEEN_LOOKS[usize::from(open.len() > AT_ONCE)]).await;
    }
}
