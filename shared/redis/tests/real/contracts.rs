use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use langflix_ports::roster::Roster as _;
use langflix_redis::{RedisCache, RedisFlights, RedisRateLimiter, RedisRoster, RedisTally};
use langflix_testkit::{
    cache::cache_contract, flight::flights_contract, rate::rate_contract, roster::roster_contract, servers,
    tally::tally_contract,
};

use crate::support::{client, query};

#[tokio::test]
async fn redis_keeps_what_a_cache_promises() {
    let own = servers::redis().await;
    cache_contract(&RedisCache::new(client(&own.url)), tokio::time::sleep).await;
}

#[tokio::test]
async fn redis_keeps_what_a_tally_promises() {
    let own = servers::redis().await;
    tally_contract(&RedisTally::new(client(&own.url))).await;
}

#[tokio::test]
async fn redis_keeps_what_a_roster_promises() {
    let own = servers::redis().await;
    roster_contract(&RedisRoster::new(client(&own.url)), tokio::time::sleep).await;
}

#[tokio::test]
async fn a_roster_that_nobody_is_on_takes_no_room() {
    let own = servers::redis().await;
    let roster = RedisRoster::new(client(&own.url));
    roster.announce("a", "text", Duration::from_millis(300)).await.unwrap();
    assert_eq!(query::<usize>(&own.url, "DBSIZE").await, 2);
    while query::<usize>(&own.url, "DBSIZE").await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn redis_keeps_what_flights_promise() {
    let own = servers::redis().await;
    flights_contract(&RedisFlights::new(client(&own.url))).await;
}

#[tokio::test]
async fn redis_keeps_what_a_rate_limiter_promises() {
    let (own, models) = (servers::redis().await, AtomicU32::new(0));
    let redis = client(&own.url);
    rate_contract(|limits| {
        let name = format!("stub/{}", models.fetch_add(1, Ordering::SeqCst));
        Arc::new(RedisRateLimiter::new(redis.clone(), &name, limits))
    })
    .await;
}
