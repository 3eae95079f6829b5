//! The symbols of `libnvidia-ml.so.1`.

use std::ffi::{CStr, CString, c_char, c_uint, c_ulonglong};

use crate::driver::{self, Code, handle, look, on};

/// `nvmlDevice_t`, which only this library looks into.
type Device = usize;

/// `nvmlPciInfo_t`.
#[repr(C)]
struct PciInfo {
    bus_id_legacy: [c_char; 16],
    domain: c_uint,
    bus: c_uint,
    device: c_uint,
    pci_device_id: c_uint,
    pci_sub_system_id: c_uint,
    bus_id: [c_char; 32],
}

/// `nvmlMemory_t`.
#[repr(C)]
struct Memory {
    total: c_ulonglong,
    free: c_ulonglong,
    used: c_ulonglong,
}

/// `nvmlMemory_v2_t`.
#[repr(C)]
struct MemoryV2 {
    version: c_uint,
    total: c_ulonglong,
    reserved: c_ulonglong,
    free: c_ulonglong,
    used: c_ulonglong,
}

/// Hands an answer over.
fn give<T>(to: *mut T, answer: Result<T, Code>) -> c_uint {
    let done = answer.and_then(|value| match to.is_null() {
        true => Err(Code::InvalidArgument),
        false => {
            // SAFETY: NVML's callers hand over either null or a place for one value.
            unsafe { to.write(value) };
            Ok(())
        }
    });
    code(done)
}

/// Hands a text over, where it has room with its end.
fn give_text(to: *mut c_char, length: c_uint, answer: Result<String, Code>) -> c_uint {
    let done = answer.and_then(|text| {
        let text = CString::new(text).map_err(|_| Code::Unknown)?;
        let bytes = text.as_bytes_with_nul();
        if to.is_null() {
            return Err(Code::InvalidArgument);
        }
        if bytes.len() > length as usize {
            return Err(Code::InsufficientSize);
        }
        // SAFETY: NVML's callers hand over a place for `length` characters, and the text is not longer.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len()) };
        Ok(())
    });
    code(done)
}

