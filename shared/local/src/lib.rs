#![doc = include_str!("../README.md")]

mod cache;
mod store;

pub use cache::DirectoryCache;
pub use store::DirectoryStore;
