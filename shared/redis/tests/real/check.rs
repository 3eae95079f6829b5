use std::{collections::HashMap, time::Duration};

use langflix_domain::{RunId, Stage, TaskId};
use langflix_ports::{
    cache::Cache as _,
    flight::Flights as _,
    rate::{Limits, Outcome, RateLimiter as _},
    roster::Roster as _,
    tally::Tally as _,
};
use langflix_redis::{Redis, RedisCache, RedisFlights, RedisRateLimiter, RedisRoster, RedisTally, Settings};
use langflix_testkit::servers::{self, private};
use tokio::time::{sleep, timeout};

use crate::support::{client, number, query, settings};

#[tokio::test]
async fn a_server_says_what_it_is() {
    let server = private::redis().await;
    let _set: String = query(&server.url, "CONFIG SET maxmemory-policy allkeys-lru").await;
    let is = client(&server.url).check().await.unwrap();
    assert!(is.version.starts_with(|first: char| first.is_ascii_digit()), "{is:?}");
    assert_eq!((is.writable, is.eviction.as_str()), (true, "allkeys-lru"));
    assert!(is.latency < Duration::from_millis(500) && is.clock_ahead_ms.abs() < 1000, "{is:?}");
}

#[tokio::test]
async fn a_replica_says_that_it_takes_no_writes() {
    let (master, replica) = (private::redis().await, private::redis().await);
    let port = master.url.rsplit(':').next().unwrap();
    let _follows: String = query(&replica.url, &format!("REPLICAOF 127.0.0.1 {port}")).await;
    assert!(!client(&replica.url).check().await.unwrap().writable);
    assert!(client(&master.url).check().await.unwrap().writable);
}

#[tokio::test]
async fn a_server_that_is_full_or_away_says_what_to_do() {
    let mut server = private::redis().await;
    let _set: String = query(&server.url, "CONFIG SET maxmemory 1").await;
    let says = client(&server.url).check().await.unwrap_err().to_string();
    assert!(says.contains("maxmemory-policy"), "{says}");
    server.server.stop().await;
    let says = client(&server.url).check().await.unwrap_err().to_string();
    assert!(says.contains("redis.url") && says.contains(server.url.trim_start_matches("redis://")), "{says}");
}

/// The rights that the README names, and no more.
fn as_user(url: &str, name: &str, rights: &str) -> (String, Redis) {
    let settings = Settings { username: Some(name.to_owned()), password: Some("pw".to_owned()), ..settings(url) };
    (format!("ACL SETUSER {name} on >pw {rights}"), Redis::new(settings).unwrap())
}

#[tokio::test]
async fn a_user_with_the_rights_that_are_named_may_do_all() {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find_map(|line| line.strip_prefix("ACL SETUSER langflix on >PASSWORD ")).unwrap();
    let server = private::redis().await;
    let (make, redis) = as_user(&format!("{}/3", server.url), "langflix", line);
    let _made: String = query(&server.url, &make).await;

    let cache = RedisCache::new(redis.clone());
    cache.put("key", b"value", None).await.unwrap();
    cache.put("key", b"value", Some(Duration::ZERO)).await.unwrap();
    assert_eq!(cache.get("key").await.unwrap(), None);
    let (tally, run) = (RedisTally::new(redis.clone()), RunId::parse("suits-s01e01-0badcafe").unwrap());
    assert_eq!(tally.done(&run, Stage::Analysis, &TaskId::chunk(1)).await.unwrap(), 1);
    tally.forget(&run, Stage::Analysis).await.unwrap();
    let limits = Limits { requests: Some(number(600)), tokens: Some(number(60_000)), period: Duration::from_secs(60) };
    let limiter = RedisRateLimiter::new(redis.clone(), "stub/one", limits);
    for outcome in [Outcome::TooMany(None), Outcome::Answered(9)] {
        limiter.admit(1).await.unwrap_or_else(|refusal| panic!("{refusal}")).settle(outcome).await;
    }
    drop(RedisFlights::new(redis.clone()).set_out("key").await.unwrap().unwrap());
    let roster = RedisRoster::new(redis.clone());
    roster.announce("a", "text", Duration::from_millis(1)).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    roster.announce("b", "text", Duration::from_secs(60)).await.unwrap();
    assert_eq!(roster.list().await.unwrap().len(), 1);
    roster.withdraw("b").await.unwrap();
    let landed = async {
        while query::<bool>(&format!("{}/3", server.url), "EXISTS langflix:flight:key").await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), landed).await.unwrap();
    let is = redis.check().await.unwrap();
    assert_eq!((is.version.as_str(), is.eviction.as_str(), is.writable), ("unknown", "unknown", true));
    // The connection that the pool holds is looked at before it is used again.
    let _killed: i64 = query(&server.url, "CLIENT KILL USER langflix").await;
    redis.check().await.unwrap();
    let denied: Vec<HashMap<String, String>> = query(&server.url, "ACL LOG").await;
    assert!(denied.iter().all(|entry| entry["object"] == "info"), "{denied:?}");
}

#[tokio::test]
async fn a_user_without_the_right_to_write_is_told() {
    let server = private::redis().await;
    let (make, redis) = as_user(&server.url, "reader", "~langflix:* +@read +@connection +time +evalsha +script|load");
    let _made: String = query(&server.url, &make).await;
    let says = redis.check().await.unwrap_err().to_string();
    assert!(says.contains("ACL"), "{says}");
}

#[tokio::test]
async fn all_that_is_kept_expires() {
    let server = servers::redis().await;
    let redis = client(&server.url);
    RedisCache::new(redis.clone()).put("key", b"value", None).await.unwrap();
    let run = RunId::parse("suits-s01e01-0badcafe").unwrap();
    RedisTally::new(redis.clone()).done(&run, Stage::Encoding, &TaskId::chunk(1)).await.unwrap();
    let limits = Limits { requests: None, tokens: Some(number(600)), period: Duration::from_secs(60) };
    let limiter = RedisRateLimiter::new(redis.clone(), "stub/one", limits);
    let permit = limiter.admit(1).await.unwrap_or_else(|refusal| panic!("{refusal}"));
    permit.settle(Outcome::TooMany(Some(Duration::from_secs(9)))).await;
    let _flight = RedisFlights::new(redis.clone()).set_out("key").await.unwrap();
    RedisRoster::new(redis.clone()).announce("a", "text", Duration::from_secs(60)).await.unwrap();
    redis.check().await.unwrap();
    let keys: Vec<String> = query(&server.url, "KEYS *").await;
    assert_eq!(keys.len(), 7, "{keys:?}");
    for key in keys {
        let left: i64 = query(&server.url, &format!("PTTL {key}")).await;
        assert!(key.starts_with("langflix:") && left > 0, "{key} is kept for {left} ms");
    }
}
