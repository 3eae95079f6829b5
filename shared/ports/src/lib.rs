#![doc = include_str!("../README.md")]

pub mod cache;
pub mod flight;
pub mod gpu;
pub mod llm;
pub mod media;
pub mod observer;
pub mod queue;
pub mod rate;
pub mod roster;
pub mod seldom;
pub mod store;
pub mod tally;
