use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use langflix_domain::{EpisodeStatus, RunId};
use langflix_fleet::view::{Queue, Run, Worker};
use langflix_pipeline::{
    Error,
    fleet::{RunState, Survey, Watched, open_runs, runs},
};
use langflix_ports::roster::Roster as _;
use tokio::time::{Instant, sleep, timeout};

use super::{Around, Board, Looked, paces::Paces};
use crate::web::problem::Server;

/// Between looks at the runs that have not ended.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// Between looks for runs that nobody knew.
const BETWEEN_SURVEYS: Duration = Duration::from_secs(5);
/// Between looks at those that may have been taken up again, or be readable now.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(30);
/// Between looks at queues and workers.
const BETWEEN_COUNTS: Duration = Duration::from_secs(5);
/// How long the servers may take to answer.
const COUNTED_WITHIN: Duration = Duration::from_secs(10);
/// Runs looked at at once.
const AT_ONCE: usize = 32;

/// What is remembered from look to look.
#[derive(Default)]
struct Memory {
    open: BTreeMap<RunId, Watched>,
    surveyed: Option<Instant>,
    looked: Option<Instant>,
    /// The last look at those that have ended and are not complete.
    gone_over: Option<Instant>,
    paces: Paces,
    /// Runs whose records cannot be read: each is told of once.
    unreadable: BTreeSet<RunId>,
}

impl Board {
    /// Looks again and again while somebody wants to know. Never ends.
    pub(in crate::web) async fn look_while_wanted(&self) {
        tokio::join!(self.look_at_runs(), self.look_around());
    }

    async fn look_at_runs(&self) {
        let mut memory = Memory::default();
        loop {
            self.inner.interest.begins().await;
            if memory.looked.is_none_or(|at| at.elapsed() > 2 * BETWEEN_LOOKS) {
                // Anything may have happened meanwhile.
                memory = Memory::default();
            }
            let error = self.look(&mut memory).await.err().map(|error| Server::Store.fails(&error));
            memory.looked = Some(Instant::now());
            self.looked(&mut memory.paces, error);
            sleep(BETWEEN_LOOKS).await;
        }
    }

    /// All runs were seen, unless there is an error.
    fn looked(&self, paces: &mut Paces, error: Option<String>) {
        {
            let seen = &mut *self.seen();
            if error.is_none() {
                let runs = seen.runs.values().map(|kept| kept.run.as_ref());
                seen.seasons = paces.look(self.inner.began.elapsed(), runs);
            }
            let at = if error.is_none() { Some(Instant::now()) } else { seen.looked.at };
            seen.looked = Looked { at, error };
        }
        self.inner.changes.send_replace(());
    }

    /// Looks once at every run that may have changed.
    async fn look(&self, memory: &mut Memory) -> Result<(), Error> {
        let store = self.inner.servers.store.as_ref();
        let open = open_runs(store).await?;
        let mut wanted = open.clone();
        if memory.surveyed.is_none_or(|at| at.elapsed() >= BETWEEN_SURVEYS) {
            let all = runs(store, &Survey::default()).await?;
            let mut seen = self.seen();
            seen.runs.retain(|run, _| all.contains(run) || open.contains(run));
            let every = memory.gone_over.is_none_or(|at| at.elapsed() >= BETWEEN_ROUNDS);
            // One that is complete is so for ever.
            let complete = |run: &Run| run.status == Some(EpisodeStatus::Complete);
            let is_news = |run: &RunId| seen.runs.get(run).is_none_or(|kept| every && !complete(&kept.run));
            wanted.extend(all.into_iter().filter(is_news));
            memory.surveyed = Some(Instant::now());
            if every {
                memory.gone_over = memory.surveyed;
                memory.unreadable.retain(|run| seen.runs.contains_key(run));
            }
        }
        // Those that were open have ended, and some were not read yet.
        wanted.extend(memory.open.keys().cloned());
        let take = |run: &RunId| memory.open.remove(run).unwrap_or_else(|| Watched::new(run.clone()));
        let watched: Vec<Watched> = wanted.iter().map(take).collect();
        let look = |mut watched: Watched| async move {
            let state = watched.look(store).await;
            (watched, state)
        };
        let mut looks = stream::iter(watched).map(look).buffer_unordered(AT_ONCE);
        while let Some((watched, state)) = looks.next().await {
            wanted.remove(watched.run());
            if let Err(error) = self.note(memory, watched, state) {
                drop(looks);
                // The next look reads them, and no look is whole before.
                memory.open.extend(wanted.into_iter().map(|run| (run.clone(), Watched::new(run))));
                return Err(error);
            }
        }
        Ok(())
    }

    fn note(&self, memory: &mut Memory, watched: Watched, state: Result<RunState, Error>) -> Result<(), Error> {
        match state {
            Ok(state) => {
                memory.unreadable.remove(&state.run);
                self.put(&state);
                if state.ending.is_none() && state.is_known() {
                    memory.open.insert(state.run, watched);
                }
                Ok(())
            }
            // One run's unreadable record keeps no other from being seen.
            Err(error @ Error::Record { .. }) => {
                let run = watched.run();
                if memory.unreadable.insert(run.clone()) {
                    tracing::warn!(%run, %error, "what is recorded of a run cannot be read");
                }
                self.show(Run::unreadable(run, &error));
                Ok(())
            }
            Err(error) => {
                memory.open.insert(watched.run().clone(), watched);
                Err(error)
            }
        }
    }

    async fn look_around(&self) {
        loop {
            self.inner.interest.begins().await;
            let (queues, workers) = tokio::join!(self.queues(), self.workers());
            self.seen().around = Around { at: Some(Instant::now()), queues, workers };
            self.inner.changes.send_replace(());
            sleep(BETWEEN_COUNTS).await;
        }
    }

    async fn queues(&self) -> Result<Vec<Queue>, String> {
        match timeout(COUNTED_WITHIN, self.inner.servers.queue.counts()).await {
            Ok(counts) => counts.map(|counts| Queue::all(&counts)).map_err(|error| Server::Queues.fails(&error)),
            Err(_) => Err(format!("no answer within {} s", COUNTED_WITHIN.as_secs())),
        }
    }

    async fn workers(&self) -> Result<Vec<Worker>, String> {
        let listed = self.inner.servers.roster().list().await.map_err(|error| Server::Redis.fails(&error))?;
        Ok(listed.iter().filter_map(Worker::of).collect())
    }
}
