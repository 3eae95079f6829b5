use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use langflix_domain::{Admission, FailureKind, Gpu, GpuDevice, GpuLimits, GpuSample, GpuState, Load, Own, Saturation};
use langflix_ports::{
    gpu::{self, ErrorKind},
    media::{self, EncoderFault},
};
use langflix_runtime::{
    config::{Fallback, Gpu as Settings},
    health::Part,
};
use tokio::sync::{Notify, watch};

use super::{
    measures,
    place::{Place, Task},
};

/// How long a GPU that failed to encode a frame is left alone before the next one.
const TRIED_AGAIN: Duration = Duration::from_secs(10);

/// How long it takes at first to find a clip in its source.
const LEAD: Duration = Duration::from_millis(500);
/// How often ffmpeg tells its progress.
const PROGRESS: Duration = Duration::from_millis(500);
/// How long a clip that is found waits for the session that was about to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the GPU does now, the clips at hand, and so how many tasks the worker may have.
pub struct Desk {
    inner: Mutex<Inner>,
    slots: watch::Sender<usize>,
    changed: Notify,
    part: Part,
    fallback: Fallback,
    /// Clips that are encoded at once where the GPU encodes none.
    in_software: usize,
}

pub(super) struct Inner {
    admission: Admission,
    gpu: Option<Gpu>,
    seen: Seen,
    trial: Trial,
    state: GpuState,
    /// The sessions of this worker.
    pub(super) own: Own,
    /// Clips that are encoded in software.
    pub(super) software: usize,
    /// Sessions that end so soon that the next clip may be looked up.
    pub(super) leaving: usize,
    /// Clips of both kinds whose last frame is encoded.
    pub(super) ending: usize,
    /// Tasks whose clip's last frame is encoded.
    pub(super) storing: usize,
    /// How long it takes to find a clip in its source, on average.
    lead: Duration,
}

/// What NVML told last.
enum Seen {
    Sample(GpuSample),
    Nothing(GpuState, String),
}

/// What came of encoding one frame.
enum Trial {
    Due,
    Passed,
    Failed { state: GpuState, says: String, at: Instant },
}

/// Who is to encode a clip.
pub(crate) enum Encodes {
    /// The GPU of that UUID.
    Gpu(String, Place),
    /// The processor, since the GPU cannot.
    Software(GpuState, Place),
}

impl Desk {
    /// The desk of a worker that knows of no GPU yet, and encodes `in_software` clips at once where there is none.
    pub fn new(settings: &Settings, fallback: Fallback, in_software: NonZeroUsize, part: Part) -> Arc<Self> {
        measures::describe();
        let inner = Inner {
            admission: Admission::new(settings.limits),
            gpu: None,
            seen: Seen::Nothing(GpuState::NoDriver, "nobody has looked yet".to_owned()),
            trial: Trial::Due,
            state: GpuState::NoDriver,
            own: Own::default(),
            software: 0,
            leaving: 0,
            ending: 0,
            storing: 0,
            lead: LEAD,
        };
        let slots = watch::channel(0).0;
        let (inner, changed, in_software) = (Mutex::new(inner), Notify::new(), in_software.get());
        Arc::new(Self { inner, slots, changed, part, fallback, in_software })
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
        self.change(|inner, now| {
            if let Some(gpu) = gpu.filter(|&gpu| inner.gpu.as_ref() != Some(gpu)) {
                inner.pin(gpu);
            }
            match seen {
                Ok(sample) => inner.sampled(sample),
                // What was told last stands.
                Err(error) if error.kind == ErrorKind::Passing && matches!(inner.seen, Seen::Sample(_)) => {
                    tracing::debug!(%error, "the GPU's driver told nothing");
                }
                Err(error) => inner.seen = Seen::Nothing(of_error(error.kind), error.message),
            }
            if matches!(inner.trial, Trial::Failed { at, .. } if now.duration_since(at) >= TRIED_AGAIN) {
                inner.trial = Trial::Due;
            }
        });
    }

    /// Whether a frame is to be encoded to see whether the GPU encodes at all. Not beside clips: each takes a session.
    pub(crate) fn wants_trial(&self) -> bool {
        let inner = self.lock();
        matches!((&inner.seen, &inner.trial), (Seen::Sample(_), Trial::Due)) && inner.own.sessions == 0
    }

    /// What came of encoding it.
    pub(crate) fn tried(&self, tried: Result<(), media::Error>) {
        self.change(|inner, now| match tried {
            Ok(()) => inner.trial = Trial::Passed,
            Err(error) => match error.fault {
                // There is an encoder, and others have it.
                Some(EncoderFault::NoSession | EncoderFault::OutOfMemory) => {
                    inner.trial = Trial::Passed;
                    inner.refused(now);
                }
                fault => inner.trial = Trial::Failed { state: of_fault(fault), says: error.message, at: now },
            },
        });
    }

