use std::{sync::Arc, time::Duration};

use langflix_llm::Cached;
use langflix_ports::{
    cache::Cache as _,
    flight::{Flight, Flights as _},
    llm::LanguageModel as _,
};
use langflix_redis::{RedisCache, RedisFlights};
use langflix_testkit::{
    proxy::{Link, Proxy},
    servers::{self, private},
};
use tokio::{task::JoinSet, time::Instant};

use crate::support::{Provider, client, query, request};

const DAY: Duration = Duration::from_hours(24);

fn flights(url: &str) -> RedisFlights {
    RedisFlights::new(client(url))
}

async fn set_out(url: &str) -> Option<Flight> {
    flights(url).set_out("key").await.unwrap_or_else(|error| panic!("{error}"))
}

/// A model that asks `provider`, as another worker has it.
fn worker(url: &str, provider: &Arc<Provider>) -> Cached<Provider> {
    let cache = Arc::new(RedisCache::new(client(url)));
    Cached::for_fleet(provider.clone(), cache, DAY, Arc::new(flights(url)))
}

async fn until_begun(url: &str, key: &str) {
    while !query::<bool>(url, &format!("EXISTS langflix:flight:{key}")).await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until a flight is over, as it soon is.
async fn until_over(url: &str, key: &str) {
    let began = Instant::now();
    while query::<bool>(url, &format!("EXISTS langflix:flight:{key}")).await {
        assert!(began.elapsed() < Duration::from_secs(5), "it is not over");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_twins_ask_once() {
    let server = servers::redis().await;
    let provider = Arc::new(Provider::new(99, DAY, Duration::from_millis(700)));
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let worker = worker(&server.url, &provider);
        asking.spawn(async move { worker.ask(&request("Hi."), &[]).await.unwrap() });
    }
    let answers = asking.join_all().await;
    assert_eq!(provider.counts(), (1, 0));
    assert_eq!(answers.iter().map(|answer| answer.usage.requests).sum::<u32>(), 1);
    assert!(answers.iter().all(|answer| answer.text == "[]"));
    let keys: Vec<String> = query(&server.url, "KEYS langflix:cache:llm/*").await;
    let kept: i64 = query(&server.url, &format!("TTL {}", keys[0])).await;
    assert!((86_000..=86_400).contains(&kept), "answers are kept for as long as is said: {kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_first_fails_or_is_dropped_the_next_asks() {
    let server = servers::redis().await;
    let provider = Arc::new(Provider::new(99, DAY, Duration::from_millis(300)));
    let first = worker(&server.url, &provider);
    let first = tokio::spawn(async move { first.ask(&request("Hi."), &[]).await });
    while provider.counts() == (0, 0) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    first.abort();
    let began = Instant::now();
    worker(&server.url, &provider).ask(&request("Hi."), &[]).await.unwrap();
    assert_eq!(provider.counts(), (2, 0));
    assert!(began.elapsed() < Duration::from_secs(2), "it waited for one that is gone: {:?}", began.elapsed());

    let refusing = Arc::new(Provider::new(0, DAY, Duration::ZERO));
    let mut asking = JoinSet::new();
    for _ in 0..4 {
        let worker = worker(&server.url, &refusing);
        asking.spawn(async move { worker.ask(&request("Ho."), &[]).await.is_err() });
    }
    assert_eq!(asking.join_all().await, [true; 4]);
    assert_eq!(refusing.counts(), (0, 4));
}

#[tokio::test]
async fn one_at_a_time_is_under_way_until_it_lands() {
    let server = servers::redis().await;
    let first = set_out(&server.url).await;
    assert!(first.is_some() && set_out(&server.url).await.is_none());
    assert!(flights(&server.url).set_out("another key").await.is_ok_and(|flight| flight.is_some()));
    drop(first);
    until_over(&server.url, "key").await;
    assert!(set_out(&server.url).await.is_some());
}

#[tokio::test]
async fn who_stops_before_it_knows_that_it_is_under_way_is_not() {
    let server = servers::redis().await;
    let proxy = Proxy::before(&server.url);
    let flights = flights(&proxy.url);
    drop(flights.set_out("key").await.unwrap());
    // A busy machine may see too late that it is under way, or be too late to say so.
    for attempt in 0..50 {
        let key = format!("key-{attempt}");
        proxy.set(Link::Slow(Duration::from_millis(100)));
        let stopped = tokio::select! {
            _known = flights.set_out(&key) => false,
            () = until_begun(&server.url, &key) => true,
        };
        proxy.set(Link::Whole);
        if stopped {
            until_over(&server.url, &key).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it always knows before it is stopped");
}

#[test]
fn who_dies_under_way_is_given_up_within_ten_seconds() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let here = runtime();
    let server = here.block_on(servers::redis());
    let dying = runtime();
    std::mem::forget(dying.block_on(set_out(&server.url)).unwrap());
    dying.shutdown_timeout(Duration::from_secs(5));
    here.block_on(async {
        let left: i64 = query(&server.url, "PTTL langflix:flight:key").await;
        assert!((1..=10_000).contains(&left), "{left}");
        // The ten seconds pass quickly here.
        let _set: i64 = query(&server.url, "PEXPIRE langflix:flight:key 200").await;
        until_over(&server.url, "key").await;
        assert!(set_out(&server.url).await.is_some());
    });
}

#[tokio::test]
async fn who_takes_long_stays_under_way() {
    let server = servers::redis().await;
    let _long = set_out(&server.url).await.unwrap();
    let _set: i64 = query(&server.url, "PEXPIRE langflix:flight:key 4000").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let left: i64 = query(&server.url, "PTTL langflix:flight:key").await;
    assert!(left > 6_000, "{left}");
}

#[tokio::test]
async fn who_was_forgotten_says_again_that_it_is_under_way() {
    let server = servers::redis().await;
    let _long = set_out(&server.url).await.unwrap();
    let _flushed: String = query(&server.url, "FLUSHDB").await;
    tokio::time::timeout(Duration::from_secs(10), until_begun(&server.url, "key")).await.unwrap();
    assert!(set_out(&server.url).await.is_none());
}

#[tokio::test]
async fn who_was_given_up_ends_nobody_elses_flight() {
    let server = private::redis().await;
    let late = set_out(&server.url).await.unwrap();
    let _deleted: i64 = query(&server.url, "DEL langflix:flight:key").await;
    let _other = set_out(&server.url).await.unwrap();
    let other: String = query(&server.url, "GET langflix:flight:key").await;
    drop(late);
    // One script is asked for, loaded, and asked for twice; the other is asked for, loaded, and asked for again.
    let began = Instant::now();
    while !query::<String>(&server.url, "INFO commandstats").await.contains("cmdstat_evalsha:calls=5,") {
        assert!(began.elapsed() < Duration::from_secs(5), "it does not land");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(query::<Option<String>>(&server.url, "GET langflix:flight:key").await, Some(other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_worker_asks_for_itself_and_goes_on() {
    let mut server = private::redis().await;
    server.server.stop().await;
    let provider = Arc::new(Provider::new(99, DAY, Duration::from_millis(100)));
    let mut asking = JoinSet::new();
    for _ in 0..3 {
        let worker = worker(&server.url, &provider);
        asking.spawn(async move { worker.ask(&request("Hi."), &[]).await.unwrap() });
    }
    asking.join_all().await;
    assert_eq!(provider.counts(), (3, 0));
    assert!(RedisCache::new(client(&server.url)).get("a").await.is_err());
}
