use langflix_redis::{RedisCache, RedisTally};
use langflix_testkit::{cache::cache_contract, servers, tally::tally_contract};

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
