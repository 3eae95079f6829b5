//! What is counted, and where it is kept until somebody asks for it.

use std::sync::OnceLock;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const TASKS: &str = "langflix_tasks_total";
const SECONDS: &str = "langflix_task_seconds";
const RUNNING: &str = "langflix_tasks_running";
const OPEN: &str = "langflix_intake_open";
const BUILD: &str = "langflix_build_info";

/// Bounds in seconds, from an answer out of the cache to a task's limit.
const BOUNDS: [f64; 13] = [0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];

/// Where this process's measures are kept. They are global, as the `metrics` crate has it.
pub(super) fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BOUNDS);
        let recorder = match builder {
            Ok(builder) => builder.build_recorder(),
            // Refuses no bounds at all, which these are not.
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("measures of this process are kept elsewhere: /metrics stays empty");
        }
        describe_counter!(TASKS, "Tasks that ended, by queue and by how they ended");
        describe_histogram!(SECONDS, "Seconds from a task's begin until its message is settled");
        describe_gauge!(RUNNING, "Tasks that run now");
        describe_gauge!(OPEN, "1 while messages are taken");
        describe_gauge!(BUILD, "1, labelled with name and version");
        handle
    };
    HANDLE.get_or_init(install).clone()
}

/// Tells what runs here.
pub(super) fn build(name: &'static str, version: &'static str) {
    gauge!(BUILD, "name" => name, "version" => version).set(1.0);
}

/// Tells whether an intake takes messages.
pub(crate) fn intake_open(intake: &'static str, open: bool) {
    gauge!(OPEN, "intake" => intake).set(if open { 1.0 } else { 0.0 });
}

/// The measures of one queue's tasks.
#[derive(Clone, Debug)]
pub(crate) struct TaskMeasures {
    queue: String,
    seconds: metrics::Histogram,
    running: metrics::Gauge,
    done: metrics::Counter,
}

impl TaskMeasures {
    /// Those of the queue of that name.
    pub(crate) fn of(queue: &str) -> Self {
        let queue = queue.to_owned();
        Self {
            seconds: histogram!(SECONDS, "queue" => queue.clone()),
            running: gauge!(RUNNING, "queue" => queue.clone()),
            done: counter!(TASKS, "queue" => queue.clone(), "end" => DONE),
            queue,
        }
    }

    /// A task began.
    pub(crate) fn began(&self) {
        self.running.increment(1.0);
    }

    /// A task ended, and how.
    pub(crate) fn ended(&self, end: &'static str, seconds: f64) {
        self.running.decrement(1.0);
        self.seconds.record(seconds);
        if end == DONE {
            self.done.increment(1);
        } else {
            counter!(TASKS, "queue" => self.queue.clone(), "end" => end).increment(1);
        }
    }
}

/// How the end of most tasks is labelled.
pub(crate) const DONE: &str = "done";
