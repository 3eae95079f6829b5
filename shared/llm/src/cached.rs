use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage, is_readable};
use langflix_measures::{Found, LLM_ANSWERS, Operation};
use langflix_ports::{
    cache::Cache,
    flight::{self, Flight, Flights},
    llm::{Answer, Error, LanguageModel},
};
use tokio::sync::OnceCell;

/// Asks only for what no cache holds, and for equal requests at the same time only once.
///
/// Only answers are kept, never errors, nor an answer that nothing can be read from: asking again may give a better one.
/// A cache that fails costs the answers that it held and nothing else; it tells of that itself.
pub struct Cached<M: ?Sized> {
    cache: Arc<dyn Cache>,
    ttl: Option<Duration>,
    fleet: Option<Arc<dyn Flights>>,
    flights: Mutex<HashMap<String, Weak<OnceCell<String>>>>,
    inner: Arc<M>,
}

impl<M: LanguageModel + ?Sized> Cached<M> {
    /// Wraps `inner`. Equal requests of this process are asked once, and answers kept for as long as the cache likes.
    pub fn new(inner: Arc<M>, cache: Arc<dyn Cache>) -> Self {
        Self { cache, ttl: None, fleet: None, flights: Mutex::default(), inner }
    }

    /// Wraps `inner`. Equal requests of all who share `flights` are asked once, and answers kept for `ttl`.
    pub fn for_fleet(inner: Arc<M>, cache: Arc<dyn Cache>, ttl: Duration, flights: Arc<dyn Flights>) -> Self {
        Self { ttl: Some(ttl), fleet: Some(flights), ..Self::new(inner, cache) }
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

    /// What is kept, once nobody else of the fleet is under way with it; or else the flight with which it is to be asked for.
    async fn kept(&self, key: &str) -> Result<String, Option<Flight>> {
        if let Some(text) = self.look_up(key).await {
            return Ok(text);
        }
        let Some(fleet) = &self.fleet else { return Err(None) };
        let flight = flight::turn(fleet.as_ref(), key).await;
        // Who was under way has landed since the look above.
        self.look_up(key).await.ok_or(flight)
    }

    /// `None` also where the cache fails, which tells of that itself.
    async fn look_up(&self, key: &str) -> Option<String> {
        Operation::CacheGet
            .time(self.cache.get(key))
            .await
            .ok()
            .flatten()
            .and_then(|bytes| String::from_utf8(bytes).ok())
    }

    fn found(&self, found: Found) {
        LLM_ANSWERS.add((self.name().to_owned().into(), found), 1);
    }

    async fn keep(&self, key: &str, text: &str) {
        // Without the cache it is asked for again the next time, and that is all.
        let _without = Operation::CachePut.time(self.cache.put(key, text.as_bytes(), self.ttl)).await;
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
            let _under_way = match self.kept(&key).await {
                Ok(text) => {
                    self.found(Found::Hit);
                    return Ok(text);
                }
                Err(flight) => flight,
            };
            self.found(Found::Miss);
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
