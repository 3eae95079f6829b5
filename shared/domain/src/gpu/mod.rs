//! GPUs that encode: how one is named, what its driver tells of it, and how many clips it takes now.

mod device;

pub use device::{GpuDevice, InvalidGpuDevice};

/// The GPU that a worker is pinned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// What NVML and CUDA call it, `GPU-…`, or `MIG-…` for a slice of one.
    pub uuid: String,
    /// The model, such as `NVIDIA L4`.
    pub name: String,
    /// Its address on the PCI bus, such as `00000000:17:00.0`.
    pub pci: String,
    /// The version of the driver, such as `570.86.15`.
    pub driver: String,
}

impl Gpu {
    /// Whether it is a slice of a GPU.
    pub fn is_slice(&self) -> bool {
        self.uuid.starts_with("MIG-")
    }
}

/// What a GPU's driver tells at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuSample {
    /// How much of the encoder is left for H.264, in percent. 0 and `None` mean that there is no encoder: the driver
    /// gives either, depending on its version.
    pub capacity_percent: Option<u8>,
    /// Encoder sessions that are open on this GPU, of all processes.
    pub sessions: u32,
    /// How busy the encoder is, in percent; `None` where the driver does not tell.
    pub utilization_percent: Option<u8>,
    /// Free memory in MB (10^6 bytes).
    pub free_memory_mb: u64,
}

/// What an operator bounds a GPU's use by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuLimits {
    /// Most encoder sessions, of all processes; `None` to learn it where the driver has a limit.
    pub max_sessions: Option<u32>,
    /// No clip is begun while less of the encoder is left, in percent.
    pub min_capacity_percent: u8,
    /// No clip is begun while less memory is free, in MB (10^6 bytes).
    pub min_free_memory_mb: u64,
    /// No clip is begun while the encoder is busier, in percent.
    pub max_utilization_percent: u8,
}

/// Whether a GPU takes clips, and why not. Each has words of its own, and a behaviour of its own in the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GpuState {
    /// It takes so many clips more.
    Ready {
        /// How many.
        free_slots: u32,
    },
    /// It encodes as much as it can or may.
    Saturated {
        /// By what.
        by: Saturation,
    },
    /// The driver takes no session beyond a number that a refusal has taught.
    SessionLimit {
        /// The number, of all processes.
        learned: u32,
    },
    /// Too little memory is free for a session.
    OutOfMemory,
    /// It has no NVENC engine.
    NoEncoder,
    /// It is a slice (MIG) without an engine.
    MigSlice,
    /// There is no driver, or no GPU.
    NoDriver,
    /// The driver's part for video is not there: a container without the capability `video`.
    NoVideoCapability,
    /// ffmpeg needs a newer driver.
    DriverTooOld,
    /// The driver's library and its kernel module are of different versions: the node must be started again.
    DriverMismatch,
    /// It fell off the bus, or must be reset.
    Lost,
}

/// What a GPU is full by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saturation {
    /// `gpu.max_sessions`.
    Sessions,
    /// `gpu.min_capacity_percent`.
    Capacity,
    /// `gpu.max_utilization_percent`.
    Utilization,
    /// The clips at hand take all that one GPU encodes well at once.
    Load,
}
