use std::{sync::LazyLock, time::Duration};

use async_trait::async_trait;
use langflix_ports::roster::{Error, LONGEST, MOST, Present, Roster};
use redis::Script;

use crate::{Failure, Redis};

/// Until when each service is there, and what it says. Both lie in one slot of a cluster.
const KEYS: [&str; 2] = ["langflix:{roster}:until", "langflix:{roster}:says"];

/// Fields of a hash expire by themselves only from Redis 7.4 on: whoever comes takes off those whose time is over, and where
/// nobody comes any more both keys go.
static ANNOUNCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1000)) do
             redis.call('ZREM', KEYS[1], gone)
             redis.call('HDEL', KEYS[2], gone)
         end
         redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
         redis.call('HSET', KEYS[2], ARGV[1], now .. ' ' .. ARGV[3])
         local longest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now
         redis.call('PEXPIRE', KEYS[1], longest)
         redis.call('PEXPIRE', KEYS[2], longest)
         return 1",
    )
});

static WITHDRAW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('ZREM', KEYS[1], ARGV[1])
         redis.call('HDEL', KEYS[2], ARGV[1])
         return 1",
    )
});

/// Gives of each its name, how many milliseconds ago it spoke, and what it said.
static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         local all = {}
         for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'LIMIT', 0, ARGV[1])) do
             local says = redis.call('HGET', KEYS[2], id)
             local space = says and string.find(says, ' ', 1, true)
             if space then
                 all[#all + 1] = {id, now - tonumber(string.sub(says, 1, space - 1)), string.sub(says, space + 1)}
             end
         end
         return all",
    )
});

/// Who is there, in Redis, below `langflix:{roster}:`.
#[derive(Clone, Debug)]
pub struct RedisRoster {
    redis: Redis,
}

impl RedisRoster {
    /// The roster in `redis`.
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }
}

fn failed(failure: Failure) -> Error {
    Error { message: failure.to_string() }
}

#[async_trait]
impl Roster for RedisRoster {
    async fn announce(&self, id: &str, text: &str, ttl: Duration) -> Result<(), Error> {
        if id.len() + text.len() > LONGEST {
            return Err(Error { message: format!("a service says more than {LONGEST} bytes of itself") });
        }
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let announce = |mut connection| async move {
            ANNOUNCE.key(&KEYS).arg(id).arg(ttl).arg(text).invoke_async::<()>(&mut connection).await
        };
        self.redis.call("announce", announce).await.map_err(failed)
    }

    async fn withdraw(&self, id: &str) -> Result<(), Error> {
        let withdraw =
            |mut connection| async move { WITHDRAW.key(&KEYS).arg(id).invoke_async::<()>(&mut connection).await };
        self.redis.call("withdraw", withdraw).await.map_err(failed)
    }

    async fn list(&self) -> Result<Vec<Present>, Error> {
        let list = |mut connection| async move { LIST.key(&KEYS).arg(MOST).invoke_async(&mut connection).await };
        let all: Vec<(String, u64, String)> = self.redis.call("roster", list).await.map_err(failed)?;
        let present = |(id, ago, text)| Present { id, text, ago: Duration::from_millis(ago) };
        let mut all: Vec<Present> = all.into_iter().map(present).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }
}
