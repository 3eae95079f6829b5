//! What the servers say.

use std::collections::BTreeMap;

use langflix_ports::queue::{Name, Place, Shelf};
use langflix_rabbitmq::{Count, RabbitQueue, Server};
use langflix_redis::Redis;
use langflix_runtime::config;
use langflix_s3::S3Store;

use super::Finding;
use crate::counted;

/// Seconds between two clocks that are worth a word, and that S3 and presigned URLs do not bear for long.
const SKEW: u64 = 5;
const TOO_MUCH: u64 = 300;

fn not_checked(check: &'static str) -> Vec<Finding> {
    vec![Finding::fail(check, "not checked, since its configuration is wrong")]
}

/// Who takes messages of each queue.
const TAKERS: [(&str, &[Name], &str); 3] = [
    ("dispatcher", &[Name::Episodes, Name::Stages], "no run is planned or finished"),
    ("analysis", &[Name::AnalysisInteractive, Name::AnalysisBulk], "no chunk is analysed"),
    ("encoding", &[Name::EncodingInteractive, Name::EncodingBulk], "no clip is encoded"),
];

pub(super) async fn rabbitmq(section: Option<&config::RabbitMq>) -> Vec<Finding> {
    const CHECK: &str = "rabbitmq";
    let Some(section) = section else { return not_checked(CHECK) };
    let queue = match RabbitQueue::new(langflix_fleet::rabbitmq(section, "doctor")) {
        Ok(queue) => queue,
        Err(error) => return vec![Finding::fail(CHECK, error.to_string())],
    };
    let server = match queue.ping().await {
        Ok(server) => server,
        Err(error) => return vec![Finding::fail(CHECK, error.to_string())],
    };
    let mut findings = vec![reached(CHECK, &server)];
    let looked = match queue.check_topology().await {
        Ok(()) => queue.check_rights().await,
        missing => missing,
    };
    findings.push(match looked {
        Ok(()) => Finding::ok("queues", "all are there, and messages may be published and taken"),
        Err(error) => Finding::fail("queues", error.to_string()),
    });
    if let Ok(counts) = queue.counts().await {
        findings.extend(takers(&counts));
        findings.extend(shelved(&counts));
    }
    findings
}

fn reached(check: &'static str, server: &Server) -> Finding {
    let Server { address, vhost, encrypted, product } = server;
    let way = if *encrypted { "encrypted" } else { "not encrypted" };
    Finding::ok(check, format!("{product} at {address}, virtual host {vhost}, {way}"))
}

fn takers(counts: &BTreeMap<String, Count>) -> Vec<Finding> {
    let consumers = |name: &Name| counts.get(name.as_str()).map_or(0, |count| count.consumers);
    let of = |(who, queues, otherwise): &(&'static str, &[Name], &str)| match queues.iter().map(consumers).max() {
        // A worker whose slots are full takes from one lane alone.
        Some(takers @ 1..) => Finding::ok(who, counted(takers as usize, "consumer")),
        _ => Finding::warn(who, format!("nobody takes its messages: {otherwise} until one is started")),
    };
    TAKERS.iter().map(of).collect()
}

fn shelved(counts: &BTreeMap<String, Count>) -> Option<Finding> {
    let shelves = Name::ALL.into_iter().flat_map(|name| Shelf::ALL.map(|shelf| Place::Shelf(name, shelf).to_string()));
    let messages: u32 = shelves.filter_map(|shelf| Some(counts.get(&shelf)?.ready)).sum();
    let says = || format!("{} set aside: `langflix dead list` says why", counted(messages as usize, "message"));
    (messages > 0).then(|| Finding::warn("dead", says()))
}

pub(super) async fn redis(section: Option<&config::Redis>) -> Vec<Finding> {
    const CHECK: &str = "redis";
    let Some(section) = section else { return not_checked(CHECK) };
    let redis = match Redis::new(langflix_fleet::redis(section)) {
        Ok(redis) => redis,
        Err(error) => return vec![Finding::fail(CHECK, error.to_string())],
    };
    let server = match redis.check().await {
        Ok(server) => server,
        Err(error) => return vec![Finding::fail(CHECK, error.to_string())],
    };
    let mut findings = vec![if server.writable {
        Finding::ok(
            CHECK,
            format!("version {}, answers in {:.1} ms", server.version, server.latency.as_secs_f64() * 1e3),
        )
    } else {
        Finding::fail(CHECK, format!("version {}: it takes no writes: give the master's address", server.version))
    }];
    if server.eviction == "noeviction" {
        let says =
            "maxmemory-policy is noeviction: once its memory is full, answers are kept no more: set volatile-lru";
        findings.push(Finding::warn("eviction", says));
    }
    findings.push(clock("redis clock", server.clock_ahead_ms.unsigned_abs() / 1000));
    findings
}

pub(super) async fn s3(section: Option<&config::S3>) -> Vec<Finding> {
    const CHECK: &str = "s3";
    let Some(section) = section else { return not_checked(CHECK) };
    let store = match S3Store::new(langflix_fleet::s3(section)) {
        Ok(store) => store,
        Err(error) => return vec![Finding::fail(CHECK, error.to_string())],
    };
    let bucket = &section.bucket;
    match store.check().await {
        Ok(check) => {
            let server = check.server.map(|server| format!(" at {server}")).unwrap_or_default();
            let says = format!("bucket {bucket}{server}: lists, reads, deletes, and writes a key once only");
            let mut findings = vec![Finding::ok(CHECK, says)];
            findings.extend(check.clock_ahead_seconds.map(|ahead| clock("s3 clock", ahead.unsigned_abs())));
            findings
        }
        Err(error) => vec![Finding::fail(CHECK, error.to_string())],
    }
}

fn clock(check: &'static str, seconds: u64) -> Finding {
    let says = format!("{seconds} s from this machine's");
    match seconds {
        ..SKEW => Finding::ok(check, says),
        SKEW..TOO_MUCH => Finding::warn(check, format!("{says}: set one of them right")),
        _ => Finding::fail(check, format!("{says}: set one of them right")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::doctor::Verdict;

    #[test]
    fn a_clock_may_be_a_little_wrong() {
        let verdicts = [4, 5, 299, 300].map(|seconds| clock("s3 clock", seconds).verdict);
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Warn, Verdict::Warn, Verdict::Fail]);
    }

    #[test]
    fn services_that_are_missing_and_messages_that_were_set_aside_are_told() {
        let count = |ready, consumers| Count { ready, consumers };
        let counts = [
            ("episodes.v1", count(0, 2)),
            ("stages.v1", count(0, 2)),
            ("encoding.bulk.v1", count(7, 1)),
            ("stages.v1.parked", count(3, 0)),
            ("encoding.bulk.v1.dead", count(1, 0)),
        ];
        let counts = counts.map(|(name, count)| (name.to_owned(), count)).into();
        let found = takers(&counts).into_iter().map(|finding| (finding.check, finding.verdict)).collect::<Vec<_>>();
        assert_eq!(found, [("dispatcher", Verdict::Ok), ("analysis", Verdict::Warn), ("encoding", Verdict::Ok)]);
        assert!(shelved(&counts).unwrap().says.starts_with("4 messages set aside"));
        assert_eq!(shelved(&BTreeMap::new()), None);
    }
}
