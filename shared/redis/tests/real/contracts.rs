use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use langflix_redis::{RedisCache, RedisFlights, RedisRateLimiter, RedisTally};
use langflix_testkit::{
    cache::cache_contract, flight::flights_contract, rate::rate_contract, servers, tally::tally_contract,
};

use crate::support::client;

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
