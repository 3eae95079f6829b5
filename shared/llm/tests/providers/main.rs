//! The providers through the real HTTP client, against a server on this machine.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod gemini;
#[cfg(test)]
mod openai;
#[cfg(test)]
mod support;
