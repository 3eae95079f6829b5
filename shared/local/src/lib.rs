#![doc = include_str!("../README.md")]

mod cache;
mod queue;
mod scratch;
mod store;
mod tally;

pub use cache::DirectoryCache;
pub use queue::MemoryQueue;
pub use scratch::{Held, HoldError, Room, Scratch};
pub use store::DirectoryStore;
pub use tally::MemoryTally;
