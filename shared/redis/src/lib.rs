#![doc = include_str!("../README.md")]

mod cache;
mod check;
mod client;
mod failure;
mod flights;
mod rate;
mod roster;
mod settings;
mod tally;

pub use cache::RedisCache;
pub use check::Server;
pub use client::Redis;
pub use failure::Failure;
pub use flights::RedisFlights;
pub use rate::RedisRateLimiter;
pub use roster::RedisRoster;
pub use settings::{Settings, SettingsError};
pub use tally::RedisTally;
