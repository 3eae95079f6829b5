//! Memory and disk against their limits: where either runs short, no new task is taken, until there is room again.
//!
//! A task that runs goes on: what it took so far would be lost, and its end gives back the most. Memory is short from 80 %
//! of its limit on, until less than 70 % are used. Where nothing of this process runs and memory stays short all the same,
//! others hold it: then, from the second minute on, one task at a time is taken, since a worker that waits for what never
//! comes is none; above 95 % of a limit that the kernel holds it to not even that, since it would be ended. Room for clips
//! that is missing is waited for without an end: nothing could be written.

mod limits;
mod memory;

use std::{fmt, io, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use langflix_measures::{Closed, MEMORY_LIMIT, MEMORY_USED, SCRATCH_FREE, SCRATCH_LIMIT, SCRATCH_USED};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use crate::{
    health::{Health, Part},
    resources::memory_budget,
    shutdown::Shutdown,
};
use limits::{MemoryLimit, RoomLimit, SHORT, megabytes};
pub use memory::{Usage, memory_in_use};

/// How often is looked.
const PACE: Duration = Duration::from_secs(5);
/// How soon after a look another one is worth it, where a task has ended and something was short.
const SOON: Duration = Duration::from_secs(1);

/// Whether something runs short. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Pressure {
    seen: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    short: watch::Receiver<Option<Short>>,
    again: Arc<Notify>,
}

/// Memory in bytes that work is planned with, where `max_memory_mb` is configured: what may be in use before it is short.
/// Whoever planned with all that there is would close its intake whenever it is fully used.
pub fn memory_for_work(max_memory_mb: u64) -> u64 {
    memory_budget(max_memory_mb) / 100 * SHORT
}

/// What is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// Most tasks that may run meanwhile; those that do go on.
    pub most: u16,
    /// Which of them, as it is counted.
    pub closed: Closed,
    /// The same with figures, in one line.
    pub why: String,
}

/// What room there is where clips are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of copied sources and of clips in the making.
    pub used: u64,
    /// Most bytes that copies may take up.
    pub bound: u64,
    /// Bytes that may still be written there, whoever took the others.
    pub free: u64,
    /// All bytes of that file system.
    pub size: u64,
}

type Look<T> = Box<dyn FnMut() -> BoxFuture<'static, T> + Send>;

/// Looks after memory and, where there is such, after room.
pub struct Watch {
    memory: Look<Usage>,
    room: Option<Look<io::Result<Room>>>,
    limits: (MemoryLimit, RoomLimit),
    /// Where figures of memory and of room are told.
    parts: [Option<Part>; 2],
    told: watch::Sender<Option<Short>>,
    again: Arc<Notify>,
}

impl Pressure {
    /// What is short as it is told.
    #[cfg(test)]
    pub(crate) fn told(short: watch::Receiver<Option<Short>>) -> Self {
        Self { seen: Some(Seen { short, again: Arc::default() }) }
    }

    /// What is short now, if anything is.
    pub fn short(&self) -> Option<Short> {
        self.seen.as_ref().and_then(|seen| seen.short.borrow().clone())
    }

    /// Waits until something else is short than before. Where nobody looks any more nothing is known to be short.
    pub async fn changed(&mut self) {
        let Some(seen) = &mut self.seen else { return std::future::pending().await };
        if seen.short.changed().await.is_err() {
            self.seen = None;
        }
    }

    /// A task has ended: what was short may not be any more.
    pub fn look_again(&self) {
        if let Some(seen) = &self.seen
            && seen.short.borrow().is_some()
        {
            seen.again.notify_one();
        }
    }
}

impl Watch {
    /// Looks after the memory of this process and its children, of which `max_memory_mb` may be used (0: as much as there
    /// is).
    pub fn new(max_memory_mb: u64) -> Self {
        Self::of(move || -> BoxFuture<'static, Usage> {
            Box::pin(async move {
                // `/proc` and the cgroup answer from memory, and yet each of many children costs a little.
                let read = tokio::task::spawn_blocking(move || memory::usage(max_memory_mb)).await;
                read.unwrap_or_default()
            })
        })
    }

    fn of(memory: impl FnMut() -> BoxFuture<'static, Usage> + Send + 'static) -> Self {
        let (limits, again) = Default::default();
        Self {
            memory: Box::new(memory),
            room: None,
            limits,
            parts: [None, None],
            told: watch::Sender::new(None),
            again,
        }
    }

    /// Looks after the room that `room` tells of as well. Whatever nobody needs any more is to be let go of before it is
    /// counted.
    #[must_use]
    pub fn with_room(mut self, room: impl FnMut() -> BoxFuture<'static, io::Result<Room>> + Send + 'static) -> Self {
        self.room = Some(Box::new(room));
        self
    }

    /// Tells the figures of all that it looks after to `health`.
    #[must_use]
    pub fn telling(mut self, health: &Health) -> Self {
        let part = |name| {
            let part = health.part(name);
            part.ready();
            part
        };
        self.parts = [Some(part("memory")), self.room.as_ref().map(|_| part("scratch"))];
        self
    }

    /// What it finds.
    pub fn pressure(&self) -> Pressure {
        Pressure { seen: Some(Seen { short: self.told.subscribe(), again: Arc::clone(&self.again) }) }
    }

    /// Looks until `shutdown` tells to end.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            self.look().await;
            let looked = Instant::now();
            tokio::select! {
                () = shutdown.draining() => return,
                () = self.again.notified() => sleep_until(looked + SOON).await,
                () = sleep_until(looked + PACE) => {}
            }
        }
    }

    async fn look(&mut self) {
        let used = (self.memory)().await;
        let room = match &mut self.room {
            Some(look) => Some(look().await),
            None => None,
        };
        self.tell(used, room.as_ref());
        let now = Instant::now();
        let room = room.and_then(|room| self.limits.1.short(room));
        let short = room.or_else(|| self.limits.0.short(now, used));
        self.told.send_if_modified(|told| std::mem::replace(told, short.clone()) != short);
    }

    fn tell(&self, Usage { used, limit, .. }: Usage, room: Option<&io::Result<Room>>) {
        MEMORY_USED.set((), figure(used));
        MEMORY_LIMIT.set((), figure(limit));
        if let [Some(part), _] = &self.parts {
            part.note(format!("{} of {} MB are used", megabytes(used), megabytes(limit)));
        }
        let Some(Ok(room)) = room else { return };
        SCRATCH_USED.set((), figure(room.used));
        SCRATCH_LIMIT.set((), figure(room.bound));
        SCRATCH_FREE.set((), figure(room.free));
        let (used, bound, free) = (megabytes(room.used), megabytes(room.bound), megabytes(room.free));
        if let [_, Some(part)] = &self.parts {
            part.note(format!("{used} MB are used, by copies of sources {bound} at most; {free} MB are free"));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 bytes")]
fn figure(bytes: u64) -> f64 {
    bytes as f64
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
