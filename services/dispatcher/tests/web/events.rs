//! What is told as it happens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use langflix_domain::Lane;
use langflix_pipeline::retry_failed;
use langflix_ports::store::ArtifactStore as _;
use langflix_testkit::proxy::{Act, Http};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    episode::model,
    program::{Town, until},
    site::{Site, dry, ended, store_manifest},
};

/// Longer than the machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who listens.
struct Listener {
    response: Response,
    read: String,
}

impl Listener {
    async fn to(site: &Site) -> Self {
        let response = site.request(Method::GET, "/api/v1/events").timeout(PATIENCE * 5).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next event; nothing at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let Some(name) = field("event: ") {
                    return Some((name, serde_json::from_str(&field("data: ").unwrap()).unwrap()));
                }
                continue;
            }
            let piece = timeout(PATIENCE, self.response.chunk()).await.unwrap().unwrap()?;
            self.read += std::str::from_utf8(&piece).unwrap();
        }
    }

    /// Reads on until a run is told to be so.
    async fn until(&mut self, run: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (name, told) = self.next().await.unwrap_or_else(|| panic!("the stream ends before {what}"));
            let runs = told["runs"].as_array().filter(|_| name == "runs").cloned().unwrap_or_default();
            if let Some(run) = runs.into_iter().find(|other| other["run"] == run && holds(other)) {
                return run;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_from_its_submission_to_its_end_and_when_it_is_taken_up_again() {
    let town = Town::new().await;
    let (old, _) = ended(&town, 1, b"content").await;
    let site = Site::open(&town).await;
    let mut listener = Listener::to(&site).await;
    listener.until(old.as_str(), "what has ended is told at first", |run| run["status"] == "complete").await;
    let asked = dry(2);
    let run = town.submit(&asked).await;
    listener.until(run.as_str(), "it is planned", |run| run["analysis"]["tasks"].is_number()).await;
    let analysing =
        langflix_analysis_worker::analyse(town.service("analysis-worker"), town.servers().ports(), Arc::new(model()));
    tokio::spawn(analysing);
    let end = listener.until(run.as_str(), "it ends", |run| run["phase"] == "ended").await;
    assert_eq!(
        (&end["status"], end["analysis"]["done"].as_u64()),
        (&Value::from("complete"), end["analysis"]["tasks"].as_u64())
    );

    // As if a chunk had failed: the outcome says so, and the run is taken up again.
    let store = town.servers().store;
    let outcomes = store.list(&format!("runs/{run}/analysis/outcomes/")).await.unwrap();
    let (key, task) = (&outcomes[0], outcomes[0].rsplit_once('/').unwrap().1.trim_end_matches(".json"));
    store.delete(key).await.unwrap();
    let failed =
        format!("{{\"task\":\"{task}\",\"outcome\":{{\"failed\":{{\"kind\":\"malformed\",\"message\":\"no\"}}}}}}");
    store.put_if_absent(key, failed.as_bytes()).await.unwrap();
    assert_eq!(retry_failed(store.as_ref(), &asked, Lane::Bulk).await.unwrap(), 1);
    listener.until(run.as_str(), "it is open again", |run| run["status"].is_null()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_nobody_looked_is_seen_by_who_looks_next() {
    let town = Town::new().await;
    let site = Site::open(&town).await;
    assert_eq!(site.shows("/api/v1/runs").await["runs"], Value::Array(Vec::new()));
    until("nobody looks any more", async || {
        // Sixteen seconds without a question.
        tokio::time::sleep(Duration::from_secs(20)).await;
        true
    })
    .await;
    let (run, _) = ended(&town, 1, b"content").await;
    assert_eq!(site.shows("/api/v1/runs").await["runs"][0]["run"], run.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_listen_than_may_and_all_are_told_when_the_dispatcher_ends() {
    let town = Town::new().await;
    let mut site = Site::open(&town).await;
    let mut listeners = Vec::new();
    for _ in 0..64 {
        listeners.push(Listener::to(&site).await);
    }
    site.get("/api/v1/events").await.problem(503);
    drop(listeners.pop());
    until("there is room for one more", async || {
        let response = site.request(Method::GET, "/api/v1/events").send().await.unwrap();
        if response.status() == 200 {
            listeners.push(Listener { response, read: String::new() });
        }
        listeners.len() == 64
    })
    .await;
    let told = site.program.is_told_to_rest();
    for listener in &mut listeners {
        let mut names = BTreeMap::<String, usize>::new();
        while let Some((name, _)) = listener.next().await {
            *names.entry(name).or_default() += 1;
        }
        assert_eq!(names["gone"], 1, "{names:?}");
    }
    site.program.ends(told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_away_are_told_and_nothing_is_taken_for_empty() {
    let town = Town::new().await;
    ended(&town, 1, b"content").await;
    let site = Site::open(&town).await;
    assert_eq!(site.shows("/api/v1/runs").await["runs"].as_array().unwrap().len(), 1);
    town.servers_are(langflix_testkit::proxy::Link::Refused);
    until("the runs cannot be seen", async || site.get("/api/v1/runs").await.status == 503).await;
    until("neither can the queues", async || {
        let overview = site.shows("/api/v1/overview").await;
        overview["queues_error"].is_string() && overview["runs_error"].is_string()
    })
    .await;
    let overview = site.shows("/api/v1/overview").await;
    assert_eq!(overview["runs"]["complete"], 1, "those that were seen are still shown: {overview}");
    let refused = site.get("/api/v1/runs").await.body;
    for told in [&overview["runs_error"], &overview["queues_error"], &refused["detail"]] {
        assert!(!told.to_string().contains("127.0.0.1"), "where a server is: {told}");
    }
    assert!(site.program.said().contains("fails the page"), "{}", site.program.said());
    town.servers_are(langflix_testkit::proxy::Link::Whole);
    until("they are seen again", async || site.get("/api/v1/runs").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_failed_is_followed_by_one_for_what_it_did_not_see() {
    let town = Town::new().await;
    let mut runs = Vec::new();
    for number in 1..=3 {
        runs.push(ended(&town, number, b"content").await.0);
    }
    let s3 = Http::before(&town.s3.endpoint);
    // More often than it is asked before a look has failed, more than once.
    s3.next(12, "GET", &format!("{}/manifest.json", runs[1]), Act::Answer(503, "SlowDown"));
    let site = Site::set(&town, &[("LANGFLIX__S3__ENDPOINT", &s3.url)]).await;
    let mut failed = 0;
    until("they are seen", async || {
        let answer = site.get("/api/v1/runs").await;
        match answer.status.as_u16() {
            200 => assert_eq!(answer.body["runs"].as_array().unwrap().len(), 3, "{}", answer.body),
            status => assert_eq!(status, 503, "{}", answer.body),
        }
        failed += u32::from(answer.status != 200);
        answer.status == 200
    })
    .await;
    assert!(failed > 0 && s3.left() == 0, "{failed} answers, {} left", s3.left());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_read_is_told_among_the_others() {
    let town = Town::new().await;
    ended(&town, 1, b"content").await;
    let (broken, manifest) = ended(&town, 2, b"content").await;
    let (store, key) = (town.servers().store, format!("runs/{broken}/manifest.json"));
    store.delete(&key).await.unwrap();
    store.put_if_absent(&key, b"{").await.unwrap();
    let site = Site::open(&town).await;
    let runs = site.shows("/api/v1/runs").await;
    assert_eq!((&runs["runs"][0]["status"], &runs["runs"][0]["unreadable"]), (&json!("complete"), &Value::Null));
    let run = &runs["runs"][1];
    assert_eq!((&run["run"], &run["phase"], &run["status"]), (&json!(broken), &json!("unreadable"), &Value::Null));
    assert!(run["unreadable"].as_str().unwrap().contains("manifest.json"), "{run}");
    assert_eq!(site.shows("/api/v1/runs?status=unreadable").await["runs"].as_array().unwrap().len(), 1);
    assert_eq!(site.shows("/api/v1/runs?status=open").await["runs"], json!([]));
    let overview = site.shows("/api/v1/overview").await;
    assert_eq!((&overview["runs"]["unreadable"], &overview["runs"]["complete"]), (&json!(1), &json!(1)), "{overview}");
    store.delete(&key).await.unwrap();
    store_manifest(&town, &manifest).await;
    assert_eq!(site.shows(&format!("/api/v1/runs/{broken}")).await["status"], "complete");
    assert_eq!(site.shows("/api/v1/overview").await["runs"]["unreadable"], 0);
}
