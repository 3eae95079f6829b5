//! From what an operator names to one GPU.

use langflix_domain::{Gpu, GpuDevice};
use langflix_ports::gpu::{Error, ErrorKind};
use nvml_wrapper::{Device, Nvml, error::NvmlError};

use super::failure::told;

/// Something that encodes: a GPU, a slice of one, or one that does not answer.
type Unit<'a> = Result<Device<'a>, NvmlError>;

pub(super) fn pin(nvml: &Nvml, wanted: &GpuDevice) -> Result<Gpu, Error> {
    let what = format!("gpu.device {wanted}");
    let failed = |error: &NvmlError| told(&what, error);
    let fitting = match wanted {
        GpuDevice::Auto => all(nvml).map_err(|error| failed(&error))?,
        GpuDevice::Uuid(uuid) => named(nvml.device_by_uuid(uuid.as_str())),
        GpuDevice::Index(number) => named(nvml.device_by_index(*number)),
        GpuDevice::Pci(address) => named(nvml.device_by_pci_bus_id(address.as_str())),
    };
    let fitting = match <[Unit<'_>; 1]>::try_from(fitting) {
        Ok([unit]) => return unit.and_then(|device| identity(nvml, &device)).map_err(|error| failed(&error)),
        Err(fitting) => fitting.len(),
    };
    let seen: Vec<String> =
        all(nvml).map_err(|error| failed(&error))?.into_iter().map(|unit| line(nvml, unit)).collect();
    if seen.is_empty() {
        let message = format!("{what}: the driver sees no GPU: give the node, or the container, one");
        return Err(Error { kind: ErrorKind::NoDriver, message });
    }
    let problem = match fitting {
        0 => "no such GPU is there".to_owned(),
        more => format!("{more} fit"),
    };
    Err(Error { kind: ErrorKind::Pin, message: format!("{what}: {problem}: name one of {}", seen.join(", ")) })
}

/// All that can be seen. In a container these are those it was given; `CUDA_VISIBLE_DEVICES` hides nothing from NVML.
fn all(nvml: &Nvml) -> Result<Vec<Unit<'_>>, NvmlError> {
    let units = (0..nvml.device_count()?).map(|number| nvml.device_by_index(number));
    // Those of others are counted, too.
    Ok(units.filter(|unit| !matches!(unit, Err(NvmlError::NoPermission))).flat_map(slices).collect())
}

/// Nothing where there is none of that name.
fn named(unit: Unit<'_>) -> Vec<Unit<'_>> {
    match unit {
        Err(NvmlError::NotFound | NvmlError::InvalidArg) => Vec::new(),
        unit => slices(unit),
    }
}

/// The slices of a GPU that is cut into some, or else itself.
fn slices(unit: Unit<'_>) -> Vec<Unit<'_>> {
    let device = match unit {
        Ok(device) => device,
        Err(error) => return vec![Err(error)],
    };
    match device.mig_mode() {
        Ok(mode) if mode.current != 0 => {}
        // Models that cannot be cut, and slices themselves, have no such mode.
        Ok(_) | Err(NvmlError::NotSupported | NvmlError::InvalidArg) => return vec![Ok(device)],
        Err(error) => return vec![Err(error)],
    }
    let places = device.mig_device_count().unwrap_or_default();
    (0..places)
        .map(|place| device.mig_device_by_index(place))
        .filter(|slice| !matches!(slice, Err(NvmlError::NotFound | NvmlError::InvalidArg | NvmlError::NoPermission)))
        .collect()
}

fn identity(nvml: &Nvml, device: &Device<'_>) -> Result<Gpu, NvmlError> {
    let uuid = device.uuid()?;
    let on_bus = match uuid.starts_with("MIG-") {
        true => device.mig_parent_device()?.pci_info()?,
        false => device.pci_info()?,
    };
    Ok(Gpu { uuid, name: device.name()?, pci: on_bus.bus_id, driver: nvml.sys_driver_version()? })
}

fn line(nvml: &Nvml, unit: Unit<'_>) -> String {
    match unit.and_then(|device| identity(nvml, &device)) {
        Ok(Gpu { uuid, name, pci, .. }) => format!("{uuid} ({name}, {pci})"),
        Err(error) => format!("one that does not answer ({error})"),
    }
}
