//! The GPU that a worker is pinned to, as its driver tells of it.

use langflix_domain::{Gpu, GpuSample};

/// Looks at one GPU. Calls go to the driver and take milliseconds, longer where it is in trouble.
pub trait GpuProbe: Send + Sync {
    /// Which GPU it is.
    fn gpu(&self) -> &Gpu;

    /// What the driver tells now.
    ///
    /// # Errors
    /// [`Error`], after which a later look may succeed unless the kind says otherwise.
    fn sample(&self) -> Result<GpuSample, Error>;
}

/// Why nothing can be told of a GPU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// What, where and what to do, in one line.
    pub message: String,
}

/// Sorts of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no driver, or it knows of no such GPU; may pass when the driver is loaded.
    NoDriver,
    /// The library and the kernel module of the driver are of different versions.
    DriverMismatch,
    /// The GPU fell off the bus or must be reset.
    Lost,
    /// What `gpu.device` names is not there or is not one alone; all that can be seen are named.
    Pin,
    /// The driver stumbled, and may tell the next time.
    Passing,
}
