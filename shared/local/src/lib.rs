#![doc = include_str!("../README.md")]

mod cache;
mod store;
mod tally;

pub use cache::DirectoryCache;
pub use store::DirectoryStore;
pub use tally::MemoryTally;
