use std::{sync::Arc, time::Duration};

use langflix_domain::{RunId, Stage, TaskId};
use langflix_llm::{Cached, Limited, ShareWhileAway};
use langflix_ports::{cache::Cache as _, llm::LanguageModel, rate::Limits, tally::Tally as _};
use langflix_redis::{Redis, RedisCache, RedisFlights, RedisRateLimiter, RedisTally, Settings};
use langflix_testkit::servers::private;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Log, Provider, Workers, client, number, query, request, settings};

const DAY: Duration = Duration::from_hours(24);

/// A model behind all that lies in Redis, as a worker has it.
struct Worker {
    model: Box<dyn LanguageModel>,
    provider: Arc<Provider>,
    tally: RedisTally,
    cache: RedisCache,
    asked: u32,
}

impl Worker {
    fn new(redis: Redis) -> Self {
        let limits = Limits { requests: Some(number(60_000)), tokens: None, period: Duration::from_secs(60) };
        let provider = Arc::new(Provider::new(60_000, Duration::from_secs(60), Duration::ZERO));
        let limiter = Arc::new(RedisRateLimiter::new(redis.clone(), "stub/one", limits));
        let limiter = ShareWhileAway::new(limiter, limits, Arc::new(Workers(1)));
        let limited = Arc::new(Limited::new(provider.clone(), number(4), Arc::new(limiter)));
        let cache = RedisCache::new(redis.clone());
        let flights = Arc::new(RedisFlights::new(redis.clone()));
        let model = Box::new(Cached::for_fleet(limited, Arc::new(cache.clone()), DAY, flights));
        Self { model, provider, tally: RedisTally::new(redis), cache, asked: 0 }
    }

    /// Asks for something new so often, which must be answered each time.
    async fn work(&mut self, times: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..times {
            self.asked += 1;
            self.model.ask(&request(&format!("Line {}.", self.asked)), &[]).await.unwrap();
        }
        assert_eq!(self.provider.counts().0, self.asked as usize);
        began.elapsed()
    }

    /// Whether an answer is remembered.
    async fn remembers(&mut self) -> bool {
        self.work(1).await;
        let again = self.model.ask(&request(&format!("Line {}.", self.asked)), &[]).await.unwrap();
        self.asked += again.usage.requests;
        again.usage.requests == 0
    }

