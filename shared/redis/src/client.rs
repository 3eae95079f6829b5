use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use deadpool_redis::{Pool, PoolConfig, Runtime, Timeouts};
use redis::{RedisError, aio::MultiplexedConnection, cmd};
use tokio::time::Instant;

use crate::{Settings, SettingsError, settings::WITHIN};

/// Connections at most. Each serves many callers at a time, so few are needed.
const CONNECTIONS: usize = 8;
/// How long nobody tries after a failure: each would wait out its time for nothing.
const REST: Duration = Duration::from_secs(1);
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// A Redis server. Nothing is connected before it is needed. Clones are the same.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    place: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Until when nobody tries, and why.
    resting: Option<(Instant, String)>,
    warned: Option<Instant>,
}

/// Why Redis did not do what was asked; work goes on without.
#[derive(Clone, Debug, thiserror::Error)]
#[error("Redis at {place}: {message}")]
pub struct Failure {
    place: String,
    message: String,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its version.
    pub version: String,
    /// Whether it takes writes.
    pub writable: bool,
    /// What it does when its memory is full.
    pub eviction: String,
    /// How long it took to answer.
    pub latency: Duration,
    /// How far its clock is ahead of ours, in milliseconds.
    pub clock_ahead_ms: i64,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("place", &self.inner.place).finish_non_exhaustive()
    }
}

impl Redis {
    /// The server of `settings`, which is not asked.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let (manager, place) = settings.manager()?;
        let timeouts = Timeouts { wait: Some(WITHIN), create: Some(WITHIN), recycle: Some(WITHIN) };
        let config = PoolConfig { max_size: CONNECTIONS, timeouts, ..PoolConfig::default() };
        let pool = Pool::builder(manager).config(config).runtime(Runtime::Tokio1).build();
        // Without a runtime only: it has one.
        let pool = pool.map_err(|_| SettingsError::Url)?;
        Ok(Self { inner: Arc::new(Inner { pool, place, state: Mutex::default() }) })
    }

    /// Does something with a connection. After a failure all calls fail at once for a second.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Failure> {
        if let Some(message) = self.resting() {
            return Err(self.failure(message));
        }
        let done = match self.inner.pool.get().await {
            Ok(mut connection) => work(&mut connection).await.map_err(|error| told(&error)),
            Err(deadpool_redis::PoolError::Backend(error)) => Err(told(&error)),
            Err(_) => Err("no answer in time".to_owned()),
        };
        done.map_err(|message| {
            self.note(operation, &message);
            self.failure(message)
        })
    }

    fn failure(&self, message: String) -> Failure {
        Failure { place: self.inner.place.clone(), message }
    }

    fn resting(&self) -> Option<String> {
        let state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, why) = state.resting.as_ref()?;
        (*until > Instant::now()).then(|| why.clone())
    }

    /// Counts a failure, and says so once a minute.
    fn note(&self, operation: &'static str, message: &str) {
        metrics::counter!("langflix_redis_failures_total", "operation" => operation).increment(1);
        let now = Instant::now();
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.resting = Some((now + REST, message.to_owned()));
        if state.warned.is_none_or(|at| now.duration_since(at) >= BETWEEN_WARNINGS) {
            state.warned = Some(now);
            drop(state);
            tracing::warn!(redis = self.inner.place, operation, error = message, "going on without Redis");
        }
    }

    /// Asks the server about itself.
    ///
    /// # Errors
    /// [`Failure`] where it does not answer.
    pub async fn check(&self) -> Result<Server, Failure> {
        let began = Instant::now();
        self.call("check", async |connection| {
            let pong: Result<String, RedisError> = cmd("PING").query_async(connection).await;
            pong?;
            let latency = began.elapsed();
            let info: String = cmd("INFO").query_async(connection).await?;
            let (seconds, micros): (i64, i64) = cmd("TIME").query_async(connection).await?;
            let here = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let field = |name: &str| {
                let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                line.unwrap_or_default().trim().to_owned()
            };
            Ok(Server {
                version: field("redis_version"),
                writable: field("role") == "master",
                eviction: field("maxmemory_policy"),
                latency,
                clock_ahead_ms: seconds * 1000 + micros / 1000 - i64::try_from(here.as_millis()).unwrap_or_default(),
            })
        })
        .await
    }
}

/// An error in words without any value.
fn told(error: &RedisError) -> String {
    match error.code() {
        Some("WRONGPASS" | "NOAUTH") => {
            "the user or the password is wrong: check redis.username and redis.password_file".to_owned()
        }
        Some("NOPERM") => "the user may not do this: check its ACL".to_owned(),
        Some("READONLY") => "this is a replica that takes no writes: give the master's address".to_owned(),
        Some("OOM") => "its memory is full and nothing is evicted: set maxmemory-policy".to_owned(),
        Some(code) => format!("it answers {code}"),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => error.category().to_owned(),
    }
}
