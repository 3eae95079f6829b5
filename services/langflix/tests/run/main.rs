//! The program as a user runs it, on the sample, with the real ffmpeg.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod nasty;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod support;
#[cfg(test)]
mod teacher;
#[cfg(test)]
mod whole;
