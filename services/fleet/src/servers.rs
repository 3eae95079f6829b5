use std::{
    num::{NonZeroU8, NonZeroU32},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use langflix_domain::VideoCodec;
use langflix_llm::{Fleet, LlmSettings, Secret};
use langflix_ports::{
    llm::LanguageModel,
    queue::Name,
    rate::{Limits, RateLimiter, Sharers},
};
use langflix_rabbitmq::RabbitQueue;
use langflix_redis::{Redis, RedisCache, RedisFlights, RedisRateLimiter, RedisRoster, RedisTally};
use langflix_runtime::{
    config::{Certificates, FleetConfig, HardwareAcceleration, Llm, RabbitMq, Redis as RedisConfig, S3, Video},
    health::{Health, Part},
    service::patience,
    shutdown::Shutdown,
};
use langflix_s3::{S3Store, Timeouts};
use tokio::time::{sleep, timeout};

use crate::Ports;

/// Threads of one clip where `video.threads` is 0. They change a clip's bytes a little and so belong to what names it: in
/// a fleet they are the same wherever it is submitted and encoded.
pub const CLIP_THREADS: NonZeroU8 = NonZeroU8::new(4).unwrap();

/// Whether an encoding worker of this configuration encodes on NVIDIA's GPUs where it can.
pub fn on_nvidia(video: &Video) -> bool {
    let automatic = matches!(video.hardware_acceleration, HardwareAcceleration::Auto | HardwareAcceleration::Nvenc);
    video.codec.map_or(automatic, |codec| matches!(codec, VideoCodec::H264Nvenc | VideoCodec::HevcNvenc))
}

/// The servers that a configuration names. None is asked before it is needed.
#[derive(Clone)]
pub struct Servers {
    /// Where the truth lies.
    pub store: Arc<S3Store>,
    /// Where work waits.
    pub queue: Arc<RabbitQueue>,
    /// What makes it quick.
    pub redis: Redis,
}

impl Servers {
    /// The servers of `config`, to whom this program is called `name`.
    ///
    /// # Errors
    /// Where a setting cannot be right whatever the server is; names its key.
    pub fn of(config: &FleetConfig, name: &str) -> anyhow::Result<Self> {
        let redis = Redis::new(redis(&config.redis))?;
        let store = S3Store::new(s3(&config.s3)).context("s3")?;
        Ok(Self {
            store: Arc::new(store.with_copies(Arc::new(RedisCache::new(redis.clone())))),
            queue: Arc::new(RabbitQueue::new(rabbitmq(&config.rabbitmq, name))?),
            redis,
        })
    }

    /// Answers and probes in Redis.
    pub fn cache(&self) -> Arc<RedisCache> {
        Arc::new(RedisCache::new(self.redis.clone()))
    }

    /// Who is under way with what, in Redis.
    pub fn flights(&self) -> RedisFlights {
        RedisFlights::new(self.redis.clone())
    }

    /// Who is there, in Redis.
    pub fn roster(&self) -> RedisRoster {
        RedisRoster::new(self.redis.clone())
    }

    /// The language model of `config`, behind what all workers share in Redis.
    ///
    /// # Errors
    /// Where a setting of the model is wrong; names its key.
    pub fn model(&self, config: &FleetConfig) -> anyhow::Result<Arc<dyn LanguageModel>> {
        Ok(self.shared_model(config, langflix_llm::build_for_fleet)?)
    }

    /// What `build` makes of the settings of the model and of what all workers share in Redis.
    pub fn shared_model<T>(&self, config: &FleetConfig, build: impl FnOnce(&LlmSettings, Fleet<'_>) -> T) -> T {
        let limiter = |name: &str, limits: Limits| -> Arc<dyn RateLimiter> {
            Arc::new(RedisRateLimiter::new(self.redis.clone(), name, limits))
        };
        let fleet = Fleet {
            cache: self.cache(),
            answer_ttl: config.redis.answer_ttl,
            flights: Arc::new(self.flights()),
            limiter: &limiter,
            sharers: Arc::new(Workers(self.queue.clone())),
        };
        build(&llm(&config.common.llm), fleet)
    }

    /// What a service works through.
    pub fn ports(&self) -> Ports {
        let tally = Arc::new(RedisTally::new(self.redis.clone()));
        Ports { store: self.store.clone(), queue: self.queue.clone(), tally }
    }

    /// Waits until the store answers, honours conditional writes, and the queues are there, which are declared where this
    /// program `declares` them. `false` where the process is told to end before. From then on it is told, until the process
    /// is to end, when the store answers no more.
    pub async fn wait(&self, health: &Health, shutdown: &Shutdown, declares: bool) -> bool {
        let topology = async || {
            if declares {
                self.queue.apply_topology().await?;
            }
            self.queue.check_topology().await
        };
        let (queues, store) = (health.part("queues"), health.part("store"));
        let (queues, store) = tokio::join!(
            patience(&queues, shutdown, topology),
            patience(&store, shutdown, async || self.store.check().await)
        );
        let there = queues.is_some() && store.is_some();
        if there {
            let (store, part, shutdown) = (self.store.clone(), health.part("store"), shutdown.clone());
            let look = move || {
                let store = store.clone();
                async move { store.reach().await.map_err(|error| error.to_string()) }
            };
            tokio::spawn(async move { look_again(&part, &shutdown, look).await });
        }
        there
    }

    /// Declares what has gone missing of the queues, as with a broker that comes back empty, until the process is told to
    /// end.
    pub async fn keep_topology(&self, health: &Health, shutdown: &Shutdown) {
        look_again(&health.part("queues"), shutdown, || async {
            self.queue.apply_topology().await.map_err(|error| error.to_string())
        })
        .await;
    }
}

/// Who takes chunks, and so asks the model.
struct Workers(Arc<RabbitQueue>);

#[async_trait]
impl Sharers for Workers {
    async fn count(&self) -> Option<NonZeroU32> {
        // A broker that does not answer is told of by all who wait for it.
        let counts = self.0.counts().await.ok()?;
        NonZeroU32::new(counts.get(Name::AnalysisBulk.as_str())?.consumers)
    }
}

/// Between two looks at the queues or the store: what is there is soon told.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
/// How long a look may take, though work waits longer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Has `part` tell what comes of `look`, again and again until the process is told to end.
async fn look_again<F>(part: &Part, shutdown: &Shutdown, look: impl Fn() -> F)
where
    F: Future<Output = Result<(), String>>,
{
    loop {
        tokio::select! {
            () = shutdown.draining() => return,
            () = sleep(BETWEEN_LOOKS) => {}
        }
        match timeout(ANSWERS_WITHIN, look()).await {
            Ok(Ok(())) => part.ready(),
            Ok(Err(why)) => part.waits(&why),
            Err(_) => part.waits(&format!("no answer for {ANSWERS_WITHIN:.0?}")),
        }
    }
}

fn pem(certificates: Option<&Certificates>) -> Option<Vec<u8>> {
    certificates.map(|certificates| certificates.as_pem().as_bytes().to_vec())
}

/// How the store is reached.
pub fn s3(s3: &S3) -> langflix_s3::Settings {
    let credentials = &s3.credentials;
    langflix_s3::Settings {
        endpoint: s3.endpoint.clone(),
        bucket: s3.bucket.clone(),
        region: s3.region.clone(),
        path_style: s3.path_style,
        credentials: langflix_s3::Credentials {
            access_key: credentials.access_key.expose().to_owned(),
            secret_key: credentials.secret_key.expose().to_owned(),
            session_token: credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
        },
        ca_pem: pem(s3.ca.as_ref()),
        timeouts: Timeouts::default(),
    }
}

/// How the broker is reached by the program called `name`.
pub fn rabbitmq(rabbitmq: &RabbitMq, name: &str) -> langflix_rabbitmq::Settings {
    langflix_rabbitmq::Settings {
        url: rabbitmq.url.clone(),
        username: rabbitmq.username.clone(),
        password: rabbitmq.password.expose().to_owned(),
        ca_pem: pem(rabbitmq.ca.as_ref()),
        name: format!("langflix {name}"),
    }
}

/// How Redis is reached.
pub fn redis(redis: &RedisConfig) -> langflix_redis::Settings {
    langflix_redis::Settings {
        url: redis.url.clone(),
        username: redis.username.clone(),
        password: redis.password.as_ref().map(|password| password.expose().to_owned()),
        ca_pem: pem(redis.ca.as_ref()),
    }
}

/// What the configuration says of the language model.
pub fn llm(llm: &Llm) -> LlmSettings {
    LlmSettings {
        provider: llm.provider.as_str().to_owned(),
        model: llm.model.clone(),
        base_url: llm.base_url.as_ref().map(|url| url.as_str().to_owned()),
        api_key: llm.api_key.as_ref().map(|key| Secret::new(key.expose())),
        temperature: llm.temperature,
        max_retries: llm.max_retries,
        retry_backoff: llm.retry_backoff,
        max_concurrent_requests: llm.max_concurrent_requests,
        requests_per_minute: llm.requests_per_minute,
        tokens_per_minute: llm.tokens_per_minute,
        request_timeout: llm.request_timeout,
        prices: llm.prices.clone(),
        ..LlmSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use langflix_ports::queue::{Place, Queue as _};
    use langflix_testkit::servers;

    use super::*;

    #[tokio::test]
    async fn those_who_take_chunks_share_the_limit_of_the_model() {
        let rabbit = servers::rabbitmq().await;
        let worker = || {
            let settings = langflix_rabbitmq::Settings {
                url: rabbit.url.replace("guest:guest@", ""),
                username: "guest".to_owned(),
                password: "guest".to_owned(),
                ca_pem: None,
                name: "worker".to_owned(),
            };
            Arc::new(RabbitQueue::new(settings).unwrap())
        };
        let (one, other) = (worker(), worker());
        let workers = Workers(one.clone());
        assert_eq!(workers.count().await, None, "there are no queues");
        one.apply_topology().await.unwrap();
        assert_eq!(workers.count().await, None, "nobody takes chunks");
        let _taking = one.consume(Place::Work(Name::AnalysisBulk), 1).await.unwrap();
        assert_eq!(workers.count().await, NonZeroU32::new(1));
        let _taking_too = other.consume(Place::Work(Name::AnalysisBulk), 1).await.unwrap();
        assert_eq!(workers.count().await, NonZeroU32::new(2));
    }
}
