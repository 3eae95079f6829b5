//! What every cache does, whatever it stands on.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use langflix_ports::cache::{Cache, Error};
use tokio::time::Instant;

/// Short enough to wait for where the clock is the real one.
const SHORT: Duration = Duration::from_millis(300);
/// A value may still be seen at the very moment it expires.
const PAST: Duration = Duration::from_millis(310);
const LONG: Duration = Duration::from_secs(3600);
/// Longest wait for a value to go once its time is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// A cache for tests that look into it or change what it says. Nothing in it expires.
#[derive(Debug, Default)]
pub struct MemoryCache(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryCache {
    /// Its values by key.
    pub fn values(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.values().get(key).cloned())
    }

    async fn put(&self, key: &str, value: &[u8], _ttl: Option<Duration>) -> Result<(), Error> {
        self.values().insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Holds an empty `cache` to all that [`Cache`] promises. `pass` lets time go by for the cache: it moves a clock, or
/// sleeps where the cache has none that can be moved.
///
/// # Panics
/// Where the cache breaks a promise.
pub async fn cache_contract(cache: &dyn Cache, pass: impl AsyncFn(Duration)) {
    a_value_is_there_until_it_is_replaced(cache).await;
    keys_are_any_text_and_never_mixed_up(cache).await;
    values_are_any_bytes(cache).await;
    of_many_writers_one_is_read_whole(cache).await;
    a_value_expires(cache, &pass).await;
    the_last_writer_says_how_long(cache, &pass).await;
    no_time_to_live_is_too_short_or_too_long(cache).await;
}

#[track_caller]
fn must<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

async fn get(cache: &dyn Cache, key: &str) -> Option<Vec<u8>> {
    must(cache.get(key).await)
}

async fn a_value_is_there_until_it_is_replaced(cache: &dyn Cache) {
    assert_eq!(get(cache, "replaced").await, None);
    for value in [&b"one, the longer"[..], b"two"] {
        must(cache.put("replaced", value, None).await);
        assert_eq!(get(cache, "replaced").await.as_deref(), Some(value));
    }
}

async fn keys_are_any_text_and_never_mixed_up(cache: &dyn Cache) {
    let long = "k".repeat(10_000);
    let longer = format!("{long}k");
    let keys = [
        "",
        " ",
        "  ",
        "a",
        "A",
        "a ",
        "a\n",
        "a\r\nSET b c",
        "a\0",
        "\0",
        "..",
        "../../etc/passwd",
        "/",
        "a/b",
        "a//b",
        "a\\b",
        "*",
        "{a}",
        "{a}b",
        "%",
        "%20",
        "키",
        "\u{e9}",
        "e\u{301}",
        "🎬",
        &long,
        &longer,
    ];
    for key in keys {
        assert_eq!(get(cache, key).await, None, "{key:?}");
        must(cache.put(key, format!("value of {key}").as_bytes(), None).await);
    }
    for key in keys {
        assert_eq!(get(cache, key).await, Some(format!("value of {key}").into_bytes()), "{key:?}");
    }
    let mut asked: Vec<String> = keys.iter().chain(&keys).map(|key| (*key).to_owned()).collect();
    asked.insert(1, "of nobody".to_owned());
    let values = asked.iter().map(|key| (key != "of nobody").then(|| format!("value of {key}").into_bytes()));
    assert_eq!(must(cache.get_many(&asked).await), values.collect::<Vec<_>>(), "many at once");
    let many: Vec<String> = asked.iter().cycle().take(1000).cloned().collect();
    assert_eq!(must(cache.get_many(&many).await).len(), 1000);
    assert!(must(cache.get_many(&[]).await).is_empty());
}

async fn values_are_any_bytes(cache: &dyn Cache) {
    let large: Vec<u8> = (0..1u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let values = [&b""[..], &[0; 8], &[0xff; 8], &[0; 64], b"\r\n$-1\r\n", b"nil", b"null", b"\xc3\x28", b"0", &large];
    for value in values {
        must(cache.put("bytes", value, None).await);
        assert!(get(cache, "bytes").await.as_deref() == Some(value), "a value of {} bytes changed", value.len());
    }
}

async fn of_many_writers_one_is_read_whole(cache: &dyn Cache) {
    let values: Vec<Vec<u8>> = (0..16u8).map(|n| vec![n; 10_000 + usize::from(n)]).collect();
    for put in join_all(values.iter().map(|value| cache.put("raced", value, None))).await {
        must(put);
    }
    let read = get(cache, "raced").await;
    assert!(read.is_some_and(|read| values.contains(&read)), "a value is lost or mixed from two");
}

async fn a_value_expires(cache: &dyn Cache, pass: &impl AsyncFn(Duration)) {
    must(cache.put("short", b"x", Some(SHORT)).await);
    must(cache.put("long", b"x", Some(LONG)).await);
    pass(PAST).await;
    wait_until_gone(cache, "short").await;
    assert!(get(cache, "long").await.is_some(), "a value goes before its time");
}

async fn the_last_writer_says_how_long(cache: &dyn Cache, pass: &impl AsyncFn(Duration)) {
    must(cache.put("kept", b"1", Some(SHORT)).await);
    must(cache.put("kept", b"2", None).await);
    must(cache.put("dropped", b"1", None).await);
    must(cache.put("dropped", b"2", Some(SHORT)).await);
    pass(PAST).await;
    wait_until_gone(cache, "dropped").await;
    assert_eq!(get(cache, "kept").await.as_deref(), Some(&b"2"[..]));
}

async fn no_time_to_live_is_too_short_or_too_long(cache: &dyn Cache) {
    must(cache.put("none", b"1", None).await);
    must(cache.put("none", b"2", Some(Duration::ZERO)).await);
    assert_eq!(get(cache, "none").await, None, "a value with no time to live is never seen, nor the one before");
    must(cache.put("ever", b"x", Some(Duration::MAX)).await);
    assert_eq!(get(cache, "ever").await.as_deref(), Some(&b"x"[..]));
}

async fn wait_until_gone(cache: &dyn Cache, key: &str) {
    let began = Instant::now();
    while get(cache, key).await.is_some() {
        assert!(began.elapsed() < PATIENCE, "{key} is there long after it expired");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
