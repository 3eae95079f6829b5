//! A stage's tasks on their way into the queues.

use std::{collections::BTreeSet, future::ready};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{Lane, RunId};

use super::{Dispatcher, tasks::Tasks, work_queue};
use crate::{
    Error,
    stored::{Open, cancelled, record_failure},
};

/// Confirms of the broker come many at a time, so publishing does, too.
const PUBLISHED_AT_ONCE: usize = 64;

/// What there is of a stage before its tasks are published.
pub(super) struct Before {
    pub(super) cancelled: bool,
    pub(super) done: BTreeSet<String>,
    /// What is known of the open run, where that was read already.
    pub(super) open: Option<Open>,
}

impl Dispatcher<'_> {
    /// Publishes the first tasks of a stage that have no outcome. Gives whether all have theirs.
    pub(super) async fn begin(&self, run: &RunId, tasks: &Tasks, before: &Before) -> Result<bool, Error> {
        let missing = tasks.missing(&before.done);
        if missing.is_empty() {
            return Ok(true);
        }
        if !before.cancelled {
            self.count(run, tasks, &missing).await;
            let lane = match &before.open {
                Some(open) => open.lane,
                None => Open::of(self.store, run).await?.unwrap_or_default().lane,
            };
            self.publish(run, tasks, &missing, lane).await?;
            return Ok(false);
        }
        let ids = tasks.ids();
        let missing = missing.iter().filter_map(|&at| ids.get(at));
        let recording: Vec<_> =
            missing.map(|task| record_failure(self.store, run, tasks.stage(), task, cancelled(), self.trace)).collect();
        stream::iter(recording).buffer_unordered(PUBLISHED_AT_ONCE).try_for_each(|_| ready(Ok(()))).await?;
        Ok(true)
    }

    /// Counts what is done already, so that the last of the `missing` tasks is known as the last.
    async fn count(&self, run: &RunId, tasks: &Tasks, missing: &[usize]) {
        let done = tasks.ids().into_iter().enumerate().filter(|(at, _)| missing.binary_search(at).is_err());
        for (_, task) in done {
            if let Err(error) = self.tally.done(run, tasks.stage(), task).await {
                tracing::debug!(%run, %error, "done tasks are counted in the store instead");
                return;
            }
        }
    }

    /// Publishes as many of the `missing` tasks as may be in flight, the next ones being published when half of these
    /// are done.
    pub(super) async fn publish(&self, run: &RunId, tasks: &Tasks, missing: &[usize], lane: Lane) -> Result<(), Error> {
        let batch = match lane {
            Lane::Interactive => missing.len(),
            // Half of a batch is still in flight when the next one follows.
            Lane::Bulk => usize::try_from(self.in_flight).unwrap_or(usize::MAX).saturating_mul(2).div_ceil(3).max(1),
        };
        let now = missing.get(..batch).unwrap_or(missing);
        let next = missing.get(now.len()).and_then(|&at| u32::try_from(at).ok());
        let queue = work_queue(tasks.stage(), lane);
        let publish = |(nth, &at): (usize, &usize)| async move {
            let then = next.filter(|_| nth == now.len() / 2);
            let Some(order) = tasks.order(run, at, then) else { return Ok(()) };
            Ok::<_, Error>(self.queue.publish(queue, &order.message(self.trace)?).await?)
        };
        let publishing: Vec<_> = now.iter().enumerate().map(publish).collect();
        stream::iter(publishing).buffer_unordered(PUBLISHED_AT_ONCE).try_collect::<()>().await?;
        tracing::debug!(%run, stage = tasks.stage().as_str(), published = now.len(), missing = missing.len(), "tasks published");
        Ok(())
    }
}
