//! What one run of a program may take.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use langflix_domain::FailureKind;
use langflix_ports::media::Error;
use tokio::process::Child;

use crate::failure::failed;

/// How long ffmpeg may encode nothing before it counts as hung.
pub(crate) const STALL: Duration = Duration::from_secs(120);

const GIB: u64 = 1 << 30;
/// The largest file that is written. A clip is some megabytes, and a minute of 8K noise stays below.
const FILE: u64 = 4 * GIB;

/// What one run of a program may take.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Wall time in all.
    pub(crate) total: Duration,
    /// Longest stretch without progress, where the program tells its progress.
    pub(crate) stall: Duration,
    /// Memory of its own that it may write to, in bytes. `None` on a GPU: its driver maps as it likes.
    pub(crate) memory: Option<u64>,
}

impl Limits {
    /// Anything that reads a little. To find out what its tracks are, a program opens a decoder for each of them, and a
    /// file of some megabytes may claim a thousand of 8K.
    pub(crate) const SHORT: Self = Self { total: Duration::from_secs(60), stall: STALL, memory: Some(2 * GIB) };
    /// Anything that reads a whole file. Half of RabbitMQ's default consumer timeout: no clip may take longer anywhere.
    pub(crate) const LONG: Self = Self { total: Duration::from_secs(15 * 60), ..Self::SHORT };
    /// A clip, on the processor: x264's frames ahead of the largest picture, in all its threads.
    pub(crate) const ENCODE: Self = Self { memory: Some(12 * GIB), ..Self::LONG };

    /// Has the kernel hold a child to it. Where it refuses, there are still the bounds of the program itself, and of the
    /// container.
    #[cfg(target_os = "linux")]
    pub(crate) fn hold(&self, child: &Child) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let Some(pid) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else { return };
        // A core would hold the URL of a source.
        for (what, most) in [(Resource::Fsize, Some(FILE)), (Resource::Data, self.memory), (Resource::Core, Some(0))] {
            if let Some(most) = most {
                let _unheld = prlimit(Some(pid), what, Rlimit { current: Some(most), maximum: Some(most) });
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn hold(&self, _child: &Child) {}
}

/// What a program was ended by, where it did not end itself.
pub(crate) fn ended(program: &str, status: ExitStatus) -> Option<Error> {
    let message = match status.signal()? {
        // SIGKILL: the kernel's, where a container's memory is used up.
        9 => return Some(Error { transient: true, ..failed(FailureKind::Encoder, out_of_memory(program)) }),
        // SIGXFSZ.
        25 => {
            let message = format!("{program} was stopped: it wrote a file of more than {} GiB", FILE / GIB);
            return Some(failed(FailureKind::Input, message));
        }
        signal => format!("{program} was ended by signal {signal}"),
    };
    Some(failed(FailureKind::Encoder, message))
}

fn out_of_memory(program: &str) -> String {
    format!(
        "{program} was killed, as the kernel does where memory runs out: lower processing.max_memory_mb, or run fewer \
         clips at once"
    )
}
