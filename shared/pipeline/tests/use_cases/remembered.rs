//! What dispatchers remember of runs, and what they read anew.

use langflix_domain::{Lane, RunId, Stage};
use langflix_pipeline::{
    Error, RunRequest, Try,
    fleet::{Dispatcher, Order, Requests},
};
use langflix_ports::queue::Name;

use crate::{
    episode::{Room, cue, episode},
    fakes::{Encoder, Model},
    queues::{Fleet, Messages},
};

/// Works until the end of the analysis is told, and takes what was asked for and its plan out of the store.
async fn analysed(fleet: &Fleet<'_>, run: &RunId) {
    fleet.dispatcher().plan_episode(run).await.unwrap();
    let chunk = |queue: &Messages| queue.waiting.lock().unwrap().get_mut(&Name::AnalysisBulk)?.pop_front();
    while let Some(message) = chunk(&fleet.queue) {
        let order = Order::read(&message.body).unwrap();
        fleet.handle(&order, Try::ONLY, &Model::good(), &Encoder::good()).await.unwrap();
    }
    for key in ["request.json", "analysis/plan.json"] {
        fleet.store.delete(&format!("runs/{run}/{key}")).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_planned_a_run_goes_on_without_reading_what_never_changes() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Bulk).await;
    analysed(&fleet, &run).await;
    let other = Requests::default();
    let other = Dispatcher { requests: &other, ..fleet.dispatcher() };
    assert!(matches!(other.stage_done(&run, Stage::Analysis).await, Err(Error::NoRun { .. })));
    fleet.dispatcher().stage_done(&run, Stage::Analysis).await.unwrap();
    assert_eq!(fleet.queue.waiting.lock().unwrap()[&Name::EncodingBulk].len(), 4);
    assert!(matches!(fleet.dispatcher().plan_episode(&run).await, Err(Error::NoRun { .. })), "planning reads anew");
}

#[tokio::test]
async fn runs_with_very_many_cues_are_not_kept_beside_others() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Bulk).await;
    analysed(&fleet, &run).await;
    let mut long = RunRequest { source_identity: "long".to_owned(), ..asked };
    long.transcript.cues = (0..40_000).map(|n| cue(n * 4000, "Nobody came.")).collect();
    long.settings.chunk_size = 1_000_000;
    long.settings.max_input_length = 1_000_000;
    fleet.submit(&long, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&long.run().unwrap()).await.unwrap();
    assert!(matches!(fleet.dispatcher().stage_done(&run, Stage::Analysis).await, Err(Error::NoRun { .. })));
}
