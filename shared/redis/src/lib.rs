#![doc = include_str!("../README.md")]

mod cache;
mod client;
mod settings;
mod tally;

pub use cache::RedisCache;
pub use client::{Failure, Redis, Server};
pub use settings::{Settings, SettingsError};
pub use tally::RedisTally;
