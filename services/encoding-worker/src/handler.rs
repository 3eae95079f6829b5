use std::num::NonZeroU32;

use langflix_fleet::{Ports, end_of_task, misplaced, order_of, this_try};
use langflix_pipeline::{
    Cutter,
    fleet::{Order, Requests},
};
use langflix_ports::flight;
use langflix_runtime::worker::{End, Job};

use crate::Tools;

/// What the encoding worker does with messages.
pub struct Encoding {
    /// What it works through.
    pub ports: Ports,
    /// What clips are made with.
    pub tools: Tools,
    /// The requests of the runs at hand.
    pub requests: Requests,
    /// How often a task is tried.
    pub max_attempts: NonZeroU32,
}

impl Encoding {
    /// Encodes the clip of a message.
    pub async fn clip(&self, job: Job) -> End {
        let order = match order_of(&job) {
            Ok(Order::EncodeClip(order)) => order,
            Ok(other) => return misplaced(&other),
            Err(end) => return end,
        };
        let trace = job.trace.to_string();
        let Tools { encoder, sources, scratch, desk, flights } = &self.tools;
        let (encoder, sources) = (encoder.as_ref(), sources.as_ref());
        let cutter = Cutter { encoder, sources, scratch: scratch.work(), footage: order.footage };
        // Its message may have come to another as well, whose clip is taken then.
        let _under_way = flight::turn(flights.as_ref(), &format!("clip/{}", order.task.id)).await;
        let task = desk.task();
        let this = this_try(&job, self.max_attempts.get());
        end_of_task(
            self.ports.worker(&trace).clip(cutter, &self.requests, &order, this, &|part| task.reached(part)).await,
        )
    }
}
