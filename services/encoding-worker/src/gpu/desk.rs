use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use langflix_domain::{FailureKind, Gpu, GpuSample, GpuState, Load};
use langflix_fleet::view::GpuView;
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
    /// Whether the worker is for other encoders than NVENC.
    otherwise: bool,
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
        Self::with(settings, fallback, in_software, part, false)
    }

    /// The desk of a worker that looks for no GPU of NVIDIA's: it is to encode otherwise, `in_software` clips at once.
    pub fn without_gpu(settings: &Settings, fallback: Fallback, in_software: NonZeroUsize, part: Part) -> Arc<Self> {
        let desk = Self::with(settings, fallback, in_software, part, true);
        desk.change(|books, _| books.looked = true);
        desk
    }

    fn with(
        settings: &Settings,
        fallback: Fallback,
        in_software: NonZeroUsize,
        part: Part,
        otherwise: bool,
    ) -> Arc<Self> {
        measures::begin();
        let (slots, changed) = (watch::channel(0).0, Notify::new());
        let books = Mutex::new(Books::new(settings.limits));
        Arc::new(Self { books, slots, changed, part, fallback, otherwise, in_software: in_software.get() })
    }

    /// How many tasks the worker may have. Changes.
    pub fn slots(&self) -> watch::Receiver<usize> {
        self.slots.subscribe()
    }

    /// What operators are told of the GPU; nothing where none is looked for.
    pub fn view(&self) -> Option<GpuView> {
        let (books, slots) = (self.lock(), *self.slots.borrow());
        let state = if books.looked { books.state.name() } else { "not_looked_yet" };
        let (device, free_slots) = (books.device().to_owned(), books.free(Instant::now()));
        (!self.otherwise).then(|| GpuView { state: state.to_owned(), device, slots, free_slots })
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
            if let Some(encodes) = self.now(load)? {
                return Ok(encodes);
            }
            tokio::select! {
                () = changed => {}
                () = &mut late => return Err(refused(&self.state(), EncoderFault::NoSession)),
            }
        }
    }

    /// Who encodes a clip of that load now; nobody where there is no room.
    fn now(self: &Arc<Self>, load: Load) -> Result<Option<Encodes>, media::Error> {
        let (state, gpu, fits) = {
            let books = self.lock();
            (books.state.clone(), books.on_gpu(), books.is_known(Instant::now()) && books.fits(load))
        };
        match (&state, gpu) {
            (GpuState::Ready { .. }, Some(gpu)) if fits => Ok(Some(Encodes::Gpu(gpu, Place::on_gpu(self, load)))),
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

    /// Whether there are tasks, and the GPU encodes.
    pub(super) fn is_at_work(&self) -> bool {
        let books = self.lock();
        books.tasks > 0 && books.state.encodes()
    }

    /// Waits until there are.
    pub(super) async fn gets_to_work(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_at_work() {
                return;
            }
            changed.await;
        }
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
        let known = books.looked;
        step(&mut books, now);
        let before = books.state.clone();
        books.judge(now);
        let encodes = books.state.encodes();
        let in_place = books.looked && (self.otherwise || self.takes_its_place(&books.state));
        let slots = books.slots(now, if in_place { self.in_software } else { 0 });
        let says = self.says(&books);
        if !self.otherwise && books.looked && (!known || before.name() != books.state.name()) {
            let state = books.state.name();
            // Full and free again is what a GPU at work is all the time.
            match encodes {
                true if known && before.encodes() => tracing::debug!(state, "{says}"),
                true => tracing::info!(state, "{says}"),
                false => tracing::warn!(state, "{says}"),
            }
        }
        if books.looked {
            measures::slots(slots);
            self.part.note(says.clone());
            if !self.otherwise {
                measures::tell(before.name(), &books.state);
            }
        }
        let idle = books.own.sessions == 0 && books.free(now) == 0 && !in_place;
        match idle {
            false => self.part.ready(),
            // That takes a moment, in which nothing is wrong.
            true if !books.looked || books.is_tried() => {}
            true => self.part.waits(&says),
        }
        self.slots.send_if_modified(|count| std::mem::replace(count, slots) != slots);
        drop(books);
        self.changed.notify_waiters();
    }

    /// Whether software takes the place of a GPU in that state. A pin that is wrong is to be put right.
    fn takes_its_place(&self, state: &GpuState) -> bool {
        self.fallback == Fallback::Software && !state.encodes() && *state != GpuState::NotPinned
    }

    fn says(&self, books: &Books) -> String {
        let says = books.says();
        match books.state.encodes() {
            _ if self.otherwise => "none of NVIDIA's is looked for: the configuration names another encoder".to_owned(),
            false if self.takes_its_place(&books.state) => format!("{says}; clips are encoded in software"),
            false if books.state != GpuState::NotPinned => {
                format!("{says}; video.fallback software would take its place")
            }
            _ => says,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(state: &GpuState, fault: EncoderFault) -> media::Error {
    media::Error { kind: FailureKind::Encoder, transient: true, fault: Some(fault), message: state.to_string() }
}
