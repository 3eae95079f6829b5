use std::{
    pin::pin,
    sync::OnceLock,
    time::{Duration, Instant},
};

use opentelemetry::{
    Context, global,
    trace::{FutureExt as _, Status, TraceContextExt as _, Tracer as _},
};

use crate::{Ended, OPERATION_MEMORY, OPERATION_SECONDS, Operation};

/// Tells how much memory is in use, in bytes, while operations are profiled.
static MEMORY: OnceLock<fn() -> u64> = OnceLock::new();

/// From now on, operations also tell by how much memory changed meanwhile, as `memory` says. What runs beside an
/// operation changes memory as well.
pub fn profile(memory: fn() -> u64) {
    // Whoever was first stays.
    let _ = MEMORY.set(memory);
}

/// Does `work` as a span called `name` below the one that is at work, where that one is sent to a collector.
///
/// # Errors
/// Those of `work`.
pub async fn step<T, E>(name: &'static str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let mut work = pin!(work);
    let Some(around) = Context::map_current(|at| at.span().is_recording().then(|| at.clone())) else {
        return work.await;
    };
    let span = global::tracer("langflix").start_with_context(name, &around);
    let context = around.with_span(span);
    let done = work.as_mut().with_context(context.clone()).await;
    if done.is_err() {
        context.span().set_status(Status::error(""));
    }
    done
}

impl Operation {
    /// Times `work`, which is also a span below the one that is at work, where that one is sent to a collector.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn time<T, E>(self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let (began, before) = (Instant::now(), MEMORY.get().map(|memory| memory()));
        let done = step(self.as_str(), work).await;
        self.took(began.elapsed(), if done.is_ok() { Ended::Ok } else { Ended::Failed });
        if let (Some(before), Some(memory)) = (before, MEMORY.get()) {
            #[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 bytes")]
            let change = memory() as f64 - before as f64;
            OPERATION_MEMORY.record((self,), change);
        }
        done
    }

    /// It took so long.
    pub fn took(self, time: Duration, ended: Ended) {
        OPERATION_SECONDS.took((self, ended), time);
    }
}
