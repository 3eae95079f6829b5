#![doc = include_str!("../README.md")]

pub mod cache;
pub mod store;
pub mod video;
