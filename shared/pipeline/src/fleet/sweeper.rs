use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use langflix_domain::{RunId, Stage};
use langflix_ports::queue::Name;

use super::{Dispatcher, Order, tasks::Tasks};
use crate::{
    Error, done_tasks,
    stored::{Open, open_runs},
};

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
    at: Standing,
    since: Instant,
    /// When it was submitted, and in which span.
    open: Open,
    /// How many tasks the stage has; plans are large, and read once.
    tasks: Option<usize>,
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
    /// How long ago the oldest unfinished run was submitted, where there is one.
    pub oldest: Option<Duration>,
}

impl Sweeper {
    /// `silence` must be longer than any task takes.
    pub fn new(silence: Duration) -> Self {
        Self { silence, seen: HashMap::new() }
    }

    /// Looks at every unfinished run once.
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
                Ok(Finding::Ended(stage)) => {
                    let order = Order::StageDone { run: run.clone(), stage };
                    dispatcher.queue.publish(Name::Stages, &order.message(self.trace(&run))?).await?;
                    swept.ended += 1;
                }
                Ok(Finding::Silent) => {
                    tracing::warn!(%run, silent_s = self.silence.as_secs(), "nothing moves: publishing the missing tasks again");
                    let order = Order::PlanEpisode { run: run.clone() };
                    dispatcher.queue.publish(Name::Episodes, &order.message(self.trace(&run))?).await?;
                    swept.resumed += 1;
                }
            }
        }
        swept.oldest = self.seen.values().map(|seen| seen.open.submitted_at_ms).filter(|&at| at > 0).min().map(since);
        Ok(swept)
    }

    /// The span that what is published for a run belongs to: no message has asked for it.
    fn trace(&self, run: &RunId) -> Option<&str> {
        self.seen.get(run)?.open.trace.as_deref()
    }

    async fn look(&mut self, dispatcher: Dispatcher<'_>, run: &RunId) -> Result<Finding, Error> {
        let known = self.seen.get(run).map(|seen| (seen.at.stage, seen.tasks));
        let (stage, tasks) = standing(dispatcher, run, known).await?;
        let done = match stage {
            Some(stage) => done_tasks(dispatcher.store, run, stage).await?.len(),
            None => 0,
        };
        let (at, now) = (Standing { stage, done }, Instant::now());
        let Some(seen) = self.seen.get_mut(run).filter(|seen| seen.at == at) else {
            let open = match self.seen.remove(run) {
                Some(before) => before.open,
                None => Open::of(dispatcher.store, run).await?.unwrap_or_default(),
            };
            self.seen.insert(run.clone(), Seen { at, since: now, open, tasks });
            return Ok(Finding::Moving);
        };
        match (stage, seen.tasks) {
            // Seen like this twice: whoever should have gone on has not.
            (Some(stage), Some(tasks)) if done >= tasks => Ok(Finding::Ended(stage)),
            _ if now.duration_since(seen.since) >= self.silence => {
                seen.since = now;
                Ok(Finding::Silent)
            }
            _ => Ok(Finding::Moving),
        }
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

/// The stage that a run is in, and its tasks; what is known already is not read again.
async fn standing(
    dispatcher: Dispatcher<'_>,
    run: &RunId,
    known: Option<(Option<Stage>, Option<usize>)>,
) -> Result<(Option<Stage>, Option<usize>), Error> {
    if let Some((Some(Stage::Encoding), tasks)) = known {
        return Ok((Some(Stage::Encoding), tasks));
    }
    if let Some(tasks) = Tasks::of(dispatcher.store, run, Stage::Encoding).await? {
        return Ok((Some(Stage::Encoding), Some(tasks.len())));
    }
    if let Some((Some(Stage::Analysis), tasks)) = known {
        return Ok((Some(Stage::Analysis), tasks));
    }
    let tasks = Tasks::of(dispatcher.store, run, Stage::Analysis).await?;
    Ok((tasks.as_ref().map(Tasks::stage), tasks.as_ref().map(Tasks::len)))
}
