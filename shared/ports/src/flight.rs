//! One does what many want done; the others wait for what comes of it.

use async_trait::async_trait;

/// Who is under way with what. Every adapter passes `langflix_testkit::flight::flights_contract`.
///
/// It may forget at any time who is: then two do the same, which costs and breaks nothing.
#[async_trait]
pub trait Flights: Send + Sync {
    /// Sets out with `key`; `None` where another is under way with it.
    ///
    /// # Errors
    /// [`Error`] where it cannot be asked; the caller sets out all the same.
    async fn set_out(&self, key: &str) -> Result<Option<Flight>, Error>;
}

/// Being under way, until this is dropped. Whoever holds it and dies is given up soon after.
#[must_use = "a flight is over when it is dropped"]
pub struct Flight {
    _held: Box<dyn Send + Sync>,
}

impl Flight {
    /// For adapters: a flight that is over when `held` is dropped.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Box::new(held) }
    }
}

/// Why it could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("flights: {message}")]
pub struct Error {
    /// What happened, in one line.
    pub message: String,
}
