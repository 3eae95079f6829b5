//! The HTML pages beside a manifest: one self-contained file each, which plays its clips straight from the disk.
//!
//! Nothing is fetched, and a policy in the page forbids it. A page opened as `file:` may not read the WebVTT files
//! beside it (browsers treat each file as an origin of its own), so lines and their times stand in the page.

mod clip;
mod document;
mod episode;
mod footer;
mod season;
mod text;

pub use episode::episode;
pub use season::season;
