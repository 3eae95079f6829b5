//! What NVML answers, from the file as it stands at each call.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Failure, Gpu, STATE, State, StateFile};

/// `nvmlReturn_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Code {
    Success = 0,
    Uninitialized = 1,
    InvalidArgument = 2,
    NotSupported = 3,
    NoPermission = 4,
    NotFound = 6,
    InsufficientSize = 7,
    DriverNotLoaded = 9,
    Timeout = 10,
    GpuIsLost = 15,
    ResetRequired = 16,
    LibRmVersionMismatch = 18,
    Unknown = 999,
}

impl From<Failure> for Code {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::DriverNotLoaded => Self::DriverNotLoaded,
            Failure::Mismatch => Self::LibRmVersionMismatch,
            Failure::Lost => Self::GpuIsLost,
            Failure::ResetRequired => Self::ResetRequired,
            Failure::NoPermission => Self::NoPermission,
            Failure::Timeout => Self::Timeout,
            Failure::Unknown => Self::Unknown,
        }
    }
}

/// What NVML keeps in a process.
#[derive(Debug)]
struct Process {
    users: u32,
    /// Of the driver when the first user came.
    reloads: u32,
    /// UUIDs of the GPUs that handles were given for; a handle is a place in it, counted from 1.
    handles: Vec<String>,
}

static PROCESS: Mutex<Process> = Mutex::new(Process { users: 0, reloads: 0, handles: Vec::new() });

fn process() -> MutexGuard<'static, Process> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn init() -> Result<(), Code> {
    let state = read()?;
    if let Some(failure) = state.driver.failure {
        return Err(failure.into());
    }
    let mut process = process();
    if process.users == 0 {
        process.reloads = state.driver.reloads;
    }
    process.users += 1;
    Ok(())
}

pub(crate) fn shutdown() -> Result<(), Code> {
    let mut process = process();
    process.users = process.users.checked_sub(1).ok_or(Code::Uninitialized)?;
    Ok(())
}

/// What `ask` finds, where the driver answers.
pub(crate) fn look<T>(ask: impl FnOnce(&State) -> Result<T, Code>) -> Result<T, Code> {
    let state = read()?;
    let reloads = match &*process() {
        Process { users: 0, .. } => return Err(Code::Uninitialized),
        process => process.reloads,
    };
    match state.driver.failure {
        Some(failure) => Err(failure.into()),
        None if reloads != state.driver.reloads => Err(Code::Unknown),
        None => ask(&state),
    }
}

/// What `ask` finds on the GPU of a handle.
pub(crate) fn on<T>(handle: usize, ask: impl FnOnce(&State, &Gpu) -> Result<T, Code>) -> Result<T, Code> {
    let uuid = handle.checked_sub(1).and_then(|place| process().handles.get(place).cloned());
    let uuid = uuid.ok_or(Code::InvalidArgument)?;
    look(|state| {
        let gpu = state.gpu(&uuid).ok_or(Code::GpuIsLost)?;
        answers(state, gpu)?;
        ask(state, gpu)
    })
}

/// A handle for the GPU that `find` finds.
pub(crate) fn handle(find: impl for<'a> FnOnce(&'a State) -> Option<&'a Gpu>) -> Result<usize, Code> {
    look(|state| {
        let gpu = find(state).ok_or(Code::NotFound)?;
        answers(state, gpu)?;
        let handles = &mut process().handles;
        let place = handles.iter().position(|uuid| *uuid == gpu.uuid).unwrap_or_else(|| {
            handles.push(gpu.uuid.clone());
            handles.len() - 1
        });
        Ok(place + 1)
    })
}

/// A slice fails with its GPU.
fn answers(state: &State, gpu: &Gpu) -> Result<(), Code> {
    let whole = gpu.slice_of.as_deref().and_then(|uuid| state.gpu(uuid));
    match gpu.failure.or_else(|| whole?.failure) {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}

/// The parts of an address, however it is written: domain, bus, device.
pub(crate) fn pci(text: &str) -> Option<(u32, u32, u32)> {
    let text = text.rsplit_once('.').map_or(text, |(rest, _)| rest);
    let numbers: Option<Vec<u32>> = text.split(':').map(|part| u32::from_str_radix(part, 16).ok()).collect();
    match *numbers? {
        [bus, device] => Some((0, bus, device)),
        [domain, bus, device] => Some((domain, bus, device)),
        _ => None,
    }
}

fn read() -> Result<State, Code> {
    let path = env::var_os(STATE).map(PathBuf::from).or_else(beside).ok_or(Code::Unknown)?;
    StateFile::at(path).read().map_err(|_| Code::Unknown)
}

/// `gpu.json` in the folder of this library: a test cannot set variables of its own process.
fn beside() -> Option<PathBuf> {
    let here = beside as fn() -> Option<PathBuf> as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| {
        let bounds = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
        let bounds = bounds.map(|(from, to)| (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16)));
        matches!(bounds, Some((Ok(from), Ok(to))) if (from..to).contains(&here))
    })?;
    Some(Path::new(&line[line.find('/')?..]).with_file_name("gpu.json"))
}
