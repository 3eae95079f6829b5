use std::time::{Duration, Instant};

use langflix_domain::{Admission, FailureKind, Gpu, GpuLimits, GpuSample, GpuState, Load, Own};
use langflix_ports::{
    gpu::{self, ErrorKind},
    media::{self, EncoderFault},
};

use super::{desk::OnGpu, measures};

/// How long a GPU that failed to encode a frame is left alone before the next one.
const TRIED_AGAIN: Duration = Duration::from_secs(10);
/// The same of one that said that it has no encoder, which another driver or another GPU may have, looked for beside this.
const TRIED_SELDOM: Duration = Duration::from_mins(10);
/// How long a sample stands while the driver stumbles.
const STALE: Duration = Duration::from_secs(10);
/// How long a look stands for a clip that is to begin: twice the time between two looks at a GPU at work.
const RECENT: Duration = Duration::from_secs(1);
/// How long nothing is taken after a clip found no place on the processor.
const CROWDED: Duration = Duration::from_secs(2);
/// With less of the GPU's memory free, in MB, frames ahead would take the room of another session.
const SPARE_MB: u64 = 4000;
/// How long it takes at first to find a clip in its source.
const LEAD: Duration = Duration::from_millis(500);

/// What is known of the GPU, and the clips at hand.
pub(super) struct Books {
    admission: Admission,
    gpu: Option<Gpu>,
    seen: Seen,
    /// When NVML was asked last.
    asked: Option<Instant>,
    trial: Trial,
    pub(super) state: GpuState,
    /// Whether anybody has looked at the GPU, or is going to.
    pub(super) looked: bool,
    /// The sessions of this worker.
    pub(super) own: Own,
    /// Tasks, each from its message to its end.
    pub(super) tasks: usize,
    /// Clips that are encoded in software.
    pub(super) software: usize,
    /// Sessions that end so soon that the next clip may be looked up.
    pub(super) leaving: usize,
    /// Clips of both kinds whose last frame is encoded.
    pub(super) ending: usize,
    /// Tasks whose clip's last frame is encoded.
    pub(super) storing: usize,
    /// How long it takes to find a clip in its source, on average.
    pub(super) lead: Duration,
    /// When a clip found no place on the processor.
    pub(super) crowded: Option<Instant>,
}

/// What NVML told last.
enum Seen {
    Sample(GpuSample, Instant),
    Nothing(GpuState, String),
}

/// What came of encoding one frame.
enum Trial {
    Due,
    Passed,
    Failed { state: GpuState, says: String, again: Instant },
}

impl Books {
    /// Books of a worker that knows of no GPU yet.
    pub(super) fn new(limits: GpuLimits) -> Self {
        Self {
            admission: Admission::new(limits),
            gpu: None,
            seen: Seen::Nothing(GpuState::NoDriver, "nobody has looked yet".to_owned()),
            asked: None,
            trial: Trial::Due,
            state: GpuState::NoDriver,
            looked: false,
            own: Own::default(),
            tasks: 0,
            software: 0,
            leaving: 0,
            ending: 0,
            storing: 0,
            lead: LEAD,
            crowded: None,
        }
    }

    /// What NVML tells.
    pub(super) fn seen(&mut self, now: Instant, gpu: Option<&Gpu>, seen: Result<GpuSample, gpu::Error>) {
        self.looked = true;
        self.asked = Some(now);
        if let Some(gpu) = gpu.filter(|&gpu| self.gpu.as_ref() != Some(gpu)) {
            self.pin(gpu);
        }
        match seen {
            Ok(sample) => self.sampled(now, sample),
            // What was told last stands for a while.
            Err(error) if error.kind == ErrorKind::Passing && self.is_fresh(now) => {
                tracing::debug!(%error, "the GPU's driver told nothing");
            }
            Err(error) => {
                measures::no_sample();
                self.seen = Seen::Nothing(self.of_error(error.kind), error.message);
            }
        }
    }