/// A text that is handed in.
fn taken<'a>(text: *const c_char) -> Result<&'a str, Code> {
    if text.is_null() {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: NVML's callers hand over a text that ends with a zero and outlives the call.
    unsafe { CStr::from_ptr(text) }.to_str().map_err(|_| Code::InvalidArgument)
}

fn code(done: Result<(), Code>) -> c_uint {
    done.err().unwrap_or(Code::Success) as c_uint
}

#[unsafe(export_name = "nvmlInit_v2")]
extern "C" fn init() -> c_uint {
    code(driver::init())
}

#[unsafe(export_name = "nvmlInitWithFlags")]
extern "C" fn init_with_flags(_flags: c_uint) -> c_uint {
    code(driver::init())
}

#[unsafe(export_name = "nvmlShutdown")]
extern "C" fn shutdown() -> c_uint {
    code(driver::shutdown())
}

#[unsafe(export_name = "nvmlErrorString")]
extern "C" fn error_string(_code: c_uint) -> *const c_char {
    c"Stand-in".as_ptr()
}

#[unsafe(export_name = "nvmlSystemGetDriverVersion")]
extern "C" fn driver_version(to: *mut c_char, length: c_uint) -> c_uint {
    give_text(to, length, look(|state| Ok(state.driver.version.clone())))
}

#[unsafe(export_name = "nvmlDeviceGetCount_v2")]
extern "C" fn count(to: *mut c_uint) -> c_uint {
    give(to, look(|state| Ok(state.whole().count() as c_uint)))
}

#[unsafe(export_name = "nvmlDeviceGetHandleByIndex_v2")]
extern "C" fn by_index(index: c_uint, to: *mut Device) -> c_uint {
    let found = handle(|state| state.whole().nth(index as usize));
    // The header names this one for an index beyond the last.
    give(to, found.map_err(|code| if code == Code::NotFound { Code::InvalidArgument } else { code }))
}

#[unsafe(export_name = "nvmlDeviceGetHandleByUUID")]
extern "C" fn by_uuid(uuid: *const c_char, to: *mut Device) -> c_uint {
    give(to, taken(uuid).and_then(|uuid| handle(|state| state.gpu(uuid))))
}

#[unsafe(export_name = "nvmlDeviceGetHandleByPciBusId_v2")]
extern "C" fn by_pci(address: *const c_char, to: *mut Device) -> c_uint {
    let asked = taken(address).and_then(|address| driver::pci(address).ok_or(Code::InvalidArgument));
    give(to, asked.and_then(|asked| handle(|state| state.whole().find(|gpu| driver::pci(&gpu.pci) == Some(asked)))))
}

#[unsafe(export_name = "nvmlDeviceGetUUID")]
extern "C" fn uuid(device: Device, to: *mut c_char, length: c_uint) -> c_uint {
    give_text(to, length, on(device, |_, gpu| Ok(gpu.uuid.clone())))
}

#[unsafe(export_name = "nvmlDeviceGetName")]
extern "C" fn name(device: Device, to: *mut c_char, length: c_uint) -> c_uint {
    give_text(to, length, on(device, |_, gpu| Ok(gpu.name.clone())))
}

#[unsafe(export_name = "nvmlDeviceGetPciInfo_v3")]
extern "C" fn pci_info(device: Device, to: *mut PciInfo) -> c_uint {
    let info = on(device, |_, gpu| {
        let (domain, bus, device) = driver::pci(&gpu.pci).ok_or(Code::NotSupported)?;
        Ok(PciInfo {
            bus_id_legacy: characters(&format!("{domain:04X}:{bus:02X}:{device:02X}.0")),
            domain,
            bus,
            device,
            pci_device_id: 0x27B8_10DE,
            pci_sub_system_id: 0,
            bus_id: characters(&format!("{domain:08X}:{bus:02X}:{device:02X}.0")),
        })
    });
    give(to, info)
}

/// The text, cut where there is no room, and zeros after it.
fn characters<const N: usize>(text: &str) -> [c_char; N] {
    let mut characters = [0; N];
    for (to, from) in characters[..N - 1].iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
    characters
}

#[unsafe(export_name = "nvmlDeviceGetEncoderCapacity")]
extern "C" fn encoder_capacity(device: Device, _codec: c_uint, to: *mut c_uint) -> c_uint {
    give(to, on(device, |state, gpu| state.capacity_percent(gpu).ok_or(Code::NotSupported)))
}

#[unsafe(export_name = "nvmlDeviceGetEncoderStats")]
extern "C" fn encoder_stats(device: Device, to: *mut c_uint, fps: *mut c_uint, latency: *mut c_uint) -> c_uint {
    let sessions = on(device, |state, gpu| Ok(state.open_on(gpu)));
    let fps = give(fps, sessions.map(|sessions| sessions * 120));
    let latency = give(latency, sessions.map(|sessions| sessions * 8000));
    give(to, sessions).max(fps).max(latency)
}

#[unsafe(export_name = "nvmlDeviceGetEncoderUtilization")]
extern "C" fn encoder_utilization(device: Device, to: *mut c_uint, period_us: *mut c_uint) -> c_uint {
    let busy = on(device, |state, gpu| state.utilization_percent(gpu).ok_or(Code::NotSupported));
    give(period_us, busy.map(|_| 167_000)).max(give(to, busy))
}

#[unsafe(export_name = "nvmlDeviceGetMemoryInfo")]
extern "C" fn memory(device: Device, to: *mut Memory) -> c_uint {
    give(to, memory_of(device))
}

#[unsafe(export_name = "nvmlDeviceGetMemoryInfo_v2")]
extern "C" fn memory_v2(device: Device, to: *mut MemoryV2) -> c_uint {
    let version = (size_of::<MemoryV2>() | 2 << 24) as c_uint;
    let memory = memory_of(device);
    give(to, memory.map(|Memory { total, free, used }| MemoryV2 { version, total, reserved: 0, free, used }))
}

fn memory_of(device: Device) -> Result<Memory, Code> {
    on(device, |state, gpu| {
        let (total, free) = (gpu.memory_mb * 1_000_000, state.free_memory_mb(gpu) * 1_000_000);
        Ok(Memory { total, free, used: total - free })
    })
}

#[unsafe(export_name = "nvmlDeviceGetMigMode")]
extern "C" fn mig_mode(device: Device, current: *mut c_uint, pending: *mut c_uint) -> c_uint {
    let mode = on(device, |state, gpu| Ok(c_uint::from(state.slices(&gpu.uuid).next().is_some())));
    give(current, mode).max(give(pending, mode))
}

#[unsafe(export_name = "nvmlDeviceGetMaxMigDeviceCount")]
extern "C" fn max_slices(device: Device, to: *mut c_uint) -> c_uint {
    give(to, on(device, |state, gpu| Ok(if state.slices(&gpu.uuid).next().is_some() { 7 } else { 0 })))
}

#[unsafe(export_name = "nvmlDeviceGetMigDeviceHandleByIndex")]
extern "C" fn slice(device: Device, index: c_uint, to: *mut Device) -> c_uint {
    let whole = on(device, |_, gpu| Ok(gpu.uuid.clone()));
    give(
        to,
        whole.and_then(|whole| {
            handle(|state| state.gpus.iter().filter(|gpu| gpu.slice_of.as_ref() == Some(&whole)).nth(index as usize))
        }),
    )
}

#[unsafe(export_name = "nvmlDeviceIsMigDeviceHandle")]
extern "C" fn is_slice(device: Device, to: *mut c_uint) -> c_uint {
    give(to, on(device, |_, gpu| Ok(c_uint::from(gpu.slice_of.is_some()))))
}

#[unsafe(export_name = "nvmlDeviceGetDeviceHandleFromMigDeviceHandle")]
extern "C" fn whole(device: Device, to: *mut Device) -> c_uint {
    let whole = on(device, |_, gpu| gpu.slice_of.clone().ok_or(Code::InvalidArgument));
    give(to, whole.and_then(|whole| handle(|state| state.gpu(&whole))))
}
