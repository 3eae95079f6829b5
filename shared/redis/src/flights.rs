use std::{convert::Infallible, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use langflix_ports::flight::{Error, Flight, Flights};
use redis::Script;
use tokio::{sync::oneshot, time::timeout};

use crate::{Failure, Redis};

/// After how long whoever is under way and says no more is given up.
const GIVEN_UP: Duration = Duration::from_secs(10);
/// How often it is said that one is still under way.
const SAID: Duration = Duration::from_secs(3);

/// Says that one is under way, unless another is. Whoever is under way and was forgotten says it again by this.
static UNDER_WAY: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local holder = redis.call('GET', KEYS[1])
         if holder and holder ~= ARGV[1] then return 0 end
         redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
         return 1",
    )
});

/// Ends one's own flight, and never another's.
static LANDS: LazyLock<Script> = LazyLock::new(|| {
    Script::new("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
});

/// Who is under way in the fleet, below `langflix:flight:`.
///
/// A flight is a lease of ten seconds that is renewed for as long as its holder lives.
#[derive(Clone, Debug)]
pub struct RedisFlights {
    redis: Redis,
}

impl RedisFlights {
    /// The flights in `redis`.
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }
}

#[async_trait]
impl Flights for RedisFlights {
    async fn set_out(&self, key: &str) -> Result<Option<Flight>, Error> {
        let lease = Lease {
            redis: self.redis.clone(),
            key: format!("langflix:flight:{key}"),
            token: format!("{:032x}", fastrand::u128(..)),
        };
        let (held, dropped) = oneshot::channel();
        // Who stops waiting for the answer gives back at once what it may have been given.
        let (answer, answered) = oneshot::channel();
        tokio::spawn(lease.live(answer, dropped));
        match answered.await {
            Ok(Ok(taken)) => Ok(taken.then(|| Flight::new(held))),
            Ok(Err(failure)) => Err(Error { message: failure.to_string() }),
            Err(_) => Err(Error { message: "this process is ending".to_owned() }),
        }
    }
}

struct Lease {
    redis: Redis,
    key: String,
    token: String,
}

impl Lease {
    /// Takes the lease, renews it until its holder is dropped, and then gives it back.
    async fn live(self, answer: oneshot::Sender<Result<bool, Failure>>, mut dropped: oneshot::Receiver<Infallible>) {
        let taken = self.tell(&UNDER_WAY).await;
        let is_taken = matches!(taken, Ok(true));
        // Nobody may wait for it any more, and then the holder is dropped as well.
        let _heard = answer.send(taken);
        if !is_taken {
            return;
        }
        while timeout(SAID, &mut dropped).await.is_err() {
            // What cannot be renewed may be renewed the next time; what was lost is another's.
            if let Ok(false) = self.tell(&UNDER_WAY).await {
                return;
            }
        }
        // Otherwise it expires.
        let _landed = self.tell(&LANDS).await;
    }

    async fn tell(&self, script: &Script) -> Result<bool, Failure> {
        let mut script = script.key(&self.key);
        script.arg(&self.token).arg(GIVEN_UP.as_millis() as u64);
        let script = &script;
        let tell = |mut connection| async move { script.invoke_async::<bool>(&mut connection).await };
        self.redis.call("flight", tell).await
    }
}
