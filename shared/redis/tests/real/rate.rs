use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use langflix_llm::{Limited, ShareWhileAway};
use langflix_ports::{
    llm::LanguageModel as _,
    rate::{Limits, Outcome, Permit, RateLimiter, Refusal},
};
use langflix_redis::RedisRateLimiter;
use langflix_testkit::servers::{self, private};
use tokio::{task::JoinSet, time::Instant};

use crate::support::{Provider, Workers, client, number, query, request};

fn limits(requests: u32, tokens: u32, period: Duration) -> Limits {
    let [requests, tokens] = [requests, tokens].map(std::num::NonZeroU32::new);
    Limits { requests, tokens, period }
}

/// A limiter of its own client, as another worker has.
fn limiter(url: &str, limits: Limits) -> RedisRateLimiter {
    RedisRateLimiter::new(client(url), "stub/one", limits)
}

async fn admit(limiter: &RedisRateLimiter, tokens: u32) -> Box<dyn Permit> {
    limiter.admit(tokens).await.unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// How long so many requests of so many tokens each have to wait in all.
async fn taking(limiter: &RedisRateLimiter, requests: u32, tokens: u32) -> Duration {
    let began = Instant::now();
    for _ in 0..requests {
        admit(limiter, tokens).await;
    }
    began.elapsed()
}

/// Has workers ask for as long as `lasting`, each with so many requests at once, and gives how often each was answered.
async fn work(url: &str, provider: &Arc<Provider>, limits: Limits, lasting: Duration) -> Vec<u32> {
    let mut asking = JoinSet::new();
    let answered: Arc<[AtomicU32; 4]> = Arc::default();
    for worker in 0..answered.len() {
        let limiter = ShareWhileAway::new(Arc::new(limiter(url, limits)), limits, Arc::new(Workers(4)));
        let limited = Arc::new(Limited::new(provider.clone(), number(40), Arc::new(limiter)));
        for _ in 0..40 {
            let (limited, answered) = (limited.clone(), answered.clone());
            asking.spawn(async move {
                loop {
                    if limited.ask(&request("Hi."), &[]).await.is_ok() {
                        answered[worker].fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    }
    tokio::time::sleep(lasting).await;
    asking.shutdown().await;
    answered.iter().map(|answered| answered.load(Ordering::SeqCst)).collect()
}

/// 600 requests a minute, of a minute that takes fifteen seconds. In a quicker one there is no time for what a busy machine
/// holds up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_use_a_shared_limit_almost_whole_and_hardly_ever_exceed_it() {
    let server = private::redis().await;
    let period = Duration::from_secs(15);
    let provider = Arc::new(Provider::new(600, period, Duration::from_millis(500)));
    let shares = work(&server.url, &provider, limits(600, 0, period), 2 * period).await;
    let (answered, turned_away) = provider.counts();
    let used = answered as f64 / (2 * 600) as f64;
    eprintln!("{:.1} % used, {turned_away} of {} turned away, {shares:?}", used * 100.0, answered + turned_away);
    assert!(used >= 0.95, "{:.1} % of the limit used", used * 100.0);
    assert!(turned_away * 100 < answered + turned_away, "{turned_away} turned away, {answered} answered");
    let fair = answered as u32 / 4;
    assert!(shares.iter().all(|share| (fair / 2..=fair * 2).contains(share)), "{shares:?}");
    let stats: String = query(&server.url, "INFO commandstats").await;
    let scripts = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next());
    let scripts: usize = scripts.unwrap().parse().unwrap();
    assert!(scripts < answered + answered / 4 + 50, "{scripts} questions for {answered} answers");
}

#[tokio::test]
async fn requests_and_tokens_are_taken_both_or_neither() {
    let server = servers::redis().await;
    let limits = limits(600, 300, Duration::from_secs(60));
    let one = limiter(&server.url, limits);
    let taken = async || query::<Vec<f64>>(&server.url, "HMGET langflix:rate:{stub/one} requests tokens").await;
    let permit = admit(&one, 1).await;
    let first = taken().await;
    // Fifty tokens more than estimated keep the next one waiting for ten seconds.
    permit.settle(Outcome::Answered(51)).await;
    let owing = taken().await;
    assert!(owing[0] == first[0] && owing[1] > first[1]);
    let waiting = tokio::time::timeout(Duration::from_millis(500), one.admit(1)).await;
    assert!(waiting.is_err(), "there are requests left, and no tokens");
    assert_eq!(taken().await, owing);
}

#[tokio::test]
async fn tokens_are_settled_with_what_the_answer_cost() {
    let server = servers::redis().await;
    // A hundred tokens a second, twelve at once.
    let limits = limits(0, 619, Duration::from_secs(6));
    let one = limiter(&server.url, limits);
    admit(&one, 90).await.settle(Outcome::Answered(2)).await;
    let cheap = taking(&one, 1, 10).await;
    assert!(cheap < Duration::from_millis(300), "most of the estimate comes back: {cheap:?}");
    admit(&one, 2).await.settle(Outcome::Answered(92)).await;
    let dear = taking(&limiter(&server.url, limits), 1, 10).await;
    assert!(dear > Duration::from_millis(700), "what was used beyond the estimate delays the next: {dear:?}");
}

#[tokio::test]
async fn a_request_dearer_than_what_may_come_at_once_waits_its_cost_out() {
    let server = servers::redis().await;
    let one = limiter(&server.url, limits(0, 619, Duration::from_secs(6)));
    let waited = taking(&one, 1, 112).await;
    assert!((900..2000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn when_the_provider_asks_for_a_short_peace_all_workers_keep_it() {
    let server = servers::redis().await;
    let limits = limits(60_000, 0, Duration::from_secs(60));
    let (one, two) = (limiter(&server.url, limits), limiter(&server.url, limits));
    admit(&one, 1).await.settle(Outcome::TooMany(Some(Duration::from_secs(1)))).await;
    let waited = taking(&two, 1, 1).await;
    assert!((900..2500).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn when_it_asks_for_a_long_one_all_workers_are_told_how_long() {
    let server = servers::redis().await;
    let limits = limits(0, 0, Duration::from_secs(60));
    let (one, two) = (limiter(&server.url, limits), limiter(&server.url, limits));
    admit(&one, 1).await.settle(Outcome::TooMany(Some(Duration::from_secs(200)))).await;
    let Err(Refusal::Later(wait)) = two.admit(1).await else { panic!("it is let through") };
    assert!((190..=200).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test]
async fn too_many_requests_halve_the_rate_once_for_all_that_were_on_their_way_and_answers_raise_it() {
    let server = servers::redis().await;
    let limits = limits(100, 0, Duration::from_secs(1));
    let one = limiter(&server.url, limits);
    let share = async || query::<Option<f64>>(&server.url, "HGET langflix:rate:{stub/one} share").await.unwrap_or(1.0);
    let mut on_their_way = Vec::new();
    for _ in 0..5 {
        on_their_way.push(admit(&one, 1).await);
    }
    for permit in on_their_way {
        permit.settle(Outcome::TooMany(None)).await;
    }
    assert_eq!(share().await, 0.5);
    admit(&one, 1).await.settle(Outcome::TooMany(None)).await;
    assert_eq!(share().await, 0.25);
    let slow = taking(&one, 10, 1).await;
    assert!(slow > Duration::from_millis(250), "a quarter of a hundred a second: {slow:?}");
    for answers in 1..=80 {
        admit(&one, 1).await.settle(Outcome::Answered(0)).await;
        let expected = (0.25 + f64::from(answers) / 100.0).min(1.0);
        assert!((share().await - expected).abs() < 1e-4, "{answers} answers");
    }
    let fast = taking(&one, 40, 1).await;
    assert!(fast < Duration::from_millis(1500), "{fast:?}");
}

#[tokio::test]
async fn models_have_limits_of_their_own() {
    let server = servers::redis().await;
    let limits = limits(1, 0, Duration::from_secs(60));
    admit(&limiter(&server.url, limits), 1).await;
    let other = RedisRateLimiter::new(client(&server.url), "stub/two", limits);
    assert!(taking(&other, 1, 1).await < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_away_each_worker_keeps_to_its_share_and_returns_when_it_is_back() {
    let mut server = private::redis().await;
    let period = Duration::from_secs(2);
    let limits = limits(200, 0, period);
    let provider = Arc::new(Provider::new(200, period, Duration::ZERO));
    server.server.stop().await;
    work(&server.url, &provider, limits, 2 * period).await;
    let (answered, turned_away) = provider.counts();
    assert_eq!(turned_away, 0, "{answered} answered");
    // Nine tenths of the limit in the long run.
    assert!(answered > 2 * 200 * 7 / 10, "{answered} answered");
    server.server.start().await;
    work(&server.url, &provider, limits, period).await;
    let key: i64 = query(&server.url, "EXISTS langflix:rate:{stub/one}").await;
    assert_eq!(key, 1);
}
