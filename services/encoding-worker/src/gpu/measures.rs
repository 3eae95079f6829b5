use langflix_domain::{Gpu, GpuSample, GpuState};
use langflix_measures::{
    FALLBACKS, GPU_CAPACITY, GPU_FREE_MEMORY, GPU_FREE_SLOTS, GPU_INFO, GPU_OPENED, GPU_REFUSED, GPU_SESSIONS,
    GPU_STATE, GPU_UTILIZATION, GpuInfo, SLOTS,
};
use langflix_ports::media::EncoderFault;

/// States in which a GPU does not encode.
const REASONS: [GpuState; 7] = [
    GpuState::NoEncoder,
    GpuState::MigSlice,
    GpuState::NoDriver,
    GpuState::NoVideoCapability,
    GpuState::DriverTooOld,
    GpuState::DriverMismatch,
    GpuState::Lost,
];

/// A counter that begins at its first event hides that event from whoever looks at its increase.
pub(super) fn begin() {
    GPU_OPENED.add((), 0);
    GPU_REFUSED.add((), 0);
    for state in REASONS {
        FALLBACKS.add((state.name().into(),), 0);
    }
    FALLBACKS.add((EncoderFault::Input.name().into(),), 0);
}

/// How many encoder engines it has.
pub(super) fn engines(gpu: &Gpu) -> String {
    gpu.engines().map_or("unknown".to_owned(), |engines| engines.to_string())
}

/// The GPU, the only one that the worker is pinned to.
pub(super) fn info(before: Option<&Gpu>, gpu: &Gpu) {
    let set = |gpu: &Gpu, value| GPU_INFO.set(GpuInfo { gpu: gpu.clone(), engines: engines(gpu) }, value);
    if let Some(before) = before {
        set(before, 0.0);
    }
    set(gpu, 1.0);
}

/// How many tasks there may be.
pub(super) fn slots(slots: usize) {
    SLOTS.set((), slots as f64);
}

/// The state, the only one that holds.
pub(super) fn tell(before: &'static str, state: &GpuState) {
    if before != state.name() {
        GPU_STATE.set((before.into(),), 0.0);
    }
    GPU_STATE.set((state.name().into(),), 1.0);
    GPU_FREE_SLOTS.set((), f64::from(state.free_slots()));
}

pub(super) fn sample(sample: &GpuSample) {
    GPU_SESSIONS.set((), f64::from(sample.sessions));
    GPU_CAPACITY.set((), f64::from(sample.capacity_percent.unwrap_or_default()));
    GPU_FREE_MEMORY.set((), sample.free_memory_mb as f64 * 1e6);
    if let Some(percent) = sample.utilization_percent {
        GPU_UTILIZATION.set((), f64::from(percent));
    }
}

/// What was told last does not hold any more.
pub(super) fn no_sample() {
    for measure in [&GPU_SESSIONS, &GPU_CAPACITY, &GPU_FREE_MEMORY, &GPU_UTILIZATION] {
        measure.set((), f64::NAN);
    }
}

pub(super) fn opened() {
    GPU_OPENED.add((), 1);
}

pub(super) fn refused() {
    GPU_REFUSED.add((), 1);
}

pub(super) fn fallback(reason: &'static str) {
    FALLBACKS.add((reason.into(),), 1);
}
