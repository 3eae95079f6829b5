//! Results that can be had again, kept to save time and money.

use std::time::Duration;

use async_trait::async_trait;

/// Values by key, any of which may vanish at any time. Every adapter passes `langflix_testkit::cache::cache_contract`.
///
/// Keys are any text, values any bytes. An adapter whose cache is away says so itself, once a minute: callers go on without
/// and say nothing.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value, if it is there and has not expired.
    ///
    /// # Errors
    /// [`Error`] where the cache cannot be asked; the caller goes on without it.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The values of many keys, in their order.
    ///
    /// # Errors
    /// As [`Self::get`].
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(self.get(key).await?);
        }
        Ok(values)
    }

    /// Keeps the value, for at most `ttl`; for as long as the cache likes where that is `None`.
    ///
    /// # Errors
    /// [`Error`] where the cache cannot be written; the caller goes on without it.
    async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error>;
}

/// Why the cache failed.
#[derive(Debug, thiserror::Error)]
#[error("cache: {message}")]
pub struct Error {
    /// What happened, in one line.
    pub message: String,
}
