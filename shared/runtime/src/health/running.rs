use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::time::Instant;

use super::readiness::lock;

/// The tasks that run now. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    tasks: BTreeMap<u64, Task>,
}

#[derive(Debug)]
struct Task {
    queue: Arc<str>,
    attempt: u32,
    began: Instant,
    run: String,
    task: String,
}

/// A task that runs, as it is shown.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Shown {
    queue: String,
    run: String,
    task: String,
    attempt: u32,
    seconds: f64,
}

/// A task's entry, which goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    running: Running,
    id: u64,
}

impl Running {
    /// Enters a task.
    pub(crate) fn enter(&self, queue: &Arc<str>, attempt: u32) -> Entry {
        let mut inner = lock(&self.inner);
        let id = inner.next;
        inner.next += 1;
        let (queue, began) = (Arc::clone(queue), Instant::now());
        inner.tasks.insert(id, Task { queue, attempt, began, run: String::new(), task: String::new() });
        Entry { running: self.clone(), id }
    }

    /// All tasks, the oldest first.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let shown = |task: &Task| Shown {
            queue: task.queue.to_string(),
            run: task.run.clone(),
            task: task.task.clone(),
            attempt: task.attempt,
            seconds: task.began.elapsed().as_secs_f64(),
        };
        lock(&self.inner).tasks.values().map(shown).collect()
    }
}

impl Entry {
    /// Says what the task is.
    pub(crate) fn concerns(&self, run: &str, name: &str) {
        if let Some(task) = lock(&self.running.inner).tasks.get_mut(&self.id) {
            (task.run, task.task) = (run.to_owned(), name.to_owned());
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.running.inner).tasks.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_is_shown_while_its_entry_lives() {
        let running = Running::default();
        let queue: Arc<str> = "analysis.bulk.v1".into();
        let (first, second) = (running.enter(&queue, 0), running.enter(&queue, 2));
        tokio::time::advance(std::time::Duration::from_millis(1500)).await;
        second.concerns("suits-s01e02-0123abcd", "chunk-7");
        drop(first);
        let expected = Shown {
            queue: "analysis.bulk.v1".to_owned(),
            run: "suits-s01e02-0123abcd".to_owned(),
            task: "chunk-7".to_owned(),
            attempt: 2,
            seconds: 1.5,
        };
        assert_eq!(running.shown(), [expected]);
        drop(second);
        assert!(running.shown().is_empty());
    }
}
