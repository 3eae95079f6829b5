use std::time::{Duration, SystemTime};

use redis::{RedisError, Script, aio::MultiplexedConnection, cmd};
use tokio::time::Instant;

use crate::{Failure, Redis};

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its version; `unknown` where the user may not ask.
    pub version: String,
    /// Whether it takes writes.
    pub writable: bool,
    /// What it does when its memory is full; `unknown` where the user may not ask.
    pub eviction: String,
    /// How long it took to answer.
    pub latency: Duration,
    /// How far its clock is ahead of ours, in milliseconds.
    pub clock_ahead_ms: i64,
}

impl Redis {
    /// Asks the server about itself, and tries whether it takes writes.
    ///
    /// # Errors
    /// [`Failure`] where it does not answer, or the user may not do what the fleet does.
    pub async fn check(&self) -> Result<Server, Failure> {
        self.call("check", |mut connection| async move {
            let connection = &mut connection;
            let began = Instant::now();
            let _pong: String = cmd("PING").query_async(connection).await?;
            let latency = began.elapsed();
            let clock_ahead_ms = clock_ahead_ms(connection).await?;
            let writable = match write(connection).await {
                Err(error) if error.code() == Some("READONLY") => false,
                written => written.map(|()| true)?,
            };
            let about = about(connection).await?;
            let field = |name: &str| {
                let line = about.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                line.map_or("unknown", str::trim).to_owned()
            };
            let (version, eviction) = (field("redis_version"), field("maxmemory_policy"));
            Ok(Server { version, writable, eviction, latency, clock_ahead_ms })
        })
        .await
    }
}

/// As the fleet writes: in a script, below its own prefix.
async fn write(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let write = Script::new("return redis.call('SET', KEYS[1], '1', 'PX', 1000)");
    write.key("langflix:check").invoke_async(connection).await
}

/// Not every user may ask this, and none needs to.
async fn about(connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
    match cmd("INFO").query_async(connection).await {
        Err(error) if error.code() == Some("NOPERM") => Ok(String::new()),
        about => about,
    }
}

/// The server's clock against ours in the middle between question and answer.
async fn clock_ahead_ms(connection: &mut MultiplexedConnection) -> Result<i64, RedisError> {
    let millis = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let asked = millis(SystemTime::now());
    let (seconds, micros): (i64, i64) = cmd("TIME").query_async(connection).await?;
    let answered = millis(SystemTime::now());
    Ok(seconds.saturating_mul(1000).saturating_add(micros / 1000) - asked.midpoint(answered))
}
