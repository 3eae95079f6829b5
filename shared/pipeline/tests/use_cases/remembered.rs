//! What dispatchers remember of runs, and what they read anew.

use langflix_domain::{Lane, RunId, Stage};
use langflix_pipeline::{
    Error, RunRequest, Try,
    fleet::{Dispatcher, Order, Requests},
};
use langflix_ports::queue::Name;

use crate::{
    episode::{Room, cue, episode},
    fakes::{Encoder, Failing, Model},
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
async fn a_run_costs_its_dispatcher_few_requests() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet { in_flight: 3, ..Fleet::new(&room) };
    fleet.submit(&asked, Lane::Bulk).await;
    let counting = Failing::after(&room.store, usize::MAX, false);
    let dispatcher = Dispatcher { store: &counting, ..fleet.dispatcher() };
    let mut asks = Vec::new();
    while let Some((_, message)) = fleet.queue.take() {
        let before = counting.operations();
        match Order::read(&message.body).unwrap() {
            Order::PlanEpisode { run } => dispatcher.plan_episode(&run).await.unwrap(),
            Order::Advance { run, stage, from } => dispatcher.advance(&run, stage, from).await.unwrap(),
            Order::StageDone { run, stage } => dispatcher.stage_done(&run, stage).await.unwrap(),
            order => {
                fleet.handle(&order, Try::ONLY, &Model::good(), &Encoder::good()).await.unwrap();
                continue;
            }
        }
        asks.push(counting.operations() - before);
    }
    assert!(fleet.manifest(&asked).await.is_some() && !fleet.is_open().await);
    let planned = 5; // what was asked for, what there is, the mark of an open run, the plan, the lane
    let more_chunks = 1; // what is done
    // The outcomes and their list, a cancellation, the mark of an open run, a manifest, the plan, what is done.
    let selected = 10;
    let more_clips = 2; // the plan, what is done
    let finished = 9; // the plan, the outcomes and their list, a manifest and this one, the mark
    assert_eq!(asks, [planned, more_chunks, selected, more_clips, finished]);
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
