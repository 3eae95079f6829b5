use std::{
    sync::OnceLock,
    time::{Duration, Instant},
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

impl Operation {
    /// Times `work`.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn time<T, E>(self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let (began, before) = (Instant::now(), MEMORY.get().map(|memory| memory()));
        let done = work.await;
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