    /// A clip was found in its source, and how long that took.
    pub(crate) fn found(&self, took: Duration) {
        let mut inner = self.lock();
        inner.lead = (inner.lead * 7 + took) / 8;
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
            let inner = self.lock();
            (inner.state.clone(), inner.gpu.clone())
        };
        match (&state, gpu) {
            (GpuState::Ready { .. }, Some(gpu)) => Ok(Some(Encodes::Gpu(gpu.uuid, Place::on_gpu(self, load)))),
            (GpuState::Saturated { by: By::Capacity | By::Utilization | By::Load }, Some(gpu)) if late => {
                Ok(Some(Encodes::Gpu(gpu.uuid, Place::on_gpu(self, load))))
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
            let inner = self.lock();
            inner.software - inner.ending.min(inner.software)
        };
        if taken >= self.in_software {
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
        self.change(|inner, now| match fault {
            EncoderFault::NoSession | EncoderFault::OutOfMemory => inner.refused(now),
            EncoderFault::Input => {}
            fault => inner.trial = Trial::Failed { state: of_fault(Some(fault)), says: says.to_owned(), at: now },
        });
    }

    /// A session of this worker works.
    pub(super) fn opened(&self) {
        measures::opened();
        self.change(|inner, now| inner.admission.opened(now, inner.sessions()));
    }

    /// Changes something, and tells what follows from it.
    pub(super) fn change(&self, step: impl FnOnce(&mut Inner, Instant)) {
        let now = Instant::now();
        let mut inner = self.lock();
        step(&mut inner, now);
        let before = inner.state.name();
        inner.judge(now);
        let says = inner.says();
        if before != inner.state.name() {
            tracing::info!(state = inner.state.name(), "{says}");
        }
        let in_place = self.fallback == Fallback::Software && !inner.state.encodes();
        let slots = inner.slots(if in_place { self.in_software } else { 0 });
        let idle = inner.own.sessions == 0 && inner.state.free_slots() == 0 && !in_place;
        measures::tell(before, &inner.state, slots);
        if idle {
            self.part.waits(&says)
        } else {
            self.part.ready()
        }
        self.part.note(if in_place { format!("{says}; clips are encoded in software") } else { says });
        self.slots.send_if_modified(|count| std::mem::replace(count, slots) != slots);
        drop(inner);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn pin(&mut self, gpu: &Gpu) {
        let Gpu { uuid, name, pci, driver } = gpu;
        tracing::info!(uuid, name, pci, driver, engines = gpu.engines(), "pinned to a GPU");
        measures::info(gpu);
        self.admission.pin(gpu);
        self.gpu = Some(gpu.clone());
        self.trial = Trial::Due;
    }

    fn sampled(&mut self, sample: GpuSample) {
        if let Seen::Nothing(..) = self.seen {
            self.trial = Trial::Due;
        }
        measures::sample(&sample);
        self.seen = Seen::Sample(sample);
    }

    /// All sessions that are open on the GPU, as far as is known.
    fn sessions(&self) -> u32 {
        match &self.seen {
            Seen::Sample(sample) => sample.sessions.max(self.own.sessions),
            Seen::Nothing(..) => self.own.sessions,
        }
    }

    fn refused(&mut self, now: Instant) {
        measures::refused();
        self.admission.refused(now, self.sessions().saturating_sub(1));
    }

    fn judge(&mut self, now: Instant) {
        self.state = match (&self.seen, &self.trial) {
            (Seen::Nothing(state, _), _) | (Seen::Sample(_), Trial::Failed { state, .. }) => state.clone(),
            (Seen::Sample(sample), _) => self.admission.admit(now, sample, self.own),
        };
    }

    /// How many tasks the worker may have, of which so many are encoded in software in the GPU's place. Tasks that only
    /// have their clip to store take no place from the next ones.
    fn slots(&self, in_place: usize) -> usize {
        let storing = self.storing.saturating_sub(self.ending);
        let untried = matches!(self.trial, Trial::Due) && in_place == 0;
        let free = if untried { 0 } else { self.state.free_slots() as usize };
        self.own.sessions as usize + free + self.leaving + storing + in_place.max(self.software)
    }

    /// The GPU and its state in one line.
    fn says(&self) -> String {
        let why = match (&self.seen, &self.trial) {
            (Seen::Nothing(_, says), _) | (Seen::Sample(_), Trial::Failed { says, .. }) => format!(" ({says})"),
            _ => String::new(),
        };
        let state = &self.state;
        match &self.gpu {
            Some(Gpu { name, uuid, driver, .. }) => format!("{name} ({uuid}, driver {driver}): {state}{why}"),
            None => format!("{state}{why}"),
        }
    }
}

fn refused(state: &GpuState, fault: EncoderFault) -> media::Error {
    media::Error { kind: FailureKind::Encoder, transient: true, fault: Some(fault), message: state.to_string() }
}

/// The state of a GPU of which NVML tells nothing.
fn of_error(kind: ErrorKind) -> GpuState {
    match kind {
        ErrorKind::NoDriver | ErrorKind::Pin | ErrorKind::Passing => GpuState::NoDriver,
        ErrorKind::DriverMismatch => GpuState::DriverMismatch,
        ErrorKind::Lost => GpuState::Lost,
    }
}

/// The state of a GPU on which ffmpeg could not encode.
fn of_fault(fault: Option<EncoderFault>) -> GpuState {
    match fault {
        Some(EncoderFault::NoDriver) => GpuState::NoDriver,
        Some(EncoderFault::NoVideoCapability) => GpuState::NoVideoCapability,
        Some(EncoderFault::DriverTooOld) => GpuState::DriverTooOld,
        Some(EncoderFault::Lost) => GpuState::Lost,
        Some(EncoderFault::OutOfMemory) => GpuState::OutOfMemory,
        Some(EncoderFault::NoEncoder | EncoderFault::NoSession | EncoderFault::Input) | None => GpuState::NoEncoder,
    }
}
