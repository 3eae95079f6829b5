use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_redis::{Pool, PoolConfig, PoolError, Runtime, Timeouts};
use langflix_measures::{RECONNECTS, REDIS_FAILURES, Server};
use langflix_ports::seldom::Seldom;
use redis::{RedisError, aio::MultiplexedConnection};
use tokio::time::Instant;

use crate::{
    Settings, SettingsError,
    failure::{Failure, connecting, late, working},
    settings::WITHIN,
};

/// How long nobody tries after a server was away: each would wait out its time for nothing.
const REST: Duration = Duration::from_secs(1);

/// A Redis server. Nothing is connected before it is needed. Clones are the same.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    place: String,
    encrypted: bool,
    state: Mutex<State>,
    /// Whether it was ever connected.
    known: AtomicBool,
    says: Seldom,
}

#[derive(Default)]
struct State {
    /// What all callers use at the same time for as long as it works.
    connection: Option<MultiplexedConnection>,
    /// Until when nobody tries, and why.
    resting: Option<(Instant, String)>,
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
        let encrypted = settings.url.starts_with("rediss:");
        let (manager, place) = settings.manager()?;
        let timeouts = Timeouts { wait: Some(WITHIN), create: Some(WITHIN), recycle: Some(WITHIN) };
        // One connection carries the commands of all callers at the same time. To lend them connections would cost each
        // command another one before it, which looks whether the connection lives, and twice the processor's time.
        let config = PoolConfig { max_size: 1, timeouts, ..PoolConfig::default() };
        let pool = Pool::builder(manager).config(config).runtime(Runtime::Tokio1).build();
        // Without a runtime only: it has one.
        let pool = pool.map_err(|_| SettingsError::Url)?;
        let (state, known, says) = Default::default();
        Ok(Self { inner: Arc::new(Inner { pool, place, encrypted, state, known, says }) })
    }

    /// Does something with a connection; again with another one where the server had closed it. After the server was away
    /// all calls fail at once for a second.
    pub(crate) async fn call<T, F>(
        &self,
        operation: &'static str,
        work: impl Fn(MultiplexedConnection) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        self.attempt(work).await.map_err(|message| {
            REDIS_FAILURES.add((operation.into(),), 1);
            if self.inner.says.is_time() {
                tracing::warn!(redis = self.inner.place, operation, error = message, "going on without Redis");
            }
            Failure { place: self.inner.place.clone(), message }
        })
    }

    async fn attempt<T, F>(&self, work: impl Fn(MultiplexedConnection) -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        if let Some(message) = self.resting() {
            return Err(message);
        }
        let shared = self.state(|state| state.connection.clone());
        if let Some(connection) = shared {
            match work(connection).await {
                Err(error) if error.is_connection_dropped() => self.state(|state| state.connection = None),
                done => return done.map_err(|error| self.failed(&error)),
            }
        }
        work(self.connect().await?).await.map_err(|error| self.failed(&error))
    }

    /// The pool's connection if it lives, or a new one.
    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let connection = self.inner.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => connecting(&error, self.inner.encrypted),
            _ => late(),
        });
        match connection {
            Ok(connection) => {
                let connection = MultiplexedConnection::clone(&connection);
                RECONNECTS.add((Server::Redis,), u64::from(self.inner.known.swap(true, Ordering::Relaxed)));
                self.state(|state| state.connection = Some(connection.clone()));
                Ok(connection)
            }
            Err(message) => Err(self.rest(message)),
        }
    }

    /// A server that answers with an error is not away.
    fn failed(&self, error: &RedisError) -> String {
        let message = working(error);
        if error.is_io_error() { self.rest(message) } else { message }
    }

    fn rest(&self, message: String) -> String {
        self.state(|state| {
            *state = State { connection: None, resting: Some((Instant::now() + REST, message.clone())) };
        });
        message
    }

    fn resting(&self) -> Option<String> {
        self.state(|state| {
            let (_, why) = state.resting.as_ref().filter(|(until, _)| *until > Instant::now())?;
            Some(why.clone())
        })
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.inner.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
