//! GPUs that encode: how one is named, what its driver tells of it, and how many clips it takes now.

mod admission;
mod device;
mod gate;
mod limit;
mod load;
mod others;
mod state;

pub use admission::{Admission, Own};
pub use device::{GpuDevice, InvalidGpuDevice};
pub use load::Load;
pub use state::{GpuState, Saturation};

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

    /// How many encoder engines the model has, where that is known: the driver does not tell.
    pub fn engines(&self) -> Option<u32> {
        // From tests of these models and, for the L4, NVIDIA's application note on NVENC, which counts two on its chip.
        const KNOWN: [(&str, u32); 6] =
            [("L40S", 3), ("L4", 2), ("GeForce RTX 4080 SUPER", 2), ("A100", 0), ("H100", 0), ("H200", 0)];
        let model = self.name.strip_prefix("NVIDIA ").unwrap_or(&self.name);
        // `A100-SXM4-80GB`, `H100 80GB HBM3`.
        let is =
            |name: &str| model.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ' ']));
        KNOWN.iter().find(|(name, _)| is(name)).map(|(_, engines)| *engines)
    }
}

/// What a GPU's driver tells at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuSample {
    /// How much of the encoder is left for H.264, in percent. `None`, and 0 while no session is open, mean that there is
    /// no encoder; 100 does not mean that there is one.
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
