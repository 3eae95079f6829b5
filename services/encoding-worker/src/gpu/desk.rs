use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use langflix_domain::{FailureKind, Gpu, GpuDevice, GpuLimits, GpuSample, GpuState, Load, Saturation};
use langflix_ports::{
    gpu,
    media::{self, EncoderFault},
};
use langflix_runtime::{
    config::{Fallback, Gpu as Settings},
    health::Part,
};
use tokio::sync::{Notify, watch};

use super::{
    books::Books,
    measures,
    place::{Place, Task},
};

/// How often ffmpeg tells its progress.
const PROGRESS: Duration = Duration::from_millis(500);
/// How long a clip that is found waits for the session that was about to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the GPU does now, the clips at hand, and so how many tasks the worker may have.
pub struct Desk {
    books: Mutex<Books>,
    slots: watch::Sender<usize>,
    changed: Notify,
    part: Part,
    fallback: Fallback,
    /// Clips that are encoded at once where the GPU encodes none.
    in_software: usize,
}

/// Who is to encode a clip.
pub(crate) enum Encodes {
    /// The GPU.
    Gpu(OnGpu, Place),
    /// The processor, since the GPU cannot.
    Software(GpuState, Place),
}

/// How the GPU is to encode a clip.
pub(crate) struct OnGpu {
    pub(crate) uuid: String,
    /// Whether there is memory to spare for frames ahead.
    pub(crate) lookahead: bool,
}

impl Desk {
    /// The desk of a worker that knows of no GPU yet, and encodes `in_software` clips at once where there is none.
    pub fn new(settings: &Settings, fallback: Fallback, in_software: NonZeroUsize, part: Part) -> Arc<Self> {
        measures::describe();
        let slots = watch::channel(0).0;
        let books = Mutex::new(Books::new(settings.limits));
        let (changed, in_software) = (Notify::new(), in_software.get());
        Arc::new(Self { books, slots, changed, part, fallback, in_software })
    }

    /// The desk of a worker that encodes in software and looks for no GPU.
    pub fn without_gpu(in_software: NonZeroUsize, part: Part) -> Arc<Self> {
        let limits = GpuLimits {
            max_sessions: None,
            min_capacity_percent: 0,
            min_free_memory_mb: 0,
            max_utilization_percent: 100,
        };
        let desk = Self::new(&Settings { device: GpuDevice::Auto, limits }, Fallback::Software, in_software, part);
        desk.change(|_, _| ());
        desk
    }

    /// How many tasks the worker may have. Changes.
    pub fn slots(&self) -> watch::Receiver<usize> {
        self.slots.subscribe()
    }

    /// A task that begins.
    pub(crate) fn task(self: &Arc<Self>) -> Task {
        Task::new(self)
    }

    /// What NVML tells.
    pub(crate) fn seen(&self, gpu: Option<&Gpu>, seen: Result<GpuSample, gpu::Error>) {
        self.change(|books, now| books.seen(now, gpu, seen));
    }

    /// Whether a frame is to be encoded to see whether the GPU encodes at all.
    pub(crate) fn wants_trial(&self) -> bool {
        self.lock().wants_trial(Instant::now())
    }

    /// What came of encoding it.
    pub(crate) fn tried(&self, tried: Result<(), media::Error>) {
        self.change(|books, now| books.tried(now, tried));
    }

    /// A clip was found in its source, and how long that took.
    pub(crate) fn found(&self, took: Duration) {
        let mut books = self.lock();
        books.lead = (books.lead * 7 + took) / 8;
    }

    /// Whether a session that works for that long and has encoded that part of its clip, 0 to 1, ends before another clip
    /// is found.
    pub(super) fn ends_soon(&self, works: Duration, part: f32) -> bool {
        let left = works.mul_f32((1.0 - part).max(0.0) / part.max(0.001));
        left <= self.lock().lead + PROGRESS
    }

