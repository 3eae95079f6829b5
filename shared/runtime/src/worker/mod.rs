//! Takes messages and has them handled: consume, handle, settle, and end in good order.

mod breaker;
mod gate;
mod intake;
mod lane;
mod phase;
mod task;
#[cfg(test)]
mod tests;
mod told;

use std::{fmt, num::NonZeroU16, sync::Arc, time::Duration};

use langflix_domain::Failure;
use langflix_measures as measures;
pub use langflix_measures::Reason;
use langflix_ports::queue::{Place, Queue};
use tokio::sync::watch;

use crate::{
    health::{Entry, Health},
    pressure::Pressure,
    shutdown::Shutdown,
    trace::{self, Trace},
};

/// The longest that a task may take. RabbitMQ closes the channel of a consumer that does not settle within 30 minutes by
/// default; a task takes half of it at most.
pub const TASK_LIMIT: Duration = Duration::from_mins(15);

/// Takes messages of one sort of work, of one lane or of several in the order of their priority.
pub struct Intake {
    /// What it is called where it is told of.
    pub name: &'static str,
    /// Where messages come from.
    pub queue: Arc<dyn Queue>,
    /// How many tasks run at once.
    pub slots: Slots,
    /// How long running tasks may take to end after a signal.
    pub drain: Duration,
    /// Of what too little may be left for more tasks.
    pub pressure: Pressure,
}

/// How many tasks run at once.
#[derive(Clone, Debug)]
pub enum Slots {
    /// Each lane has so many of its own, and takes so many messages.
    Own(Vec<(Place, NonZeroU16)>),
    /// All lanes share so many, the first lane before the next. The number may change; while none is free no message is
    /// taken.
    Shared(Vec<Place>, watch::Receiver<usize>),
}

/// A message to handle.
pub struct Job {
    /// The message's body.
    pub body: Vec<u8>,
    /// Where it was taken from.
    pub from: Place,
    /// How often it was tried before.
    pub attempt: u32,
    /// Whether it was delivered before and not settled: its work may be done already.
    pub redelivered: bool,
    /// Why it was shelved, if it was.
    pub reason: Option<String>,
    /// The task's span, for the messages that it publishes.
    pub trace: Trace,
    entry: Arc<Entry>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All is done.
    Done,
    /// It failed and may succeed later.
    Retry {
        /// How long to wait; by default longer with each attempt, from some seconds to ten minutes.
        after: Option<Duration>,
        /// Why it failed.
        why: Why,
        /// Whose fault it may be.
        fault: Fault,
    },
    /// It was not tried, and somebody else may take it soon.
    HandBack {
        /// Why it was not tried.
        why: Why,
        /// Whose fault that may be.
        fault: Fault,
    },
    /// It will never succeed, and is set aside for a person to look at.
    Bury {
        /// Why it failed.
        why: Why,
        /// Whose fault it may be.
        fault: Fault,
    },
    /// It was not tried and somebody else may take it, and no other is to be begun here for some time.
    Pause {
        /// How long.
        lasting: Duration,
        /// What is waited for.
        why: Why,
    },
}

/// Why a task did not simply end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What sort of reason, by which it is counted.
    pub reason: Reason,
    /// What, where and what to do, in one line.
    pub text: String,
}

/// Whose fault a failure may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This worker's: its disk, its tools, its code. A worker with many of these in a row stops taking messages.
    Worker,
    /// The message's, or that of a server which others depend on as well.
    Elsewhere,
}

impl Intake {
    /// Has messages handled until `shutdown` tells to end and what runs is finished or handed back.
    ///
    /// A handler that panics or takes longer than [`TASK_LIMIT`] has failed by this worker's fault, to be tried again;
    /// it looks at [`Job::attempt`] itself to end that.
    pub async fn run<H, F>(self, health: &Health, shutdown: &Shutdown, handler: H)
    where
        H: Fn(Job) -> F + Send + Sync + 'static,
        F: Future<Output = End> + Send + 'static,
    {
        let name = self.name;
        health.beating(name, intake::Taking::new(self, health, shutdown.clone(), handler).run()).await;
    }
}

impl Job {
    /// Whether it was taken before: its work may be done, in half or whole.
    pub fn is_repeated(&self) -> bool {
        self.redelivered || self.attempt > 0
    }

    /// Says in logs and in `/status` which task of which run this is.
    pub fn concerns(&self, run: &str, task: &str) {
        tracing::Span::current().record("run", run).record("task", task);
        trace::say("run", run.to_owned());
        trace::say("task", task.to_owned());
        self.entry.concerns(run, task);
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { body, from, attempt, redelivered, .. } = self;
        write!(f, "Job({} bytes of {from}, attempt {attempt}, redelivered {redelivered})", body.len())
    }
}

impl Why {
    /// A reason and what is said of it.
    pub fn new(reason: impl Into<Reason>, text: impl Into<String>) -> Self {
        Self { reason: reason.into(), text: text.into() }
    }
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}

impl End {
    /// How it is counted, and why it is none of [`End::Done`].
    fn measured(&self) -> (measures::End, Reason) {
        match self {
            Self::Done => (measures::End::Done, Reason::None),
            Self::Retry { why, .. } => (measures::End::Retry, why.reason),
            Self::HandBack { why, .. } => (measures::End::HandedBack, why.reason),
            Self::Bury { why, .. } => (measures::End::Buried, why.reason),
            Self::Pause { why, .. } => (measures::End::Paused, why.reason),
        }
    }
}
