use std::{num::NonZeroU32, sync::Arc};

use langflix_fleet::{end_of_task, misplaced, order_of, this_try};
use langflix_pipeline::fleet::{Order, Requests, Worker};
use langflix_ports::{llm::LanguageModel, queue::Queue, store::ArtifactStore, tally::Tally};
use langflix_runtime::worker::{End, Job};

/// What the analysis worker does with messages.
pub struct Analysing {
    /// Where outcomes go.
    pub store: Arc<dyn ArtifactStore>,
    /// Where the end of a stage is told.
    pub queue: Arc<dyn Queue>,
    /// Counts done tasks.
    pub tally: Arc<dyn Tally>,
    /// Who is asked.
    pub model: Arc<dyn LanguageModel>,
    /// The requests of the runs at hand.
    pub requests: Requests,
    /// How often a task is tried.
    pub max_attempts: NonZeroU32,
}

impl Analysing {
    /// Analyses the chunk of a message.
    pub async fn chunk(&self, job: Job) -> End {
        let order = match order_of(&job) {
            Ok(Order::AnalyseChunk(order)) => order,
            Ok(other) => return misplaced(&other),
            Err(end) => return end,
        };
        let trace = job.trace.to_string();
        let worker = Worker {
            store: self.store.as_ref(),
            queue: self.queue.as_ref(),
            tally: self.tally.as_ref(),
            trace: Some(&trace),
        };
        let this = this_try(&job, self.max_attempts.get());
        end_of_task(worker.chunk(self.model.as_ref(), &self.requests, &order, this).await)
    }
}
