use std::{sync::Arc, time::Duration};

use langflix_domain::RunId;
use langflix_pipeline::RunRequest;
use langflix_testkit::proxy::Link;

use crate::{
    PROGRAM,
    episode::{episode, model, text, undisturbed},
    program::Town,
};

/// More than a dispatcher works on at once.
const EPISODES: u16 = 12;
const AT_ONCE: usize = 8;

/// Episodes that nothing is to be cut of.
fn asked() -> Vec<RunRequest> {
    let asked = |number| {
        let mut asked = episode(number);
        asked.settings.encode = None;
        asked
    };
    (1..=EPISODES).map(asked).collect()
}

async fn submitted(town: &Town, asked: &[RunRequest]) -> Vec<RunId> {
    town.declare().await;
    let mut runs = Vec::new();
    for asked in asked {
        runs.push(town.submit(asked).await);
    }
    runs
}

/// Has all be done by another dispatcher and an analysis worker, and holds that it came out as if nothing had happened.
async fn others_finish(town: &Town, asked: &[RunRequest], runs: &[RunId]) {
    let analysing =
        langflix_analysis_worker::analyse(town.service("analysis-worker"), town.servers().ports(), Arc::new(model()));
    tokio::spawn(analysing);
    let _other = town.start(PROGRAM, Duration::from_secs(20), &[]);
    for (asked, run) in asked.iter().zip(runs) {
        assert_eq!(text(&town.completes(run).await), text(&undisturbed(asked).await));
    }
    town.is_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_is_told_to_end_finishes_its_steps_and_takes_no_others() {
    let (town, asked) = (Town::new().await, asked());
    let mut dispatcher = town.start(PROGRAM, Duration::from_secs(20), &[]);
    dispatcher.readiness_is(200).await;
    // Each step waits for the store meanwhile.
    town.store_is(Link::Silent);
    let runs = submitted(&town, &asked).await;
    dispatcher.works_on(AT_ONCE).await;
    let told = dispatcher.is_told_to_end().await;
    assert_eq!(dispatcher.running().await, AT_ONCE);
    town.store_is(Link::Whole);
    dispatcher.ends(told).await;
    let planned = town.planned().await;
    assert_eq!(planned, AT_ONCE, "what was begun is done, and no more");
    others_finish(&town, &asked, &runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_may_not_wait_hands_its_steps_back() {
    let (town, asked) = (Town::new().await, asked());
    let mut dispatcher = town.start(PROGRAM, Duration::from_secs(1), &[]);
    dispatcher.readiness_is(200).await;
    town.store_is(Link::Silent);
    let runs = submitted(&town, &asked).await;
    dispatcher.works_on(AT_ONCE).await;
    let told = dispatcher.is_told_to_end().await;
    dispatcher.ends(told).await;
    town.store_is(Link::Whole);
    assert_eq!(town.planned().await, 0);
    others_finish(&town, &asked, &runs).await;
}
