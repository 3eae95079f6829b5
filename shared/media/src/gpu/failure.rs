//! What a failure of NVML means for a worker, and what is to be done.

use langflix_ports::gpu::{Error, ErrorKind};
use nvml_wrapper::error::NvmlError;

/// A failure in one line: of what, why, what to do.
pub(super) fn told(what: &str, error: &NvmlError) -> Error {
    let (kind, advice) = meaning(error);
    Error { kind, message: format!("{what}: {error}: {advice}").replace('\n', " ") }
}

fn meaning(error: &NvmlError) -> (ErrorKind, &'static str) {
    use NvmlError as E;
    match error {
        E::LibloadingError(_) | E::LibraryNotFound => (
            ErrorKind::NoDriver,
            "install the NVIDIA driver, or give the container a GPU and the capability utility \
             (NVIDIA_DRIVER_CAPABILITIES=compute,video,utility)",
        ),
        E::DriverNotLoaded => {
            (ErrorKind::NoDriver, "load the kernel module (modprobe nvidia), or use a node with a GPU")
        }
        E::NoPermission | E::OperatingSystem => {
            (ErrorKind::NoDriver, "let this user open /dev/nvidia*, or give the container the GPU")
        }
        E::NotFound | E::InvalidArg => {
            (ErrorKind::NoDriver, "the driver knows of no such GPU: see nvidia-smi -L on the node")
        }
        E::LibRmVersionMismatch => {
            (ErrorKind::DriverMismatch, "the driver was updated under the running kernel module: restart the node")
        }
        E::GpuLost => (ErrorKind::Lost, "look for Xid in the node's kernel log and restart the node"),
        E::ResetRequired => {
            (ErrorKind::Lost, "reset it (nvidia-smi --gpu-reset) when nothing uses it, or restart the node")
        }
        E::FailedToLoadSymbol(_) | E::FunctionNotFound => {
            (ErrorKind::Passing, "the driver lacks a function of NVML: install version 520 or newer")
        }
        // `Unknown`, `Timeout`, `Uninitialized` and what no driver is known to answer.
        _ => (ErrorKind::Passing, "asked again with NVML initialised anew; see the node's kernel log where it stays"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_kind_and_its_advice_in_one_line() {
        let not_loadable = nvml_wrapper::Nvml::builder().lib_path("/nowhere/libnvidia-ml.so.1".as_ref()).init();
        for (error, kind, advice) in [
            (not_loadable.unwrap_err(), ErrorKind::NoDriver, "capability utility"),
            (NvmlError::LibraryNotFound, ErrorKind::NoDriver, "install the NVIDIA driver"),
            (NvmlError::DriverNotLoaded, ErrorKind::NoDriver, "modprobe nvidia"),
            (NvmlError::NoPermission, ErrorKind::NoDriver, "/dev/nvidia*"),
            (NvmlError::NotFound, ErrorKind::NoDriver, "no such GPU"),
            (NvmlError::LibRmVersionMismatch, ErrorKind::DriverMismatch, "restart the node"),
            (NvmlError::GpuLost, ErrorKind::Lost, "Xid"),
            (NvmlError::ResetRequired, ErrorKind::Lost, "nvidia-smi --gpu-reset"),
            (NvmlError::FailedToLoadSymbol("nvml\nX".to_owned()), ErrorKind::Passing, "version 520"),
            (NvmlError::Unknown, ErrorKind::Passing, "asked again"),
            (NvmlError::Timeout, ErrorKind::Passing, "asked again"),
            (NvmlError::Uninitialized, ErrorKind::Passing, "asked again"),
        ] {
            let told = told("GPU-1", &error);
            assert_eq!(told.kind, kind, "{error:?}");
            assert!(told.message.starts_with(&format!("GPU-1: {error}").replace('\n', " ")), "{}", told.message);
            assert!(told.message.contains(advice) && !told.message.contains('\n'), "{}", told.message);
        }
    }
}
