use std::sync::LazyLock;

use async_trait::async_trait;
use langflix_domain::{RunId, Stage, TaskId};
use langflix_ports::tally::{Error, Tally};
use redis::{Script, cmd};

use crate::{Failure, Redis};

/// A stage that is not done by then has long been swept.
const KEPT_SECONDS: u32 = 7 * 24 * 3600;

static DONE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SADD', KEYS[1], ARGV[1])
         redis.call('EXPIRE', KEYS[1], ARGV[2])
         return redis.call('SCARD', KEYS[1])",
    )
});

/// Done tasks as sets in Redis, one a stage, below `langflix:tally:`.
#[derive(Clone, Debug)]
pub struct RedisTally {
    redis: Redis,
}

impl RedisTally {
    /// The tally in `redis`.
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }
}

fn key(run: &RunId, stage: Stage) -> String {
    format!("langflix:tally:{run}:{}", stage.as_str())
}

fn failed(failure: Failure) -> Error {
    Error { message: failure.to_string() }
}

#[async_trait]
impl Tally for RedisTally {
    async fn done(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<u32, Error> {
        let done = |mut connection| async move {
            DONE.key(key(run, stage)).arg(task.as_str()).arg(KEPT_SECONDS).invoke_async(&mut connection).await
        };
        self.redis.call("tally", done).await.map_err(failed)
    }

    async fn forget(&self, run: &RunId, stage: Stage) -> Result<(), Error> {
        let forget =
            |mut connection| async move { cmd("UNLINK").arg(key(run, stage)).query_async(&mut connection).await };
        self.redis.call("forget", forget).await.map_err(failed)
    }
}
