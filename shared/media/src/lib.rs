#![doc = include_str!("../README.md")]

mod args;
mod audio;
mod encode;
mod encoders;
mod failure;
mod filters;
mod loudness;
mod packets;
mod probe;
mod quality;
mod runner;
mod seek;
mod silence;

pub use encode::usable;
pub use quality::{Quality, settings};
pub use runner::Ffmpeg;