    async fn until_it_remembers(&mut self) {
        let remembered = async {
            while !self.remembers().await {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(10), remembered).await.unwrap();
    }

    /// What a put says that does not succeed.
    async fn put_fails(&self) -> String {
        self.cache.put("key", b"value", None).await.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn a_server_that_stops_and_starts_costs_time_and_one_warning() {
    let (log, _guard) = Log::begin();
    let mut server = private::redis().await;
    let mut worker = Worker::new(client(&server.url));
    assert!(worker.remembers().await);
    for _ in 0..2 {
        server.server.stop().await;
        let took = worker.work(100).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert!(!worker.remembers().await);
        server.server.start().await;
        worker.until_it_remembers().await;
    }
    assert_eq!(log.warnings(), 1, "{}", log.text());
    assert!(log.text().contains(server.url.trim_start_matches("redis://")), "{}", log.text());
}

#[tokio::test]
async fn failures_are_counted_by_what_was_to_be_done() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let mut server = private::redis().await;
    let redis = client(&server.url);
    let (cache, tally) = (RedisCache::new(redis.clone()), RedisTally::new(redis));
    let (run, task) = (RunId::parse("suits-s01e01-0badcafe").unwrap(), TaskId::chunk(1));
    cache.put("key", b"value", None).await.unwrap();
    server.server.stop().await;
    // Of these only the first asks the server; all have to go on without.
    for _ in 0..3 {
        cache.get("key").await.unwrap_err();
    }
    tally.done(&run, Stage::Analysis, &task).await.unwrap_err();
    let told = recorder.handle().render();
    for (operation, count) in [("get", 3), ("tally", 1)] {
        let line = format!("langflix_redis_failures_total{{operation=\"{operation}\"}} {count}");
        assert!(told.contains(&line), "{line} in {told}");
    }
    assert!(!told.contains("put"), "{told}");
}

#[tokio::test]
async fn a_server_that_is_killed_and_at_once_there_again_is_hardly_noticed() {
    let (log, _guard) = Log::begin();
    let mut server = private::redis().await;
    let mut worker = Worker::new(client(&server.url));
    worker.work(3).await;
    // The last flight lands by itself.
    while !query::<Vec<String>>(&server.url, "KEYS langflix:flight:*").await.is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    server.server.kill();
    server.server.start().await;
    // The connection is found to be closed, and another one is made.
    assert!(worker.remembers().await, "{}", log.text());
    assert_eq!(log.warnings(), 0, "{}", log.text());
}

#[tokio::test]
async fn a_flushed_server_forgets_and_no_more() {
    let (log, _guard) = Log::begin();
    let server = private::redis().await;
    let mut worker = Worker::new(client(&server.url));
    worker.work(3).await;
    let (run, task) = (RunId::parse("suits-s01e01-0badcafe").unwrap(), TaskId::chunk(1));
    assert_eq!(worker.tally.done(&run, Stage::Analysis, &task).await.unwrap(), 1);
    for flush in ["FLUSHALL", "SCRIPT FLUSH"] {
        let _flushed: String = query(&server.url, flush).await;
        assert!(worker.remembers().await);
        assert_eq!(worker.tally.done(&run, Stage::Analysis, &task).await.unwrap(), 1);
    }
    assert_eq!(log.warnings(), 0, "{}", log.text());
}

#[tokio::test]
async fn a_server_that_does_not_answer_holds_nobody_up_for_long() {
    let (log, _guard) = Log::begin();
    let server = private::redis().await;
    let mut worker = Worker::new(client(&server.url));
    assert!(worker.remembers().await);
    let _paused: String = query(&server.url, "CLIENT PAUSE 6000").await;
    let took = worker.work(100).await;
    assert!(took < Duration::from_secs(4), "one a second waits for an answer, the others don't: {took:?}");
    worker.until_it_remembers().await;
    assert_eq!(log.warnings(), 1, "{}", log.text());
}

#[tokio::test]
async fn a_halted_server_holds_nobody_up_for_long() {
    let mut server = private::redis().await;
    let mut worker = Worker::new(client(&server.url));
    assert!(worker.remembers().await);
    server.server.pause();
    let took = worker.work(100).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
    server.server.resume();
    worker.until_it_remembers().await;
}

#[tokio::test]
async fn a_replica_that_takes_no_writes_is_told_and_still_read() {
    let (log, _guard) = Log::begin();
    let (master, replica) = (private::redis().await, private::redis().await);
    let mut worker = Worker::new(client(&replica.url));
    let port = master.url.rsplit(':').next().unwrap();
    RedisCache::new(client(&master.url)).put("old", b"value", None).await.unwrap();
    let _follows: String = query(&replica.url, &format!("REPLICAOF 127.0.0.1 {port}")).await;
    let synced = async {
        while worker.cache.get("old").await.ok().flatten().is_none() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), synced).await.unwrap();
    let took = worker.work(50).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(!worker.remembers().await);
    let says = worker.put_fails().await;
    assert!(says.contains("replica that takes no writes"), "{says}");
    assert_eq!(worker.cache.get("old").await.unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(log.warnings(), 1, "{}", log.text());
    let _leads: String = query(&replica.url, "REPLICAOF NO ONE").await;
    worker.until_it_remembers().await;
}

#[tokio::test]
async fn a_full_server_is_told() {
    let server = private::redis().await;
    let _set: String = query(&server.url, "CONFIG SET maxmemory 1").await;
    let mut worker = Worker::new(client(&server.url));
    worker.work(10).await;
    let says = worker.put_fails().await;
    assert!(says.contains("maxmemory-policy"), "{says}");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_told_without_it() {
    let (log, _guard) = Log::begin();
    let server = private::redis().await;
    let _set: String = query(&server.url, "CONFIG SET requirepass right-password").await;
    let with = |username: Option<&str>, password: Option<&str>| Settings {
        username: username.map(str::to_owned),
        password: password.map(str::to_owned),
        ..settings(&server.url)
    };
    for (username, password) in
        [(None, None), (None, Some("wrong-password")), (Some("somebody"), Some("right-password"))]
    {
        let settings = with(username, password);
        let shown = format!("{settings:?}");
        let redis = Redis::new(settings).unwrap();
        let mut worker = Worker::new(redis.clone());
        worker.work(3).await;
        let says = worker.put_fails().await;
        assert!(says.contains("redis.password_file"), "{says}");
        for text in [says, shown, format!("{redis:?}"), redis.check().await.unwrap_err().to_string()] {
            assert!(!text.contains("-password"), "{text}");
        }
    }
    assert!(!log.text().contains("-password"), "{}", log.text());
    for username in [None, Some("default")] {
        let cache = RedisCache::new(Redis::new(with(username, Some("right-password"))).unwrap());
        cache.put("key", b"value", None).await.unwrap();
    }
}

#[test]
fn a_password_in_the_address_is_not_shown() {
    let settings = settings("redis://somebody:the-secret@localhost:1/0");
    assert!(!format!("{settings:?}").contains("the-secret"));
    assert!(!format!("{:?}", Redis::new(settings).unwrap()).contains("the-secret"));
    let error = Redis::new(crate::support::settings("redis//somebody:the-secret@localhost")).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("the-secret"));
}
