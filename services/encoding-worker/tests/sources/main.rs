//! How sources are read from a real S3 server, by the real ffmpeg.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod copies;
mod meter;
mod place;
mod ranges;
mod room;
mod trouble;
