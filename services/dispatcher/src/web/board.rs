//! Where all runs stand, as they were last seen.

mod interest;
mod looking;
mod paces;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use langflix_domain::{Prices, RunId};
use langflix_fleet::{
    Servers,
    view::{Overview, Queue, Run, RunCounts, SeasonPace, Spend, Worker},
};
use langflix_pipeline::fleet::RunState;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::problem::Problem;
use interest::Interest;
pub(super) use interest::Listening;

/// How old what is shown may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long somebody waits for the first look.
const SEEN_WITHIN: Duration = Duration::from_secs(30);
/// How long somebody waits for what lies in the queues.
const COUNTED_WITHIN: Duration = Duration::from_secs(3);

/// Where all runs stand. They are looked at while somebody wants to know, and not otherwise; one that has ended is read
/// once. Clones are the same.
#[derive(Clone)]
pub(super) struct Board {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    prices: Option<Prices>,
    actions: bool,
    interest: Interest,
    seen: Mutex<Seen>,
    began: Instant,
    /// Told whenever something changed, and after each look.
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Seen {
    runs: BTreeMap<RunId, Kept>,
    /// Counts the changes of runs.
    version: u64,
    looked: Looked,
    /// As they went on up to the last look.
    seasons: Vec<SeasonPace>,
    around: Around,
}

struct Kept {
    run: Arc<Run>,
    /// The change that made it so.
    version: u64,
}

/// The last look at the runs.
#[derive(Default)]
struct Looked {
    at: Option<Instant>,
    /// Why nothing was seen by it.
    error: Option<String>,
}

/// What else is told.
struct Around {
    at: Option<Instant>,
    queues: Result<Vec<Queue>, String>,
    workers: Result<Vec<Worker>, String>,
}

impl Default for Around {
    fn default() -> Self {
        let not_yet = || "not asked yet".to_owned();
        Self { at: None, queues: Err(not_yet()), workers: Err(not_yet()) }
    }
}

impl Board {
    pub(super) fn new(servers: Servers, prices: Option<Prices>, actions: bool) -> Self {
        let (interest, seen, changes) = (Interest::default(), Mutex::default(), watch::channel(()).0);
        let began = Instant::now();
        Self { inner: Arc::new(Inner { servers, prices, actions, interest, seen, began, changes }) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Whole between any two statements.
        self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody wants to know from now on, until this is dropped.
    pub(super) fn listen(&self) -> Listening {
        self.inner.interest.listen()
    }

    /// Told whenever something may have changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.inner.changes.subscribe()
    }

    /// All runs in the order of their episodes, as they stood some seconds ago at the most.
    ///
    /// # Errors
    /// Where they cannot be seen now.
    pub(super) async fn runs(&self) -> Result<Vec<Arc<Run>>, Problem> {
        self.inner.interest.asked();
        let fresh = |seen: &Seen| seen.looked.at.is_some_and(|at| at.elapsed() < FRESH) || seen.looked.error.is_some();
        if !self.wait_until(fresh, SEEN_WITHIN).await {
            return Err(Problem::unavailable("the runs are still being read: ask again"));
        }
        let seen = self.seen();
        match &seen.looked.error {
            Some(error) => Err(Problem::unavailable(error)),
            None => Ok(seen.ordered(0)),
        }
    }

    /// Whether all runs have been seen.
    pub(super) fn is_whole(&self) -> bool {
        self.seen().looked.at.is_some()
    }

    /// The runs that changed after the change `since`, and the last change.
    pub(super) fn changed(&self, since: u64) -> (Vec<Arc<Run>>, u64) {
        let seen = self.seen();
        (seen.ordered(since), seen.version)
    }

    /// The fleet at a glance, as far as it has been seen.
    pub(super) fn overview(&self) -> Overview {
        let (seen, prices) = (self.seen(), self.inner.prices.as_ref());
        let runs = || seen.runs.values().map(|kept| kept.run.as_ref());
        let (queues, queues_error) = apart(&seen.around.queues);
        let (workers, workers_error) = apart(&seen.around.workers);
        Overview {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            actions: self.inner.actions,
            runs: RunCounts::of(runs()),
            runs_error: seen.looked.error.clone(),
            seasons: seen.seasons.clone(),
            spend: Spend::of(runs(), prices),
            queues,
            queues_error,
            workers,
            workers_error,
        }
    }

    /// Waits until all that the overview tells has been seen, for not too long.
    pub(super) async fn look_over(&self) {
        self.inner.interest.asked();
        let fresh = |at: Option<Instant>| at.is_some_and(|at| at.elapsed() < 2 * FRESH);
        let runs = |seen: &Seen| fresh(seen.looked.at) || seen.looked.error.is_some();
        tokio::join!(self.wait_until(runs, SEEN_WITHIN), self.wait_until(|seen| fresh(seen.around.at), COUNTED_WITHIN));
    }

    async fn wait_until(&self, holds: impl Fn(&Seen) -> bool, time: Duration) -> bool {
        let mut changes = self.changes();
        let waiting = async {
            while !holds(&self.seen()) {
                if changes.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        timeout(time, waiting).await.unwrap_or_default()
    }

    /// A run stands so now.
    pub(super) fn put(&self, state: &RunState) {
        if state.is_known() {
            self.show(Run::of(state, self.inner.prices.as_ref()));
        }
    }

    fn show(&self, run: Run) {
        if self.seen().put(run) {
            self.inner.changes.send_replace(());
        }
    }
}

impl Seen {
    /// Whether that is new.
    fn put(&mut self, run: Run) -> bool {
        if self.runs.get(&run.run).is_some_and(|kept| *kept.run == run) {
            return false;
        }
        self.version += 1;
        let name = run.run.clone();
        self.runs.insert(name, Kept { run: Arc::new(run), version: self.version });
        true
    }

    fn ordered(&self, since: u64) -> Vec<Arc<Run>> {
        let changed = self.runs.values().filter(|kept| kept.version > since);
        let mut runs: Vec<Arc<Run>> = changed.map(|kept| kept.run.clone()).collect();
        runs.sort_by(|a, b| a.order().cmp(&b.order()));
        runs
    }
}

fn apart<T: Clone + Default>(seen: &Result<T, String>) -> (T, Option<String>) {
    match seen {
        Ok(seen) => (seen.clone(), None),
        Err(error) => (T::default(), Some(error.clone())),
    }
}
