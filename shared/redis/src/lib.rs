#![doc = include_str!("../README.md")]

mod cache;
mod client;
mod flights;
mod rate;
mod settings;
mod tally;

pub use cache::RedisCache;
pub use client::{Failure, Redis, Server};
pub use flights::RedisFlights;
pub use rate::RedisRateLimiter;
pub use settings::{Settings, SettingsError};
pub use tally::RedisTally;