    /// Who encodes a clip of that load. A clip was taken since there was room or would soon be: it waits for that a moment.
    ///
    /// # Errors
    /// Where nobody does, so that the message is for another worker.
    pub(crate) async fn encodes(self: &Arc<Self>, load: Load) -> Result<Encodes, media::Error> {
        let late = tokio::time::sleep(PATIENCE);
        tokio::pin!(late);
        loop {
            let changed = self.changed.notified();
            if let Some(encodes) = self.now(load, false)? {
                return Ok(encodes);
            }
            tokio::select! {
                () = changed => {}
                () = &mut late => return self.now(load, true)?.ok_or_else(|| refused(&self.state(), EncoderFault::NoSession)),
            }
        }
    }

    /// Who encodes a clip of that load now; nobody where there is no room. What only slows the GPU down holds nothing
    /// back that is `late`.
    fn now(self: &Arc<Self>, load: Load, late: bool) -> Result<Option<Encodes>, media::Error> {
        use Saturation as By;
        let (state, gpu) = {
            let books = self.lock();
            (books.state.clone(), books.on_gpu())
        };
        match (&state, gpu) {
            (GpuState::Ready { .. }, Some(gpu)) => Ok(Some(Encodes::Gpu(gpu, Place::on_gpu(self, load)))),
            (GpuState::Saturated { by: By::Capacity | By::Utilization | By::Load }, Some(gpu)) if late => {
                Ok(Some(Encodes::Gpu(gpu, Place::on_gpu(self, load))))
            }
            (GpuState::OutOfMemory, Some(_)) if late => Err(refused(&state, EncoderFault::OutOfMemory)),
            (state, Some(_)) if state.encodes() => Ok(None),
            _ if self.fallback == Fallback::Software => Ok(Some(Encodes::Software(state.clone(), self.in_software()?))),
            _ => Err(refused(&state, EncoderFault::NoEncoder)),
        }
    }

    /// A place for a clip that is encoded in software.
    ///
    /// # Errors
    /// Where all are taken, so that the message is for another worker.
    pub(crate) fn in_software(self: &Arc<Self>) -> Result<Place, media::Error> {
        let taken = {
            let books = self.lock();
            books.software - books.ending.min(books.software)
        };
        if taken >= self.in_software {
            self.change(|books, now| books.crowded = Some(now));
            let message = format!("{taken} clips are encoded in software already, as many as this worker's cores take");
            return Err(media::Error { message, ..refused(&GpuState::NoDriver, EncoderFault::NoSession) });
        }
        Ok(Place::in_software(self))
    }

    /// What the GPU does now.
    pub(crate) fn state(&self) -> GpuState {
        self.lock().state.clone()
    }

    /// What an encode on the GPU said of the GPU.
    pub(crate) fn failed(&self, fault: EncoderFault, says: &str) {
        self.change(|books, now| books.failed(now, fault, says));
    }

    /// A session of this worker works.
    pub(super) fn opened(&self) {
        self.change(|books, _| books.opened());
    }

    /// Changes something, and tells what follows from it.
    pub(super) fn change(&self, step: impl FnOnce(&mut Books, Instant)) {
        let now = Instant::now();
        let mut books = self.lock();
        step(&mut books, now);
        let (before, encoded) = (books.state.name(), books.state.encodes());
        books.judge(now);
        let (says, state, encodes) = (books.says(), books.state.name(), books.state.encodes());
        if before != state {
            // Full and free again is what a GPU at work is all the time.
            match encoded && encodes {
                true => tracing::debug!(state, "{says}"),
                false => tracing::info!(state, "{says}"),
            }
        }
        let in_place = self.fallback == Fallback::Software && !encodes;
        let slots = books.slots(now, if in_place { self.in_software } else { 0 });
        let idle = books.own.sessions == 0 && books.free(now) == 0 && !in_place;
        measures::tell(before, &books.state, slots);
        if idle {
            self.part.waits(&says)
        } else {
            self.part.ready()
        }
        self.part.note(if in_place { format!("{says}; clips are encoded in software") } else { says });
        self.slots.send_if_modified(|count| std::mem::replace(count, slots) != slots);
        drop(books);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(state: &GpuState, fault: EncoderFault) -> media::Error {
    media::Error { kind: FailureKind::Encoder, transient: true, fault: Some(fault), message: state.to_string() }
}
