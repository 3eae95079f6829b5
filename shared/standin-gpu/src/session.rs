use std::{fs, process};

use serde::{Deserialize, Serialize};

use crate::{Failure, Gpu, Refusal, State};

/// An encoder session, open as long as the process that opened it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The UUID of its GPU.
    pub gpu: String,
    /// Who opened it.
    pub pid: u32,
    /// When that process began, in the kernel's ticks: numbers of processes are used again.
    pub began: u64,
}

impl Session {
    /// A session of this process.
    fn own(gpu: &Gpu) -> Self {
        let pid = process::id();
        Self { gpu: gpu.uuid.clone(), pid, began: began(pid).unwrap_or_default() }
    }

    /// Whether its process lives.
    #[must_use]
    pub fn is_open(&self) -> bool {
        began(self.pid) == Some(self.began)
    }
}

/// When a process began; `None` where it has ended, or only waits for its parent to notice.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    (!matches!(fields.next()?, "Z" | "X")).then(|| fields.nth(18)?.parse().ok())?
}

/// Which GPUs an encode may take.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `CUDA_VISIBLE_DEVICES`.
    pub visible: Option<String>,
    /// `-gpu`, the number of one of the visible ones; each in turn where it is not given.
    pub number: Option<usize>,
}

impl Call {
    /// Opens a session for this process, and counts it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn open(&self, state: &mut State) -> Result<(), Refusal> {
        state.sessions.retain(Session::is_open);
        match self.choose(state).map(Session::own) {
            Ok(session) => {
                state.sessions.push(session);
                state.counts.opens += 1;
                state.counts.most = state.counts.most.max(state.open());
                Ok(())
            }
            Err(refusal) => {
                state.counts.refusals += 1;
                Err(refusal)
            }
        }
    }

    fn choose<'a>(&self, state: &'a State) -> Result<&'a Gpu, Refusal> {
        if let Some(refusal) = state.driver.refuses {
            return Err(refusal);
        }
        match state.driver.failure {
            Some(Failure::Mismatch) => return Err(Refusal::DriverMismatch),
            Some(_) => return Err(Refusal::NoDevice),
            None => {}
        }
        let visible = self.visible(state);
        if visible.is_empty() {
            return Err(Refusal::NoDevice);
        }
        let tried: Vec<&Gpu> = match self.number {
            Some(number) => visible.into_iter().skip(number).take(1).collect(),
            None => visible,
        };
        let mut refusal = Refusal::NoDevice;
        for gpu in tried {
            match takes(state, gpu) {
                Ok(()) => return Ok(gpu),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// CUDA stops at the first name that fits nothing. A GPU that is cut into slices is not there itself.
    fn visible<'a>(&self, state: &'a State) -> Vec<&'a Gpu> {
        let usable: Vec<&Gpu> = state.gpus.iter().filter(|gpu| state.slices(&gpu.uuid).next().is_none()).collect();
        let Some(names) = &self.visible else { return usable };
        let named = |name: &str| match name.parse::<usize>() {
            Ok(number) => usable.get(number).copied(),
            Err(_) => usable.iter().find(|gpu| gpu.uuid == name).copied(),
        };
        names.split(',').map_while(|name| named(name.trim())).collect()
    }
}

fn takes(state: &State, gpu: &Gpu) -> Result<(), Refusal> {
    if let Some(refusal) = gpu.refuses {
        return Err(refusal);
    }
    if gpu.failure.is_some() {
        return Err(Refusal::GpuLost);
    }
    if gpu.engines == 0 {
        return Err(Refusal::UnsupportedDevice);
    }
    let capped = state.session_cap.is_some_and(|cap| state.open() >= cap);
    if capped || state.free_memory_mb(gpu) < gpu.session_mb {
        return Err(Refusal::OutOfMemory);
    }
    Ok(())
}
