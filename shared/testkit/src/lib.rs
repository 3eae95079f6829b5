#![doc = include_str!("../README.md")]

pub mod cache;
pub mod flight;
pub mod gpu;
pub mod media;
pub mod nasty;
pub mod process;
pub mod proxy;
pub mod queue;
pub mod rate;
pub mod roster;
pub mod servers;
pub mod store;
pub mod tally;
pub mod video;
