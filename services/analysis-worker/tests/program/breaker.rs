//! A worker that asks another model than the run is for, among others.

use std::time::Duration;

use langflix_domain::{ChunkAnalysis, Stage};
use langflix_pipeline::outcomes;

use crate::{PROGRAM, drain::asked, program::Town};

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