    /// Whether the GPU was looked at just now, so that a clip may begin.
    pub(super) fn is_known(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now.saturating_duration_since(asked) < RECENT)
    }

    /// Whether a frame is to be encoded to see whether the GPU encodes at all. Not beside clips: each takes a session.
    pub(super) fn wants_trial(&self, now: Instant) -> bool {
        let due = match &self.trial {
            Trial::Due => true,
            Trial::Passed => false,
            Trial::Failed { again, .. } => now >= *again,
        };
        // Where NVML tells of no encoder, a frame would tell no more.
        let may_encode = match (&self.seen, &self.trial) {
            (Seen::Sample(..), Trial::Failed { .. }) => true,
            (Seen::Sample(..), _) => self.state.encodes(),
            (Seen::Nothing(..), _) => false,
        };
        due && may_encode && self.own.sessions == 0
    }

    /// What came of encoding it.
    pub(super) fn tried(&mut self, now: Instant, tried: Result<(), media::Error>) {
        match tried {
            Ok(()) => self.trial = Trial::Passed,
            Err(media::Error { fault, message, kind, .. }) => match fault {
                // There is an encoder, and others have it.
                Some(EncoderFault::NoSession | EncoderFault::OutOfMemory) => {
                    self.trial = Trial::Passed;
                    self.refused(now);
                }
                None if kind == FailureKind::TimedOut => {
                    self.trial = Trial::Failed { state: GpuState::Lost, says: message, again: now + TRIED_AGAIN };
                }
                fault => {
                    // What a clip says may be true of its codec alone.
                    let wait = if fault == Some(EncoderFault::NoEncoder) { TRIED_SELDOM } else { TRIED_AGAIN };
                    self.trial = Trial::Failed { state: self.of_fault(fault), says: message, again: now + wait };
                }
            },
        }
    }

    /// What an encode on the GPU said of the GPU.
    pub(super) fn failed(&mut self, now: Instant, fault: EncoderFault, says: &str) {
        match fault {
            EncoderFault::NoSession | EncoderFault::OutOfMemory => self.refused(now),
            EncoderFault::Input => {}
            fault => {
                let (state, says) = (self.of_fault(Some(fault)), says.to_owned());
                self.trial = Trial::Failed { state, says, again: now + TRIED_AGAIN };
            }
        }
    }

    /// A session of this worker works.
    pub(super) fn opened(&mut self) {
        measures::opened();
        self.trial = Trial::Passed;
        self.admission.opened(self.sessions());
    }

    fn pin(&mut self, gpu: &Gpu) {
        let Gpu { uuid, name, pci, driver } = gpu;
        tracing::info!(uuid, name, pci, driver, engines = measures::engines(gpu), "pinned to a GPU");
        measures::info(self.gpu.as_ref(), gpu);
        self.admission.pin(gpu);
        self.gpu = Some(gpu.clone());
        self.trial = Trial::Due;
    }

    fn is_fresh(&self, now: Instant) -> bool {
        matches!(self.seen, Seen::Sample(_, at) if now.duration_since(at) < STALE)
    }

    fn sampled(&mut self, now: Instant, sample: GpuSample) {
        if let Seen::Nothing(..) = self.seen {
            self.trial = Trial::Due;
        }
        measures::sample(&sample);
        self.seen = Seen::Sample(sample, now);
    }

    /// The state of a GPU of which NVML tells nothing.
    fn of_error(&self, kind: ErrorKind) -> GpuState {
        match kind {
            ErrorKind::NoDriver | ErrorKind::Passing => GpuState::NoDriver,
            ErrorKind::DriverMismatch => GpuState::DriverMismatch,
            ErrorKind::Pin if self.gpu.is_none() => GpuState::NotPinned,
            // It was there before.
            ErrorKind::Pin | ErrorKind::Lost => GpuState::Lost,
        }
    }

    /// The state of a GPU on which ffmpeg could not encode; where it gave no reason, that of one without an encoder.
    fn of_fault(&self, fault: Option<EncoderFault>) -> GpuState {
        fault.unwrap_or(EncoderFault::NoEncoder).gpu_state(self.gpu.as_ref().is_some_and(Gpu::is_slice))
    }

    /// The model; `unknown` where it has not been found.
    pub(super) fn device(&self) -> &str {
        self.gpu.as_ref().map_or("unknown", |gpu| &gpu.name)
    }

    pub(super) fn on_gpu(&self) -> Option<OnGpu> {
        let lookahead = matches!(&self.seen, Seen::Sample(sample, _) if sample.free_memory_mb >= SPARE_MB);
        self.gpu.as_ref().map(|gpu| OnGpu { uuid: gpu.uuid.clone(), lookahead })
    }

    /// All sessions that are open on the GPU, as far as is known.
    fn sessions(&self) -> u32 {
        match &self.seen {
            Seen::Sample(sample, _) => sample.sessions.max(self.own.sessions),
            Seen::Nothing(..) => self.own.sessions,
        }
    }

    fn refused(&mut self, now: Instant) {
        measures::refused();
        self.admission.refused(now, self.sessions());
    }

    pub(super) fn judge(&mut self, now: Instant) {
        self.state = match (&self.seen, &self.trial) {
            (Seen::Nothing(state, _), _) => state.clone(),
            (Seen::Sample(sample, _), trial) => match (self.admission.admit(now, sample, self.own), trial) {
                // What NVML knows goes before what ffmpeg makes of it.
                (admitted, Trial::Failed { state, .. }) if admitted.encodes() => state.clone(),
                (admitted, _) => admitted,
            },
        };
    }

    /// Whether a frame is being encoded to see whether the GPU encodes at all, or is about to be.
    pub(super) fn is_tried(&self) -> bool {
        matches!(self.trial, Trial::Due) && self.state.encodes()
    }

    /// Whether a clip of that load may be begun beside those at hand.
    pub(super) fn fits(&self, load: Load) -> bool {
        self.admission.fits(self.own, load)
    }

    /// How many clips more are taken for the GPU: none before it was tried, and none while messages are handed back since
    /// the processor has no place for them.
    pub(super) fn free(&self, now: Instant) -> usize {
        let crowded = self.crowded.is_some_and(|since| now.duration_since(since) < CROWDED);
        let shut = crowded || matches!(self.trial, Trial::Due);
        if shut { 0 } else { self.state.free_slots() as usize }
    }

    /// How many tasks the worker may have, of which so many are encoded in software in the GPU's place. Tasks that only
    /// have their clip to store take no place from the next ones.
    pub(super) fn slots(&self, now: Instant, in_place: usize) -> usize {
        let storing = self.storing.saturating_sub(self.ending);
        self.own.sessions as usize + self.free(now) + self.leaving + storing + in_place.max(self.software)
    }

    /// The GPU and its state in one line.
    pub(super) fn says(&self) -> String {
        let state = &self.state;
        let why = match (&self.seen, &self.trial) {
            (Seen::Nothing(GpuState::NotPinned, says), _) => return says.clone(),
            (Seen::Nothing(_, says), _) => format!(" ({says})"),
            (Seen::Sample(..), Trial::Failed { state: failed, says, .. }) if failed == state => format!(" ({says})"),
            _ => String::new(),
        };
        match &self.gpu {
            Some(Gpu { name, uuid, pci, driver }) => format!("{name} ({uuid}, {pci}, driver {driver}): {state}{why}"),
            None => format!("{state}{why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_said_that_it_has_no_encoder_is_seldom_asked_again() {
        let limits = GpuLimits {
            max_sessions: None,
            min_capacity_percent: 10,
            min_free_memory_mb: 600,
            max_utilization_percent: 95,
        };
        let gpu = Gpu { uuid: "GPU-1".to_owned(), name: "X1".to_owned(), pci: String::new(), driver: "1".to_owned() };
        let sample =
            GpuSample { capacity_percent: Some(100), sessions: 0, utilization_percent: Some(0), free_memory_mb: 9000 };
        let began = Instant::now();
        let asked_after = |fault| {
            let mut books = Books::new(limits);
            books.seen(began, Some(&gpu), Ok(sample));
            books.judge(began);
            assert!(books.wants_trial(began));
            let error = media::Error { kind: FailureKind::Encoder, transient: false, fault, message: String::new() };
            books.tried(began, Err(error));
            books.judge(began);
            let soon = [TRIED_AGAIN, TRIED_SELDOM].map(|wait| books.wants_trial(began + wait));
            // Another driver may have one.
            books.seen(began, Some(&Gpu { driver: "2".to_owned(), ..gpu.clone() }), Ok(sample));
            books.judge(began);
            (soon, books.wants_trial(began))
        };
        assert_eq!(asked_after(Some(EncoderFault::NoEncoder)), ([false, true], true));
        for passes in [None, Some(EncoderFault::DriverTooOld), Some(EncoderFault::NoVideoCapability)] {
            assert_eq!(asked_after(passes), ([true, true], true), "{passes:?}");
        }
    }
}
