use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage, is_readable};
use langflix_ports::{
    cache::{self, Cache},
    llm::{Answer, Error, LanguageModel},
};
use tokio::{sync::OnceCell, time::Instant};

/// Cache errors come by the thousand when they come; one line a minute says enough.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// Asks only for what no cache holds, and for equal requests at the same time only once.
///
/// Only answers are kept, never errors, nor an answer that nothing can be read from: asking again may give a better one. A cache that fails costs a warning a minute and nothing else.
pub struct Cached<M: ?Sized> {
    cache: Arc<dyn Cache>,
    flights: Mutex<HashMap<String, Weak<OnceCell<String>>>>,
    warned: Mutex<Option<Instant>>,
    inner: Arc<M>,
}

impl<M: LanguageModel + ?Sized> Cached<M> {
    /// Wraps `inner`.
    pub fn new(inner: Arc<M>, cache: Arc<dyn Cache>) -> Self {
        Self { cache, flights: Mutex::default(), warned: Mutex::default(), inner }
    }

    /// `None` where the request cannot be digested, which then simply is not cached.
    fn key(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Option<String> {
        let digests = (self.fingerprint(), request.digest().ok()?, Digest::of_json(&feedback).ok()?);
        Some(format!("llm/{}", Digest::of_json(&digests).ok()?))
    }

    fn flight(&self, key: &str) -> Arc<OnceCell<String>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(OnceCell::new());
        flights.insert(key.to_owned(), Arc::downgrade(&flight));
        flight
    }

    async fn look_up(&self, key: &str) -> Option<String> {
        match self.cache.get(key).await {
            Ok(bytes) => bytes.and_then(|bytes| String::from_utf8(bytes).ok()),
            Err(error) => {
                self.warn(&error);
                None
            }
        }
    }

    async fn keep(&self, key: &str, text: &str) {
        if let Err(error) = self.cache.put(key, text.as_bytes(), None).await {
            self.warn(&error);
        }
    }

    fn warn(&self, error: &cache::Error) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
            *warned = Some(Instant::now());
            tracing::warn!(%error, "going on without the cache of answers");
        }
    }
}

#[async_trait]
impl<M: LanguageModel + ?Sized> LanguageModel for Cached<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.inner.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        let Some(key) = self.key(request, feedback) else {
            return self.inner.ask(request, feedback).await;
        };
        let mut usage = Usage::default();
        let flight = self.flight(&key);
        // Where the one who asks fails or is dropped, the next of those who wait asks.
        let asked = flight.get_or_try_init(async || {
            if let Some(text) = self.look_up(&key).await {
                return Ok(text);
            }
            let answer = self.inner.ask(request, feedback).await?;
            usage = answer.usage;
            if is_readable(&answer.text) {
                self.keep(&key, &answer.text).await;
            }
            Ok(answer.text)
        });
        let text = asked.await?.clone();
        Ok(Answer { text, usage })
    }
}

#[cfg(test)]
#[path = "cached_tests.rs"]
mod tests;
