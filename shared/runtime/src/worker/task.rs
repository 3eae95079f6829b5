use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use langflix_measures::{self as measures, HANDED_BACK};
use langflix_ports::queue::{Delivery, Error, ErrorKind, Place};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, field::Empty};

use super::{End, Fault, Job, Reason, TASK_LIMIT, Why};
use crate::{
    health::{Running, TaskMeasures},
    trace::{self, Span, Trace},
};

/// A broker that takes longer to settle is as good as gone.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);

/// What all tasks of an intake share.
pub(super) struct Context<H> {
    pub(super) handler: H,
    pub(super) running: Running,
    /// Tells handlers' messages to go back, and drops the handlers.
    pub(super) hand_back: CancellationToken,
    pub(super) lanes: Vec<LaneContext>,
}

/// What all tasks of a lane share.
pub(super) struct LaneContext {
    pub(super) place: Place,
    pub(super) queue: Arc<str>,
    pub(super) measures: TaskMeasures,
    /// Handlers at work. A slot is free again before the message is settled: settling is what lets the broker send the
    /// next one, which would otherwise find no slot.
    busy: AtomicUsize,
}

/// A slot that a handler works in.
pub(super) struct Slot<H> {
    context: Arc<Context<H>>,
    lane: usize,
}

/// What a task's end means to its intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Succeeded,
    Failed(String),
    Paused(Duration, String),
    Nothing,
}

impl LaneContext {
    pub(super) fn new(place: Place) -> Self {
        let queue = place.to_string();
        Self { place, measures: TaskMeasures::of(place), queue: queue.into(), busy: AtomicUsize::new(0) }
    }

    pub(super) fn busy(&self) -> usize {
        self.busy.load(Ordering::SeqCst)
    }
}

impl<H> Slot<H> {
    pub(super) fn take(context: &Arc<Context<H>>, lane: usize) -> Self {
        context.lanes[lane].busy.fetch_add(1, Ordering::SeqCst);
        Self { context: Arc::clone(context), lane }
    }
}

