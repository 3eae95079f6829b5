use langflix_domain::{GpuDevice, GpuLimits};

use crate::config::{kind, reader::Reader};

/// Which GPU an encoding worker is pinned to, and what bounds its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Which one.
    pub device: GpuDevice,
    /// What bounds its use.
    pub limits: GpuLimits,
}

impl Gpu {
    pub(in crate::config) fn read(read: &mut Reader) -> Self {
        let device = read.value(
            "gpu.device",
            kind::text(
                "auto, a UUID such as GPU-… or MIG-…, an index, or a PCI address such as 00000000:17:00.0",
                |text| text.parse().ok(),
                GpuDevice::to_string,
            ),
            GpuDevice::Auto,
            "the GPU that the worker is pinned to; `auto`: the only one that can be seen",
        );
        let max_sessions = read.value(
            "gpu.max_sessions",
            kind::whole(1..=1000).optional(),
            None,
            "most encoder sessions at once, those of other processes among them; unset: learned where the driver refuses one",
        );
        let min_capacity_percent = read.value(
            "gpu.min_capacity_percent",
            kind::whole(0..=100),
            10,
            "no clip is begun while less of the encoder is left, in percent as NVML tells it",
        );
        let min_free_memory_mb = read.value(
            "gpu.min_free_memory_mb",
            kind::whole(0..=1_000_000),
            600,
            "no clip is begun while less of the GPU's memory is free, in MB (10^6 bytes)",
        );
        let max_utilization_percent = read.value(
            "gpu.max_utilization_percent",
            kind::whole(1..=100),
            95,
            "no clip is begun while the encoder is busier, in percent",
        );
        let limits = GpuLimits { max_sessions, min_capacity_percent, min_free_memory_mb, max_utilization_percent };
        Self { device, limits }
    }
}
