//! The store on a real S3, and between them what can go wrong.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod bucket;
#[cfg(test)]
mod checking;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod uploads;
