#![doc = include_str!("../README.md")]

mod args;
#[cfg(test)]
mod arguments_tests;
mod audio;
mod capacity;
mod counted;
mod decode;
mod encode;
mod encoders;
mod failure;
mod fallback;
mod fault;
mod filters;
mod fonts;
mod gpu;
#[cfg(test)]
mod hardware_tests;
mod limits;
mod loudness;
mod packets;
mod probe;
mod quality;
mod remote;
mod report;
mod runner;
mod sample;
mod seek;
mod silence;

pub use capacity::{Asked, Capacity, Machine, Slot, Slots};
pub use counted::Counted;
pub use encode::{Prepared, usable, version};
pub use fallback::in_software;
pub use fonts::has_font;
pub use gpu::NvmlGpu;
pub use quality::{presets, settings};
pub use runner::Ffmpeg;
pub use sample::Sample;
