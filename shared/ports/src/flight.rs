//! One does what many want done; the others wait for what comes of it.

use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};

/// How long another is waited for. Whoever is under way for longer waits for something itself, and so may this one.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long until it is asked again, at first and later on.
const FIRST: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_secs(1);

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

/// Waits until nobody else is under way with `key`, for five minutes at most, and sets out. `None` where that is not to be
/// had: the caller sets out all the same.
pub async fn turn(flights: &dyn Flights, key: &str) -> Option<Flight> {
    let set_out = async || match flights.set_out(key).await {
        Ok(None) => Err(()),
        Ok(Some(flight)) => Ok(Some(flight)),
        Err(_) => Ok(None),
    };
    let again = ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(LATER).with_jitter();
    set_out.retry(again.without_max_times().with_total_delay(Some(PATIENCE))).await.unwrap_or_default()
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
