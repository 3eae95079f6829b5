use langflix_domain::{Gpu, GpuSample, GpuState};
use langflix_ports::media::EncoderFault;
use metrics::{counter, describe_counter, describe_gauge, gauge};

const INFO: &str = "langflix_gpu_info";
const STATE: &str = "langflix_gpu_state";
const SLOTS: &str = "langflix_encoding_slots";
const FREE_SLOTS: &str = "langflix_gpu_free_slots";
const SESSIONS: &str = "langflix_gpu_encoder_sessions";
const CAPACITY: &str = "langflix_gpu_encoder_capacity_percent";
const UTILIZATION: &str = "langflix_gpu_encoder_utilization_percent";
const FREE_MEMORY: &str = "langflix_gpu_free_memory_bytes";
const OPENED: &str = "langflix_gpu_sessions_opened_total";
const REFUSED: &str = "langflix_gpu_sessions_refused_total";
const FALLBACK: &str = "langflix_software_fallback_total";

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

pub(super) fn describe() {
    describe_gauge!(
        INFO,
        "1 for the GPU that the worker is pinned to, by UUID, model, PCI address, driver and engines; 0 for those before"
    );
    describe_gauge!(STATE, "1 for the state that the GPU is in, 0 for those that it was in before");
    describe_gauge!(SLOTS, "Tasks that the encoding worker may have at once");
    describe_gauge!(FREE_SLOTS, "Clips that the GPU takes beside those at hand");
    describe_gauge!(SESSIONS, "Encoder sessions on the GPU, of all processes");
    describe_gauge!(CAPACITY, "How much of the GPU's encoder is left, in percent; 0 where it has none");
    describe_gauge!(UTILIZATION, "How busy the GPU's encoder is, in percent");
    describe_gauge!(FREE_MEMORY, "Free memory of the GPU");
    describe_counter!(OPENED, "Encoder sessions that clips of this worker got");
    describe_counter!(REFUSED, "Encoder sessions that the GPU refused this worker");
    describe_counter!(FALLBACK, "Clips for a hardware encoder that were encoded in software, by reason");
    // A counter that begins at its first event hides that event from whoever looks at its increase.
    counter!(OPENED).absolute(0);
    counter!(REFUSED).absolute(0);
    for state in REASONS {
        counter!(FALLBACK, "reason" => state.name()).absolute(0);
    }
    counter!(FALLBACK, "reason" => EncoderFault::Input.name()).absolute(0);
}

/// How many encoder engines it has.
pub(super) fn engines(gpu: &Gpu) -> String {
    gpu.engines().map_or("unknown".to_owned(), |engines| engines.to_string())
}

/// The GPU, the only one that the worker is pinned to.
pub(super) fn info(before: Option<&Gpu>, gpu: &Gpu) {
    let set = |gpu: &Gpu, value: f64| {
        let Gpu { uuid, name, pci, driver } = gpu.clone();
        gauge!(INFO, "uuid" => uuid, "name" => name, "pci" => pci, "driver" => driver, "engines" => engines(gpu))
            .set(value);
    };
    if let Some(before) = before {
        set(before, 0.0);
    }
    set(gpu, 1.0);
}

/// How many tasks there may be.
pub(super) fn slots(slots: usize) {
    gauge!(SLOTS).set(slots as f64);
}

/// The state, the only one that holds.
pub(super) fn tell(before: &'static str, state: &GpuState) {
    if before != state.name() {
        gauge!(STATE, "state" => before).set(0.0);
    }
    gauge!(STATE, "state" => state.name()).set(1.0);
    gauge!(FREE_SLOTS).set(f64::from(state.free_slots()));
}

pub(super) fn sample(sample: &GpuSample) {
    gauge!(SESSIONS).set(f64::from(sample.sessions));
    gauge!(CAPACITY).set(f64::from(sample.capacity_percent.unwrap_or_default()));
    gauge!(FREE_MEMORY).set(sample.free_memory_mb as f64 * 1e6);
    if let Some(percent) = sample.utilization_percent {
        gauge!(UTILIZATION).set(f64::from(percent));
    }
}

/// What was told last does not hold any more.
pub(super) fn no_sample() {
    for name in [SESSIONS, CAPACITY, FREE_MEMORY, UTILIZATION] {
        gauge!(name).set(f64::NAN);
    }
}

pub(super) fn opened() {
    counter!(OPENED).increment(1);
}

pub(super) fn refused() {
    counter!(REFUSED).increment(1);
}

pub(super) fn fallback(reason: &'static str) {
    counter!(FALLBACK, "reason" => reason).increment(1);
}
