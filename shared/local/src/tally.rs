use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use langflix_domain::{RunId, Stage, TaskId};
use langflix_ports::tally::{Error, Tally};

/// Done tasks in memory.
#[derive(Debug, Default)]
pub struct MemoryTally {
    done: Mutex<HashMap<(RunId, Stage), HashSet<TaskId>>>,
}

#[async_trait]
impl Tally for MemoryTally {
    async fn done(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<u32, Error> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = done.entry((run.clone(), stage)).or_default();
        tasks.insert(task.clone());
        Ok(u32::try_from(tasks.len()).unwrap_or(u32::MAX))
    }

    async fn forget(&self, run: &RunId, stage: Stage) -> Result<(), Error> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).remove(&(run.clone(), stage));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use langflix_testkit::tally::tally_contract;

    use super::*;

    #[tokio::test]
    async fn memory_keeps_what_a_tally_promises() {
        tally_contract(&MemoryTally::default()).await;
    }
}