impl<H> Drop for Slot<H> {
    fn drop(&mut self) {
        self.context.lanes[self.lane].busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Has a message handled in `slot` and settles it.
pub(super) async fn work<H, F>(slot: Slot<H>, mut delivery: Delivery) -> Verdict
where
    H: Fn(Job) -> F,
    F: Future<Output = End>,
{
    let lane = &slot.context.lanes[slot.lane];
    let parent = delivery.message.trace.as_deref().and_then(Trace::parse);
    let attempt = delivery.message.attempt;
    let span = Span::begin(parent, || format!("task {}", lane.queue));
    let trace = span.place().unwrap_or_else(Trace::begin);
    let logged =
        tracing::info_span!("task", queue = &*lane.queue, run = Empty, task = Empty, attempt, trace = trace.id());
    // So that a message without one belongs to the same thread when it is tried again.
    delivery.message.trace = Some(trace.to_string());
    span.around(handle_and_settle(slot, delivery, trace)).instrument(logged).await
}

async fn handle_and_settle<H, F>(slot: Slot<H>, delivery: Delivery, trace: Trace) -> Verdict
where
    H: Fn(Job) -> F,
    F: Future<Output = End>,
{
    let began = Instant::now();
    let context = Arc::clone(&slot.context);
    let lane = &context.lanes[slot.lane];
    // A later attempt waited because it was told to.
    lane.measures.began(delivery.waited.filter(|_| delivery.message.attempt == 0));
    let end = handle(&context, lane, &delivery, trace).await;
    drop(slot);
    let settled = settle(delivery, &end, &lane.queue).await;
    let elapsed = began.elapsed();
    let (how, reason) = if settled.is_ok() { end.measured() } else { (measures::End::Unsettled, Reason::Store) };
    lane.measures.ended(how, reason, elapsed);
    tell(&end, settled, elapsed);
    verdict(end)
}

/// Has the message handled. The handler is dropped when it takes too long and when all is handed back.
async fn handle<H, F>(context: &Context<H>, lane: &LaneContext, delivery: &Delivery, trace: Trace) -> End
where
    H: Fn(Job) -> F,
    F: Future<Output = End>,
{
    let message = &delivery.message;
    let entry = Arc::new(context.running.enter(&lane.queue, message.attempt));
    let job = Job {
        body: message.body.clone(),
        from: lane.place,
        attempt: message.attempt,
        redelivered: delivery.redelivered,
        reason: message.reason.clone(),
        trace,
        entry: Arc::clone(&entry),
    };
    let own_fault =
        |reason, text: String| End::Retry { after: None, why: Why::new(reason, text), fault: Fault::Worker };
    // Called within the future, so that a panic in the call is caught as well.
    let handled = timeout(TASK_LIMIT, AssertUnwindSafe(async { (context.handler)(job).await }).catch_unwind());
    tokio::select! {
        biased;
        end = handled => match end {
            Ok(Ok(end)) => end,
            // The panic is told where it happens; its text may hold what a subtitle says.
            Ok(Err(_)) => own_fault(Reason::Panicked, "the handler panicked".to_owned()),
            Err(_) => own_fault(Reason::TimedOut, format!("not done within {} minutes", TASK_LIMIT.as_secs() / 60)),
        },
        () = context.hand_back.cancelled() => End::HandBack {
            why: Why::new(Reason::Draining, "the process ends"),
            fault: Fault::Elsewhere,
        },
    }
}

async fn settle(delivery: Delivery, end: &End, queue: &str) -> Result<(), Error> {
    let attempt = delivery.message.attempt;
    let settled = async {
        match end {
            End::Done => delivery.ack().await,
            End::Retry { after, .. } => delivery.retry(after.unwrap_or_else(|| pace(attempt))).await,
            End::HandBack { .. } | End::Pause { .. } => delivery.hand_back().await,
            End::Bury { why, .. } => delivery.bury(&why.text).await,
        }
    };
    within(SETTLE_WITHIN, queue, settled).await
}

/// Gives the message of `delivery`, which was not begun, to others.
pub(super) async fn hand_back(delivery: Delivery, place: Place, queue: Arc<str>) {
    HANDED_BACK.add((place,), 1);
    match within(SETTLE_WITHIN, &queue, delivery.hand_back()).await {
        Ok(()) => tracing::debug!(queue = &*queue, "a message was handed back, since no slot was free"),
        Err(error) => tracing::warn!(queue = &*queue, %error, "a message comes again, its delivery counted"),
    }
}

/// What `step` of `queue` gives, or that it took too long.
pub(super) async fn within<T>(
    limit: Duration,
    queue: &str,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(limit, step).await.unwrap_or_else(|_| {
        let message = format!("the broker gave no answer within {} s", limit.as_secs());
        Err(Error { kind: ErrorKind::Unavailable, queue: queue.to_owned(), message })
    })
}

/// Tells the end of a task, in one line whatever it is, and to whoever sees its span.
fn tell(end: &End, settled: Result<(), Error>, elapsed: Duration) {
    let (how, reason) = end.measured();
    let (end_of, reason) = (how.as_str(), reason.as_str());
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if let Err(error) = settled {
        trace::ended("unsettled", Some(&error.to_string()));
        tracing::warn!(end = end_of, elapsed_ms, %error, "not settled: the message comes again");
        return;
    }
    let failure = match end {
        End::Retry { why, .. } | End::Bury { why, .. } => Some(why.text.as_str()),
        End::Done | End::HandBack { .. } | End::Pause { .. } => None,
    };
    trace::ended(end_of, failure);
    match end {
        End::Done => tracing::info!(end = end_of, elapsed_ms, "done"),
        End::Retry { why, .. } => tracing::warn!(end = end_of, reason, elapsed_ms, why = why.text, "to be tried again"),
        End::HandBack { why, .. } | End::Pause { why, .. } => {
            tracing::info!(end = end_of, reason, elapsed_ms, why = why.text, "handed back");
        }
        End::Bury { why, .. } => tracing::warn!(end = end_of, reason, elapsed_ms, why = why.text, "set aside for good"),
    }
}

fn verdict(end: End) -> Verdict {
    match end {
        End::Done => Verdict::Succeeded,
        End::Retry { why, fault: Fault::Worker, .. }
        | End::HandBack { why, fault: Fault::Worker }
        | End::Bury { why, fault: Fault::Worker } => Verdict::Failed(why.text),
        End::Pause { lasting, why } => Verdict::Paused(lasting, why.text),
        End::Retry { .. } | End::Bury { .. } | End::HandBack { .. } => Verdict::Nothing,
    }
}

/// How long to wait before the next attempt: four times longer with each, and spread, so that what failed together does
/// not come again together.
fn pace(attempt: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_mins(10);
    let wait = FIRST.saturating_mul(4u32.saturating_pow(attempt)).min(LONGEST);
    wait.mul_f64(0.5 + fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_each_attempt_and_are_spread() {
        for (attempt, seconds) in [(0, 5.0), (1, 20.0), (2, 80.0), (3, 320.0), (4, 600.0), (u32::MAX, 600.0)] {
            let waits: Vec<f64> = (0..200).map(|_| pace(attempt).as_secs_f64() / seconds).collect();
            assert!(waits.iter().all(|wait| (0.5..1.5).contains(wait)), "{waits:?}");
            assert!(waits.iter().any(|wait| *wait < 0.8) && waits.iter().any(|wait| *wait > 1.2));
        }
    }
}
