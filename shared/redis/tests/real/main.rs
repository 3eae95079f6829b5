//! What the crate does on a real Redis, and where that goes wrong.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod check;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flights;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
