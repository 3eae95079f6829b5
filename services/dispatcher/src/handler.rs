use std::{num::NonZeroU32, sync::Arc};

use langflix_domain::{Failure, FailureKind};
use langflix_fleet::{Ports, end_of_step, misplaced, order_of};
use langflix_measures::Operation;
use langflix_pipeline::{
    Error,
    fleet::{Dispatcher, Order, Requests},
};
use langflix_runtime::{
    trace,
    worker::{End, Fault, Job, Why},
};

/// What the dispatcher does with messages.
#[derive(Clone)]
pub struct Dispatching {
    /// What it works through.
    pub ports: Ports,
    /// What it has read of unfinished runs.
    pub requests: Arc<Requests>,
    /// Most tasks of one run in the bulk lane at once.
    pub in_flight: NonZeroU32,
}

impl Dispatching {
    /// The use cases, their messages belonging to the span `trace`.
    pub(crate) fn dispatcher<'a>(&'a self, trace: Option<&'a str>) -> Dispatcher<'a> {
        Dispatcher {
            store: self.ports.store.as_ref(),
            queue: self.ports.queue.as_ref(),
            tally: self.ports.tally.as_ref(),
            requests: &self.requests,
            in_flight: self.in_flight.get(),
            trace,
            repeated: false,
            follows: &trace::link,
        }
    }

    /// Plans a run, or takes the step that a stage is ready for.
    pub async fn step(&self, job: Job) -> End {
        let order = match order_of(&job) {
            Ok(order) => order,
            Err(end) => return end,
        };
        let trace = job.trace.to_string();
        let dispatcher = Dispatcher { repeated: job.is_repeated(), ..self.dispatcher(Some(&trace)) };
        let done = match &order {
            Order::PlanEpisode { run } => Operation::Plan.time(dispatcher.plan_episode(run)).await,
            Order::StageDone { run, stage } => Operation::FanIn.time(dispatcher.stage_done(run, *stage)).await,
            Order::Advance { run, stage, from } => dispatcher.advance(run, *stage, *from).await,
            Order::Cancel { run } => dispatcher.cancel(run).await,
            Order::AnalyseChunk(_) | Order::EncodeClip(_) => return misplaced(&order),
        };
        match done {
            // The run will not get further, and is not to stay open for ever.
            Err(error @ Error::Record { .. }) => {
                let failure = Failure { kind: FailureKind::Store, message: error.to_string() };
                self.give_up(&dispatcher, &order, failure).await
            }
            done => end_of_step(done),
        }
    }

    /// Buries what the broker gave up: its task, or its run, has failed.
    pub async fn bury(&self, job: Job) -> End {
        let order = match order_of(&job) {
            Ok(order) => order,
            Err(end) => return end,
        };
        let trace = job.trace.to_string();
        let message = format!("{} ended its worker, or took too long, each time that it was tried", order.label());
        let failure = Failure { kind: FailureKind::Crashed, message };
        self.give_up(&self.dispatcher(Some(&trace)), &order, failure).await
    }

    async fn give_up(&self, dispatcher: &Dispatcher<'_>, order: &Order, failure: Failure) -> End {
        let why = Why::from(failure.clone());
        match dispatcher.give_up(order, failure).await {
            Ok(()) => End::Bury { why, fault: Fault::Elsewhere },
            Err(error) if error.passes() => end_of_step(Err(error)),
            Err(error) => {
                End::Bury { why: Why { text: format!("{}; {error}", why.text), ..why }, fault: Fault::Elsewhere }
            }
        }
    }
}
