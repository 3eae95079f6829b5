#![doc = include_str!("../README.md")]

mod handler;
mod sweeping;

pub use handler::Dispatching;
