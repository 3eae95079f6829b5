//! A worker that sleeps until others have its lease, one that reaches no provider, and a store that never answers.

use std::{
    net::TcpListener,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use langflix_testkit::proxy::Proxy;
use tempfile::tempdir;

use crate::{
    season::{comparable, is_done, made_here},
    servers::Fleet,
    services::{Service, environment, until},
    support::{episode, manifest_of},
    teacher::Teacher,
};

/// An analysis worker that asks a model of these `arguments` about one chunk at a time, with one more setting.
fn worker(fleet: &Fleet, arguments: &[String], (name, value): (&str, &str), dir: &Path) -> Service {
    std::fs::create_dir(dir).unwrap();
    Service::start_with(fleet, "analysis-worker", dir, |mut command: Command| {
        command.envs(environment(arguments)).env("LANGFLIX__LLM__MAX_CONCURRENT_REQUESTS", "1").env(name, value);
        command
    })
}

/// How `video` is ingested for a model of these `arguments`.
fn asks<'a>(video: &'a Path, arguments: &'a [String]) -> Vec<&'a str> {
    let args = ["ingest", video.to_str().unwrap(), "--language", "ko", "--max-expressions", "2"];
    args.into_iter().chain(arguments.iter().map(String::as_str)).collect()
}

/// A flight is a lease of ten seconds in Redis, renewed by whoever is under way.
#[test]
fn a_worker_that_sleeps_past_its_lease_and_wakes_changes_nothing() {
    let teacher = Teacher::slow_on("", Duration::from_secs(8));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
        let (amqp, broker) = (fleet.rabbit.url.replacen("guest:guest@", "", 1), "LANGFLIX__RABBITMQ__URL");
        let _others = ["dispatcher", "encoding-worker"].map(|name| Service::start(&fleet, name, dir.path()));
        let proxy = Proxy::before(&amqp);
        let (video, arguments) = (episode(), teacher.arguments());
        let sleeper = worker(&fleet, &arguments, (broker, &proxy.url), &dir.path().join("sleeper"));
        let mut args = asks(&video, &arguments);
        fleet.done(&args);

        until(async || teacher.requests() > 0, || "nobody asks".to_owned()).await;
        sleeper.pause();
        teacher.hurry();
        let outcomes = fleet.keys("runs/").await.into_iter().filter(|key| key.contains("/outcomes/"));
        assert_eq!((outcomes.count(), teacher.requests()), (0, 1), "it sleeps on its first question");
        // The broker gives its message to another as soon as it misses it.
        proxy.reset();
        let other = worker(&fleet, &arguments, (broker, &amqp), &dir.path().join("other"));
        args.push("--wait");
        fleet.done(&args);
        assert_eq!(is_done(&fleet).await.len(), 2);
        let mut asked: Vec<usize> = teacher.asked().into_values().collect();
        asked.sort_unstable();
        let (twice, others) = asked.split_last().unwrap();
        assert_eq!((*twice, others), (2, vec![1; others.len()].as_slice()), "only what it slept on is asked again");

        sleeper.resume();
        sleeper.ends().await;
        other.ends().await;
        assert_eq!(is_done(&fleet).await.len(), 2);
        let (there, here) = (dir.path().join("there"), dir.path().join("here"));
        fleet.done(&["fetch", "the-long-way-home-s01e01", "--out", there.to_str().unwrap()]);
        let more: Vec<&str> =
            ["--max-expressions", "2"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let here = made_here(&fleet, &video, &more, &here);
        let manifest = |show: &Path| comparable(manifest_of(&show.join("S01E01")));
        assert_eq!(manifest(&there.join("The Long Way Home")), manifest(&here));
    });
}

/// The provider answers, but nothing of this worker's comes through to it.
#[test]
fn a_worker_that_reaches_no_provider_leaves_the_chunks_to_others_and_says_so() {
    let teacher = Teacher::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
        let _others = ["dispatcher", "encoding-worker"].map(|name| Service::start(&fleet, name, dir.path()));
        // What is not on this machine is asked through the proxy of the environment.
        let (uri, far) = (teacher.uri(), "http://teacher.test");
        let arguments: Vec<String> = teacher.arguments().iter().map(|argument| argument.replace(&uri, far)).collect();
        let lost = worker(&fleet, &arguments, ("http_proxy", "http://127.0.0.1:9"), &dir.path().join("lost"));
        let video = episode();
        let mut args = asks(&video, &arguments);
        fleet.done(&args);
        lost.says("waits: 5 tasks failed in a row, the last one: ").await;
        assert_eq!(teacher.requests(), 0);
        lost.ends().await;

        let other = worker(&fleet, &arguments, ("http_proxy", &uri), &dir.path().join("other"));
        args.push("--wait");
        fleet.done(&args);
        assert_eq!(is_done(&fleet).await.len(), 2);
        assert!(teacher.asked().into_values().all(|times| times == 1));
        other.ends().await;
    });
}

/// Long before its requests are given up: an operator would look for the fault in the meantime.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_never_answers_is_told_of_within_seconds() {
    let (fleet, dir) = (Fleet::bare().await, tempdir().unwrap());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("http://{}", silent.local_addr().unwrap());
    let before = |mut command: Command| {
        command.env("LANGFLIX__S3__ENDPOINT", &there);
        command
    };
    let began = Instant::now();
    let service = Service::start_with(&fleet, "dispatcher", dir.path(), before);
    let status = Service::start_with(&fleet, "status", dir.path(), |_| before(fleet.langflix(&["status"])));
    service.says("waits: no answer for 5s").await;
    status.says("WARN no answer from S3 for 5s: still waiting").await;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
