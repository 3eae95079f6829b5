use serde::{Deserialize, Serialize};

use crate::{Refusal, Session};

/// A machine's GPUs, driver and encoder sessions, as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// The driver of all of them.
    pub driver: Driver,
    /// Most encoder sessions of the whole machine, as GeForce has; none for data centre GPUs.
    pub session_cap: Option<u32>,
    /// How long each encode holds its session before anything else, in milliseconds.
    pub encode_ms: u64,
    /// How fast an encode reads its source, in percent of the source's own pace; as fast as it can where it is `None`.
    pub pace_percent: Option<u32>,
    /// Whether an encode then writes what it was asked for, in software. Otherwise it ends well without a trace.
    pub real: bool,
    /// The GPUs in the order of the PCI bus, each followed by its slices.
    pub gpus: Vec<Gpu>,
    /// The sessions that the encoder opened; those of processes that have ended do not count.
    pub sessions: Vec<Session>,
    /// What the encoder was asked.
    pub counts: Counts,
}

impl Default for State {
    fn default() -> Self {
        Self {
            driver: Driver::default(),
            session_cap: None,
            encode_ms: 0,
            pace_percent: None,
            real: true,
            gpus: Vec::new(),
            sessions: Vec::new(),
            counts: Counts::default(),
        }
    }
}

/// The driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Driver {
    /// Its version.
    pub version: String,
    /// What every call to NVML fails with.
    pub failure: Option<Failure>,
    /// What every encode is refused with, whatever the GPU.
    pub refuses: Option<Refusal>,
    /// How often it was loaded again. Whoever had initialised NVML before must do so again.
    pub reloads: u32,
}

impl Default for Driver {
    fn default() -> Self {
        Self { version: "570.86.15".to_owned(), failure: None, refuses: None, reloads: 0 }
    }
}

/// A GPU, or a slice of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gpu {
    /// `GPU-…`, or `MIG-…` for a slice.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// The address on the PCI bus, `00000000:17:00.0`; a slice has none of its own.
    pub pci: String,
    /// The UUID of the GPU that it is a slice of.
    pub slice_of: Option<String>,
    /// NVENC engines; without any it looks idle, and refuses every encode.
    pub engines: u32,
    /// Memory in MB (10^6 bytes).
    pub memory_mb: u64,
    /// Memory that other work holds.
    pub used_memory_mb: u64,
    /// Memory that each session holds.
    pub session_mb: u64,
    /// What each session takes of the encoder, in percent.
    pub session_percent: u32,
    /// Sessions that other programs hold.
    pub foreign_sessions: u32,
    /// What the encoder's capacity is said to be, rather than what the sessions leave of it.
    pub capacity_percent: Option<u32>,
    /// What the encoder's utilisation is said to be, rather than what the sessions take of it.
    pub utilization_percent: Option<u32>,
    /// What every call to NVML about it fails with.
    pub failure: Option<Failure>,
    /// What every encode on it is refused with.
    pub refuses: Option<Refusal>,
}

/// What the encoder was asked since the file was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counts {
    /// Sessions that were opened.
    pub opens: u64,
    /// Sessions that were refused.
    pub refusals: u64,
    /// Most sessions that were open at once, those of other programs included.
    pub most: u32,
}

/// Failures of NVML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The kernel module is not loaded.
    DriverNotLoaded,
    /// Library and kernel module are of different versions.
    Mismatch,
    /// The GPU fell off the bus.
    Lost,
    /// The GPU must be reset.
    ResetRequired,
    /// The devices may not be opened.
    NoPermission,
    /// It took too long.
    Timeout,
    /// Anything.
    Unknown,
}

impl State {
    /// The GPU, or the slice, of that UUID.
    #[must_use]
    pub fn gpu(&self, uuid: &str) -> Option<&Gpu> {
        self.gpus.iter().find(|gpu| gpu.uuid == uuid)
    }

    /// To change it.
    pub fn gpu_mut(&mut self, uuid: &str) -> Option<&mut Gpu> {
        self.gpus.iter_mut().find(|gpu| gpu.uuid == uuid)
    }

    /// The GPUs without their slices, as NVML counts them.
    pub fn whole(&self) -> impl Iterator<Item = &Gpu> {
        self.gpus.iter().filter(|gpu| gpu.slice_of.is_none())
    }

    /// The slices of the GPU of that UUID.
    pub fn slices<'a>(&'a self, uuid: &'a str) -> impl Iterator<Item = &'a Gpu> {
        self.gpus.iter().filter(move |gpu| gpu.slice_of.as_deref() == Some(uuid))
    }

    /// Sessions that are open on a GPU, those of other programs included.
    #[must_use]
    pub fn open_on(&self, gpu: &Gpu) -> u32 {
        let own = self.sessions.iter().filter(|session| session.gpu == gpu.uuid && session.is_open()).count();
        gpu.foreign_sessions + u32::try_from(own).unwrap_or(u32::MAX)
    }

    /// Sessions that are open on the machine.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.gpus.iter().map(|gpu| self.open_on(gpu)).sum()
    }

    /// What is left of a GPU's encoder, in percent; `None` where it has none and is not said to have.
    #[must_use]
    pub fn capacity_percent(&self, gpu: &Gpu) -> Option<u32> {
        let left = || 100_u32.saturating_sub(self.open_on(gpu) * gpu.session_percent);
        gpu.capacity_percent.or_else(|| (gpu.engines > 0).then(left))
    }

    /// How busy a GPU's encoder is, in percent; `None` for a slice.
    #[must_use]
    pub fn utilization_percent(&self, gpu: &Gpu) -> Option<u32> {
        let busy = || (self.open_on(gpu) * gpu.session_percent).min(100);
        gpu.utilization_percent.or_else(|| gpu.slice_of.is_none().then(busy))
    }

    /// A GPU's memory that nobody holds, in MB.
    #[must_use]
    pub fn free_memory_mb(&self, gpu: &Gpu) -> u64 {
        let held = gpu.used_memory_mb + u64::from(self.open_on(gpu)) * gpu.session_mb;
        gpu.memory_mb.saturating_sub(held)
    }
}
