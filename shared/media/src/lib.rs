#![doc = include_str!("../README.md")]

mod args;
mod encode;
mod probe;
mod quality;
mod runner;
mod silence;

pub use encode::usable;
pub use quality::{Quality, settings};
pub use runner::Ffmpeg;
