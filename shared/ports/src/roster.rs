//! Who is there: what each service says of itself.

use std::time::Duration;

use async_trait::async_trait;

/// The longest text that a service says of itself, in bytes.
pub const LONGEST: usize = 64 << 10;
/// Most services that are listed.
pub const MOST: usize = 1000;

/// Services that are there. Every adapter passes `langflix_testkit::roster::roster_contract`.
///
/// It may forget at any time, and nothing depends on it: it is for people to look at.
#[async_trait]
pub trait Roster: Send + Sync {
    /// The service `id` is there, and says `text`, which is forgotten after `ttl` unless it says so again.
    ///
    /// # Errors
    /// [`Error`] where it cannot be told, or is longer than [`LONGEST`].
    async fn announce(&self, id: &str, text: &str, ttl: Duration) -> Result<(), Error>;

    /// The service `id` is gone. One that never was there is no error.
    ///
    /// # Errors
    /// [`Error`] where it cannot be told: it is forgotten by itself.
    async fn withdraw(&self, id: &str) -> Result<(), Error>;

    /// All services that are there, at most [`MOST`], in the order of their names.
    ///
    /// # Errors
    /// [`Error`] where nobody can be asked.
    async fn list(&self) -> Result<Vec<Present>, Error>;
}

/// A service that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its name, of which there is one.
    pub id: String,
    /// What it said last.
    pub text: String,
    /// How long ago that was.
    pub ago: Duration,
}

/// Why the roster failed.
#[derive(Debug, thiserror::Error)]
#[error("roster: {message}")]
pub struct Error {
    /// What happened, in one line.
    pub message: String,
}
