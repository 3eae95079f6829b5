use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use langflix_domain::{RunId, Stage};
use langflix_ports::{queue::Name, store::ArtifactStore};
use tokio::time::Instant;

use super::{Dispatcher, Order, tasks::Tasks};
use crate::{
    Error,
    names::Names,
    stored::{Open, open_runs},
};

/// How often a run is looked at within the silence that is long enough to act on.
const LOOKS: u32 = 16;
/// The longest time between two looks, however long that silence is.
const LONGEST: Duration = Duration::from_mins(1);

/// Looks after the unfinished runs: what was lost on the way, a message, a count or a dispatcher, is made good.
#[derive(Debug)]
pub struct Sweeper {
    /// A run that shows nothing new for this long gets its missing tasks published again.
    silence: Duration,
    seen: HashMap<RunId, Seen>,
}

/// What was seen of a run.
#[derive(Debug)]
struct Seen {
    /// Where it stood at the last look; `None` before the first.
    at: Option<Standing>,
    since: Instant,
    /// When it is looked at again. Most runs end before their first look, or wait long for others.
    due: Instant,
    /// When it was submitted, and in which span.
    open: Option<Open>,
    /// How many tasks a stage has; plans are large, and read once.
    tasks: Option<(Stage, usize)>,
    /// Whether it was resumed for want of a plan.
    unplanned: bool,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    stage: Option<Stage>,
    done: usize,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Unfinished runs.
    pub open: usize,
    /// Stages whose end nobody had noticed.
    pub ended: usize,
    /// Runs that had fallen silent.
    pub resumed: usize,
    /// How long ago the oldest unfinished run that was looked at was submitted, where there is one.
    pub oldest: Option<Duration>,
}

impl Sweeper {
    /// `silence` must be longer than any task takes.
    pub fn new(silence: Duration) -> Self {
        Self { silence, seen: HashMap::new() }
    }

    /// Looks at every unfinished run whose turn it is: one that it has not seen before waits for its first look.
    ///
    /// # Errors
    /// [`Error`] where the store or the queue fails: the next sweep looks again.
    pub async fn sweep(&mut self, dispatcher: Dispatcher<'_>) -> Result<Swept, Error> {
        let open = open_runs(dispatcher.store).await?;
        self.seen.retain(|run, _| open.contains(run));
        let mut swept = Swept { open: open.len(), ..Swept::default() };
        for run in open {
            match self.look(dispatcher, &run).await {
                Err(error) if error.passes() => return Err(error),
                // One run's unreadable record keeps no other waiting.
                Err(error) => tracing::warn!(%run, %error, "a run cannot be looked after"),
                Ok(Finding::Moving) => {}
                Ok(Finding::Ended(_)) => swept.ended += 1,
                Ok(Finding::Silent) => {
                    tracing::warn!(%run, silent_s = self.silence.as_secs(), "nothing moves: publishing the missing tasks again");
                    swept.resumed += 1;
                }
            }
        }
        let submitted = self.seen.values().filter_map(|seen| Some(seen.open.as_ref()?.submitted_at_ms));
        swept.oldest = submitted.filter(|&at| at > 0).min().map(since);
        Ok(swept)
    }

    /// Looks at a run if it is due, and has done what follows from what it finds.
    async fn look(&mut self, dispatcher: Dispatcher<'_>, run: &RunId) -> Result<Finding, Error> {
        let now = Instant::now();
        let later = now + LONGEST.min(self.silence / LOOKS);
        let new = || Seen { at: None, since: now, due: later, open: None, tasks: None, unplanned: false };
        let seen = self.seen.entry(run.clone()).or_insert_with(new);
        if now < seen.due {
            return Ok(Finding::Moving);
        }
        let at = Standing::of(dispatcher.store, run).await?;
        seen.read(dispatcher.store, run, at.stage).await?;
        let ended = seen.tasks.filter(|(_, tasks)| at.done >= *tasks);
        let moved = seen.at.replace(at) != Some(at);
        let finding = match ended {
            _ if moved => Finding::Moving,
            // Seen like this twice: whoever should have gone on has not.
            Some((stage, _)) => Finding::Ended(stage),
            // Planning takes a moment. Seen without a plan twice, the message that asks for one is lost; only once, since
            // there may be many before it.
            None if at.stage.is_none() && !std::mem::replace(&mut seen.unplanned, true) => Finding::Silent,
            None if now.duration_since(seen.since) >= self.silence => Finding::Silent,
            None => Finding::Moving,
        };
        if let Some((name, order)) = finding.order(run) {
            // No message has asked for it: it belongs to the span that the run was submitted in.
            let trace = seen.open.as_ref().and_then(|open| open.trace.as_deref());
            dispatcher.queue.publish(name, &order.message(trace)?).await?;
        }
        // Whoever is about to go on has until the next sweep.
        seen.due = if moved && ended.is_some() { now } else { later };
        if moved || matches!(finding, Finding::Silent) {
            seen.since = now;
        }
        Ok(finding)
    }
}

impl Seen {
    /// Reads what does not change while the run is open, or in this stage.
    async fn read(&mut self, store: &dyn ArtifactStore, run: &RunId, stage: Option<Stage>) -> Result<(), Error> {
        if self.open.is_none() {
            self.open = Open::of(store, run).await?;
        }
        if self.tasks.map(|(stage, _)| stage) != stage {
            self.tasks = match stage {
                Some(stage) => Tasks::of(store, run, stage).await?.map(|tasks| (stage, tasks.len())),
                None => None,
            };
        }
        Ok(())
    }
}

impl Standing {
    async fn of(store: &dyn ArtifactStore, run: &RunId) -> Result<Self, Error> {
        let names = Names::of(store, run).await?;
        let stage = [Stage::Encoding, Stage::Analysis].into_iter().find(|stage| names.is_planned(*stage));
        Ok(Self { stage, done: stage.map_or(0, |stage| names.done(stage).len()) })
    }
}

fn since(at_ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(at_ms))
}

enum Finding {
    Moving,
    Ended(Stage),
    Silent,
}

impl Finding {
    /// What is published for the run.
    fn order(&self, run: &RunId) -> Option<(Name, Order)> {
        let run = run.clone();
        match *self {
            Self::Moving => None,
            Self::Ended(stage) => Some((Name::Stages, Order::StageDone { run, stage })),
            Self::Silent => Some((Name::Episodes, Order::PlanEpisode { run })),
        }
    }
}
