//! The GPU that the worker is pinned to: what it takes, and who encodes where it takes nothing.

mod books;
mod desk;
mod encoder;
mod measures;
mod place;
mod watch;

pub use desk::Desk;
pub use encoder::Encoders;
pub use watch::Watched;
