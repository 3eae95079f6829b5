use std::fmt;

/// Whether a GPU takes clips, and why not. Each has words of its own, and a behaviour of its own in the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GpuState {
    /// It takes so many clips more.
    Ready {
        /// How many.
        free_slots: u32,
    },
    /// It encodes as much as it can or may.
    Saturated {
        /// By what.
        by: Saturation,
    },
    /// The driver takes no session beyond a number that a refusal has taught.
    SessionLimit {
        /// The number, of all processes.
        learned: u32,
    },
    /// Too little memory is free for a session.
    OutOfMemory,
    /// It has no NVENC engine.
    NoEncoder,
    /// It is a slice (MIG) without an engine.
    MigSlice,
    /// There is no driver, or no GPU.
    NoDriver,
    /// `gpu.device` names no GPU that is here, or is `auto` where there are several.
    NotPinned,
    /// The driver's part for video is not there: a container without the capability `video`.
    NoVideoCapability,
    /// ffmpeg needs a newer driver.
    DriverTooOld,
    /// The driver's library and its kernel module are of different versions: the node must be started again.
    DriverMismatch,
    /// It fell off the bus, or must be reset.
    Lost,
}

/// What a GPU is full by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saturation {
    /// `gpu.max_sessions`.
    Sessions,
    /// `gpu.min_capacity_percent`.
    Capacity,
    /// `gpu.max_utilization_percent`.
    Utilization,
    /// The clips at hand take all that one GPU encodes well at once.
    Load,
    /// One session more than were ever seen is being opened, which shows whether the driver takes it.
    Opening,
}

impl GpuState {
    /// The state in one word, for metrics and `/status`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Saturated { .. } => "saturated",
            Self::SessionLimit { .. } => "session_limit",
            Self::OutOfMemory => "out_of_memory",
            Self::NoEncoder => "no_encoder",
            Self::MigSlice => "mig_slice",
            Self::NoDriver => "no_driver",
            Self::NotPinned => "not_pinned",
            Self::NoVideoCapability => "no_video_capability",
            Self::DriverTooOld => "driver_too_old",
            Self::DriverMismatch => "driver_mismatch",
            Self::Lost => "lost",
        }
    }

    /// Whether it encodes, be it that it takes no clip at the moment.
    pub fn encodes(&self) -> bool {
        matches!(self, Self::Ready { .. } | Self::Saturated { .. } | Self::SessionLimit { .. } | Self::OutOfMemory)
    }

    /// How many clips it takes more.
    pub fn free_slots(&self) -> u32 {
        match self {
            Self::Ready { free_slots } => *free_slots,
            _ => 0,
        }
    }
}

/// Writes what is so and what to do, in one sentence.
impl fmt::Display for GpuState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready { free_slots: 1 } => "this GPU takes one clip more now",
            Self::Ready { free_slots } => return write!(f, "this GPU takes {free_slots} clips more now"),
            Self::Saturated { by } => return by.fmt(f),
            Self::SessionLimit { learned: 0 } => {
                "the driver refuses every encoder session, so others hold all that it allows: end some of them; one is \
                 tried again from time to time"
            }
            Self::SessionLimit { learned } => {
                return write!(
                    f,
                    "the driver refused an encoder session beyond {learned}, and so many are open: a clip is taken when \
                     one ends; if this is the limit for good, set gpu.max_sessions to it"
                );
            }
            Self::OutOfMemory => {
                "less of this GPU's memory is free than gpu.min_free_memory_mb asks for: end what else uses it, or lower \
                 the key"
            }
            Self::NoEncoder => {
                "this GPU has no NVENC engine, as A100, H100 and H200 have none: run the worker on one that has, such as \
                 T4, A10, L4 or L40S"
            }
            Self::MigSlice => {
                "this MIG slice has no NVENC engine: pin gpu.device to a whole GPU that has one"
            }
            Self::NoDriver => {
                "there is no NVIDIA driver or no GPU here: install the driver, or give the container a GPU and \
                 NVIDIA_DRIVER_CAPABILITIES=compute,video,utility"
            }
            Self::NotPinned => "gpu.device names no single GPU of this machine: give one by its UUID",
            Self::NoVideoCapability => {
                "the container lacks the driver's library for encoding: set \
                 NVIDIA_DRIVER_CAPABILITIES=compute,video,utility"
            }
            Self::DriverTooOld => {
                "this node's NVIDIA driver is older than ffmpeg needs: update the driver, or use an image with an older \
                 ffmpeg"
            }
            Self::DriverMismatch => {
                "the driver's library and its kernel module are of different versions, as after an update: restart the node"
            }
            Self::Lost => {
                "the driver lost this GPU, which fell off the bus or must be reset: look for Xid in the kernel's log, and \
                 reset the GPU or restart the node"
            }
        })
    }
}

impl fmt::Display for Saturation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sessions => {
                "as many encoder sessions are open as gpu.max_sessions allows: a clip is taken when one ends, or raise \
                 the key"
            }
            Self::Capacity => {
                "less of the encoder is left than gpu.min_capacity_percent asks for: a clip is taken when more is, or \
                 lower the key"
            }
            Self::Utilization => {
                "the encoder is busier than gpu.max_utilization_percent allows: a clip is taken when it is less so, or \
                 raise the key"
            }
            Self::Load => "the clips at hand take all that this GPU encodes well at once: one is taken when one ends",
            Self::Opening => {
                "one encoder session more than were open before is being opened: a clip is taken once the driver has \
                 allowed it"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<GpuState> {
        use Saturation::{Capacity, Load, Opening, Sessions, Utilization};
        let saturated = [Sessions, Capacity, Utilization, Load, Opening].map(|by| GpuState::Saturated { by });
        let rest = [
            GpuState::Ready { free_slots: 1 },
            GpuState::Ready { free_slots: 2 },
            GpuState::SessionLimit { learned: 0 },
            GpuState::SessionLimit { learned: 3 },
            GpuState::OutOfMemory,
            GpuState::NoEncoder,
            GpuState::MigSlice,
            GpuState::NoDriver,
            GpuState::NotPinned,
            GpuState::NoVideoCapability,
            GpuState::DriverTooOld,
            GpuState::DriverMismatch,
            GpuState::Lost,
        ];
        saturated.into_iter().chain(rest).collect()
    }

    #[test]
    fn each_state_has_words_of_its_own_in_one_line() {
        let words: std::collections::BTreeSet<String> = all().iter().map(GpuState::to_string).collect();
        assert_eq!(words.len(), all().len());
        for text in words {
            assert!(!text.contains('\n') && !text.contains("  ") && !text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn what_an_operator_can_change_is_named_by_its_key() {
        for (state, key) in [
            (GpuState::Saturated { by: Saturation::Sessions }, "gpu.max_sessions"),
            (GpuState::Saturated { by: Saturation::Capacity }, "gpu.min_capacity_percent"),
            (GpuState::Saturated { by: Saturation::Utilization }, "gpu.max_utilization_percent"),
            (GpuState::OutOfMemory, "gpu.min_free_memory_mb"),
            (GpuState::NotPinned, "gpu.device"),
            (GpuState::MigSlice, "gpu.device"),
            (GpuState::NoVideoCapability, "NVIDIA_DRIVER_CAPABILITIES=compute,video,utility"),
        ] {
            assert!(state.to_string().contains(key), "{state}");
        }
    }

    #[test]
    fn only_a_ready_gpu_has_slots() {
        for state in all() {
            assert_eq!(state.free_slots() > 0, state.name() == "ready", "{state}");
            assert!(state.encodes() || state.free_slots() == 0, "{state}");
        }
    }
}
