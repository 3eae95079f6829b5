use std::time::Duration;

use async_trait::async_trait;
use langflix_ports::cache::{Cache, Error};
use redis::cmd;

use crate::{Failure, Redis};

/// The longest that Redis keeps anything, so that its clock does not overflow: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// How long a value is kept where its writer does not say: what never expires is never evicted either, under some policies.
const USUALLY: Duration = Duration::from_hours(30 * 24);

/// Values that one command reads.
const READ_AT_ONCE: usize = 256;

/// Values in Redis, below `langflix:cache:`.
#[derive(Clone, Debug)]
pub struct RedisCache {
    redis: Redis,
}

impl RedisCache {
    /// The cache in `redis`.
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }
}

fn key(key: &str) -> String {
    format!("langflix:cache:{key}")
}

fn failed(failure: Failure) -> Error {
    Error { message: failure.to_string() }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let get = |mut connection| async move { cmd("GET").arg(key(name)).query_async(&mut connection).await };
        self.redis.call("get", get).await.map_err(failed)
    }

    async fn get_many(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let mut values = Vec::with_capacity(names.len());
        // Redis answers one command after another: a longer one would keep the others waiting.
        for names in names.chunks(READ_AT_ONCE) {
            let (mut command, keys) = (cmd("MGET"), names.iter().map(|name| key(name)));
            command.arg(keys.collect::<Vec<_>>());
            let command = &command;
            let get = |mut connection| async move { command.query_async::<Vec<_>>(&mut connection).await };
            values.extend(self.redis.call("get", get).await.map_err(failed)?);
        }
        Ok(values)
    }

    async fn put(&self, name: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let (mut command, key) = (redis::Cmd::new(), key(name));
        match ttl.unwrap_or(USUALLY).min(LONGEST).as_millis() {
            // Redis knows no value that is gone at once.
            0 => command.arg("DEL").arg(key),
            ms => command.arg("SET").arg(key).arg(value).arg("PX").arg(u64::try_from(ms).unwrap_or(u64::MAX)),
        };
        let command = &command;
        let put = |mut connection| async move { command.query_async::<redis::Value>(&mut connection).await };
        self.redis.call("put", put).await.map(drop).map_err(failed)
    }
}
