//! Where what is counted is kept until somebody asks for it.

use std::{sync::OnceLock, time::Duration};

use langflix_measures::{
    self as measures, BUILD, End, Ended, INTAKE_OPEN, Kind, OPERATION_SECONDS, Operation, PART_READY, READY, Reason,
    TASK_SECONDS, TASKS, TASKS_RUNNING, Work,
};
use langflix_ports::queue::Place;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::Condition;

/// Where this process's measures are kept. They are global, as the `metrics` crate has it.
pub(super) fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = measures::all().fold(PrometheusBuilder::new(), bounded).build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("measures of this process are kept elsewhere: /metrics stays empty");
        }
        measures::all().for_each(|measure| measure.tell());
        handle
    };
    HANDLE.get_or_init(install).clone()
}

fn bounded(builder: PrometheusBuilder, measure: measures::Description) -> PrometheusBuilder {
    let Kind::Histogram(bounds) = measure.kind else { return builder };
    // Refuses no bounds at all, which these are not.
    builder.set_buckets_for_metric(Matcher::Full(measure.name.to_owned()), bounds).unwrap_or_default()
}

/// Tells what runs here.
pub(super) fn build(name: &'static str, version: &'static str) {
    BUILD.set((name.into(), version.into()), 1.0);
}

/// Tells how the parts of a service do.
pub(super) fn readiness(parts: &[Condition]) {
    let value = |ready| if ready { 1.0 } else { 0.0 };
    for part in parts {
        PART_READY.set((part.name.clone().into(),), value(part.ready));
    }
    READY.set((), value(parts.iter().all(|part| part.ready)));
}

/// Tells whether an intake takes messages.
pub(crate) fn intake_open(intake: &'static str, open: bool) {
    INTAKE_OPEN.set((intake.into(),), if open { 1.0 } else { 0.0 });
}

/// The measures of one queue's tasks.
#[derive(Clone, Debug)]
pub(crate) struct TaskMeasures {
    place: Place,
    waited: metrics::Histogram,
    seconds: metrics::Histogram,
    running: metrics::Gauge,
    done: metrics::Counter,
}

impl TaskMeasures {
    /// Those of the queue `place`.
    pub(crate) fn of(place: Place) -> Self {
        Self {
            place,
            waited: OPERATION_SECONDS.of(&(Operation::QueueWait, Ended::Ok)),
            seconds: TASK_SECONDS.of(&(place,)),
            running: TASKS_RUNNING.of(&(place,)),
            done: TASKS.of(&(place, Work::of(place), End::Done, Reason::None)),
        }
    }

    /// A task began, after its message had waited so long, where that is known.
    pub(crate) fn began(&self, waited: Option<Duration>) {
        if let Some(waited) = waited {
            self.waited.record(waited.as_secs_f64());
        }
        self.running.increment(1.0);
    }

    /// A task ended, and how.
    pub(crate) fn ended(&self, end: End, reason: Reason, time: Duration) {
        self.running.decrement(1.0);
        self.seconds.record(time.as_secs_f64());
        match end {
            End::Done => self.done.increment(1),
            end => TASKS.add((self.place, Work::of(self.place), end, reason), 1),
        }
    }
}
