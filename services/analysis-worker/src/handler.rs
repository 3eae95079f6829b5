use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use langflix_fleet::{Ports, end_of_task, misplaced, order_of, this_try};
use langflix_pipeline::{
    Ended,
    fleet::{Order, Requests},
};
use langflix_ports::llm::LanguageModel;
use langflix_runtime::worker::{End, Fault, Job};

/// What the analysis worker does with messages.
pub struct Analysing {
    /// What it works through.
    pub ports: Ports,
    /// Who is asked.
    pub model: Arc<dyn LanguageModel>,
    /// The requests of the runs at hand.
    pub requests: Requests,
    /// How often a task is tried.
    pub max_attempts: NonZeroU32,
    /// Whether any run was for the model that is asked: then those for another one are not this worker's fault, and keep
    /// it from none of the others.
    pub fits: AtomicBool,
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
        let this = this_try(&job, self.max_attempts.get());
        let ended = self.ports.worker(&trace).chunk(self.model.as_ref(), &self.requests, &order, this).await;
        if let Ok(Ended::Recorded(None)) = ended {
            self.fits.store(true, Ordering::Relaxed);
        }
        match end_of_task(ended) {
            End::HandBack { why, .. } if self.fits.load(Ordering::Relaxed) => {
                End::HandBack { why, fault: Fault::Elsewhere }
            }
            end => end,
        }
    }
}
