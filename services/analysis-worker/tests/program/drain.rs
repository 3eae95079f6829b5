use std::time::Duration;

use langflix_domain::{ChunkAnalysis, RunId, Stage};
use langflix_pipeline::{RunRequest, outcomes, plan_analysis};
use langflix_testkit::proxy::Link;

use crate::{
    PROGRAM,
    episode::episode,
    program::{Program, Town, until},
};

const AT_ONCE: usize = 4;

/// An episode that nothing is to be cut of, and has more chunks than a worker takes.
pub(crate) fn asked(town: &Town) -> RunRequest {
    let model = town.servers().model(&town.config()).unwrap();
    let mut asked = episode(1);
    asked.settings.encode = None;
    (asked.settings.model_name, asked.settings.model) = (model.name().to_owned(), model.fingerprint().clone());
    asked
}

/// A worker that has taken all that it can of a run, and waits for the store; the other chunks wait for a worker.
async fn at_work(town: &Town, drain: Duration) -> (Program, RunId) {
    town.declare().await;
    tokio::spawn(langflix_dispatcher::dispatch(town.service("dispatcher"), town.servers().ports()));
    let worker = town.start(PROGRAM, drain, &[("LANGFLIX__LLM__MAX_CONCURRENT_REQUESTS", "4")]);
    worker.readiness_is(200).await;
    town.store_is(Link::Silent);
    let run = town.submit(&asked(town)).await;
    worker.works_on(AT_ONCE).await;
    let queue = town.servers().queue;
    until("chunks are left", async || queue.counts().await.unwrap()["analysis.bulk.v1"].ready > 0).await;
    (worker, run)
}

/// Has another worker do the rest, and holds that nothing is missing.
async fn another_finishes(town: &Town, run: &RunId) {
    let _other = town.start(PROGRAM, Duration::from_secs(20), &[]);
    let chunks = plan_analysis(town.servers().store.as_ref(), &asked(town)).await.unwrap().tasks.len();
    town.completes(run).await;
    let store = town.servers().store;
    let analysed = outcomes::<ChunkAnalysis>(store.as_ref(), run, Stage::Analysis).await.unwrap();
    assert_eq!(analysed.values().filter(|outcome| outcome.result().is_some()).count(), chunks);
    town.is_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_worker_that_is_told_to_end_finishes_its_chunks_and_takes_no_others() {
    let town = Town::new().await;
    let (mut worker, run) = at_work(&town, Duration::from_secs(20)).await;
    let told = worker.is_told_to_end().await;
    assert_eq!(worker.running().await, AT_ONCE);
    town.store_is(Link::Whole);
    worker.ends(told).await;
    assert_eq!(town.outcomes().await, AT_ONCE, "what was begun is done, and no more");
    another_finishes(&town, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_worker_that_may_not_wait_hands_its_chunks_back() {
    let town = Town::new().await;
    let (mut worker, run) = at_work(&town, Duration::from_secs(1)).await;
    let told = worker.is_told_to_end().await;
    worker.ends(told).await;
    town.store_is(Link::Whole);
    assert_eq!(town.outcomes().await, 0);
    another_finishes(&town, &run).await;
}
