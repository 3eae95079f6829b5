//! NVIDIA GPUs, asked through NVML.

mod failure;
mod pin;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use langflix_domain::{Gpu, GpuDevice, GpuSample};
use langflix_ports::gpu::{Error, GpuProbe};
use nvml_wrapper::{Nvml, enum_wrappers::device::EncoderType, error::NvmlError};

use failure::told;

/// The name under which a container has it: the one without a number comes with packages for developers.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// One GPU, or one slice of a GPU, held by its UUID.
///
/// Numbers change with the order of the bus, and what is there when the driver is loaded again may be another GPU.
#[derive(Debug)]
pub struct NvmlGpu {
    gpu: Gpu,
    library: PathBuf,
    /// None after a failure: NVML must be initialised again to see a driver that was loaded again.
    driver: Mutex<Option<Nvml>>,
}

impl NvmlGpu {
    /// Finds the GPU that an operator names. `library` is NVML's, where it does not go by its usual name.
    ///
    /// A GPU in slices (MIG) is none itself; the slices are.
    ///
    /// # Errors
    /// [`Error`]; of the kind [`Pin`](langflix_ports::gpu::ErrorKind::Pin) where not exactly one GPU is named.
    pub fn open(device: &GpuDevice, library: Option<&Path>) -> Result<Self, Error> {
        let library = library.unwrap_or(Path::new(LIBRARY)).to_owned();
        let nvml = load(&library)?;
        Ok(Self { gpu: pin::pin(&nvml, device)?, library, driver: Mutex::new(Some(nvml)) })
    }
}

impl GpuProbe for NvmlGpu {
    fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    fn sample(&self) -> Result<GpuSample, Error> {
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        let nvml = driver.take().map_or_else(|| load(&self.library), Ok)?;
        let sample =
            look(&nvml, &self.gpu).map_err(|error| told(&format!("{} ({})", self.gpu.uuid, self.gpu.name), &error))?;
        *driver = Some(nvml);
        Ok(sample)
    }
}

fn load(library: &Path) -> Result<Nvml, Error> {
    Nvml::builder().lib_path(library.as_os_str()).init().map_err(|error| told("NVML", &error))
}

fn look(nvml: &Nvml, gpu: &Gpu) -> Result<GpuSample, NvmlError> {
    let device = nvml.device_by_uuid(gpu.uuid.as_str())?;
    // In percent, whatever the wrapper's documentation says of macroblocks. Of an H200, driver 580 says 100.
    let capacity = match gpu.engines() {
        Some(0) => None,
        _ => figure(device.encoder_capacity(EncoderType::H264))?,
    };
    // Not `encoder_sessions()`: it fails where a session is opened while it counts, and where one encodes AV1.
    let stats = figure(device.encoder_stats())?;
    let utilization = figure(device.encoder_utilization())?;
    let memory = figure(device.memory_info())?;
    Ok(GpuSample {
        capacity_percent: capacity.map(percent),
        sessions: stats.map_or(0, |stats| stats.session_count),
        utilization_percent: utilization.map(|utilization| percent(utilization.utilization)),
        // A GPU that shares the machine's memory does not tell, and is short of none.
        free_memory_mb: memory.map_or(u64::from(u32::MAX), |memory| memory.free / 1_000_000),
    })
}

/// `None` where the GPU has no such figure. A handle that was found just now is valid, so that an invalid argument says the
/// same of a slice.
fn figure<T>(answer: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(NvmlError::NotSupported | NvmlError::InvalidArg) => Ok(None),
        Err(error) => Err(error),
    }
}

fn percent(value: u32) -> u8 {
    u8::try_from(value.min(100)).unwrap_or(100)
}
