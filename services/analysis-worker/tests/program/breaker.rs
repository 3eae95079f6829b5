//! A worker that asks another model than the run is for, among others.

use std::time::Duration;

use langflix_domain::{ChunkAnalysis, Digest, LearnerLevel, Stage};
use langflix_fleet::{Cancelled, cancel};
use langflix_pipeline::outcomes;

use crate::{
    PROGRAM,
    drain::asked,
    program::{Town, until},
};

const DRAIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_asks_another_model_leaves_all_chunks_to_others_and_says_so() {
    let town = Town::new().await;
    town.declare().await;
    tokio::spawn(langflix_dispatcher::dispatch(town.service("dispatcher"), town.servers().ports()));
    let settings = [
        ("LANGFLIX__LLM__PROVIDER", "openai"),
        ("LANGFLIX__LLM__BASE_URL", "http://127.0.0.1:9/v1"),
        ("OPENAI_API_KEY", "of-nobody"),
        ("LANGFLIX__FLEET__MAX_ATTEMPTS", "1"),
    ];
    let mut other = town.start(PROGRAM, DRAIN, &settings);
    let run = town.submit(&asked(&town)).await;
    other.is_closed("chunks", "breaker", "the run is for offline/lexicon and this worker asks openai/").await;
    assert_eq!(town.outcomes().await, 0, "no try is counted");

    let mut fitting = town.start(PROGRAM, DRAIN, &[("LANGFLIX__FLEET__MAX_ATTEMPTS", "1")]);
    town.completes(&run).await;
    let store = town.servers().store;
    let analysed = outcomes::<ChunkAnalysis>(store.as_ref(), &run, Stage::Analysis).await.unwrap();
    assert!(analysed.len() > 5 && analysed.values().all(|outcome| outcome.result().is_some()), "{}", analysed.len());
    town.is_empty().await;
    for worker in [&mut other, &mut fitting] {
        let told = worker.is_told_to_rest();
        worker.ends(told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_for_another_model_keep_a_worker_from_none_that_are_for_its_own() {
    let town = Town::new().await;
    town.declare().await;
    tokio::spawn(langflix_dispatcher::dispatch(town.service("dispatcher"), town.servers().ports()));
    let mut worker = town.start(PROGRAM, DRAIN, &[]);
    let first = town.submit(&asked(&town)).await;
    town.completes(&first).await;

    let mut foreign = asked(&town);
    (foreign.settings.model_name, foreign.settings.model) = ("openai/foo".to_owned(), Digest::of_bytes(b"foo"));
    let foreign = town.submit(&foreign).await;
    until("all its chunks were seen", async || worker.said().matches("the run is for openai/foo").count() > 5).await;
    let mut other = asked(&town);
    other.settings.level = LearnerLevel::Advanced;
    let other = town.submit(&other).await;
    town.completes(&other).await;
    worker.readiness_is(200).await;
    assert!(!worker.said().contains("failed in a row"), "{}", worker.said());

    let servers = town.servers();
    let cancelled = cancel(servers.store.as_ref(), servers.queue.as_ref(), &foreign).await.unwrap();
    assert_eq!(cancelled, Cancelled::Underway);
    town.is_empty().await;
    let told = worker.is_told_to_rest();
    worker.ends(told).await;
}
