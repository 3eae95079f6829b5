use std::{num::NonZeroU32, sync::Arc};

use langflix_fleet::{Ports, end_of_task, misplaced, order_of, this_try};
use langflix_local::Scratch;
use langflix_pipeline::{
    Cutter,
    fleet::{Order, Requests},
};
use langflix_ports::media::{ClipEncoder, SourceAccess};
use langflix_runtime::worker::{End, Job};

/// What the encoding worker does with messages.
pub struct Encoding {
    /// What it works through.
    pub ports: Ports,
    /// Cuts clips.
    pub encoder: Arc<dyn ClipEncoder>,
    /// Makes sources readable.
    pub sources: Arc<dyn SourceAccess>,
    /// Where clips are in the making.
    pub scratch: Scratch,
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
        let cutter = Cutter {
            encoder: self.encoder.as_ref(),
            sources: self.sources.as_ref(),
            scratch: self.scratch.work(),
            footage: order.footage,
        };
        let this = this_try(&job, self.max_attempts.get());
        end_of_task(self.ports.worker(&trace).clip(cutter, &self.requests, &order, this, &|_| {}).await)
    }
}
