use std::sync::Arc;

use langflix_pipeline::fleet::Worker;
use langflix_ports::{queue::Queue, store::ArtifactStore, tally::Tally};

/// What every service works through.
#[derive(Clone)]
pub struct Ports {
    /// Where the truth lies.
    pub store: Arc<dyn ArtifactStore>,
    /// Where work waits.
    pub queue: Arc<dyn Queue>,
    /// What done tasks are counted with.
    pub tally: Arc<dyn Tally>,
}

impl Ports {
    /// Works on tasks; its messages belong to the span `trace`.
    pub fn worker<'a>(&'a self, trace: &'a str) -> Worker<'a> {
        Worker {
            store: self.store.as_ref(),
            queue: self.queue.as_ref(),
            tally: self.tally.as_ref(),
            trace: Some(trace),
        }
    }
}
