#![doc = include_str!("../README.md")]

mod arguments;
mod driver;
mod file;
#[expect(unsafe_code, reason = "NVML's symbols are C functions, which are handed pointers")]
mod nvml;
mod refusal;
mod session;
mod state;

pub use arguments::{in_software, nvenc};
pub use file::{FFMPEG, STATE, StateFile};
pub use refusal::Refusal;
pub use session::{Call, Session};
pub use state::{Counts, Driver, Failure, Gpu, State};
