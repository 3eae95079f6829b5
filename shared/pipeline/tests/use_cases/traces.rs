//! Spans of what a fleet does for a run, and what points to them.

use std::{sync::Mutex, time::Duration};

use langflix_domain::Lane;
use langflix_pipeline::{
    Try,
    fleet::{Dispatcher, Order, Sweeper, Worker, submit},
    retry_failed, trace_of,
};
use langflix_ports::{llm::ErrorKind, queue::Name};

use crate::{
    episode::{Room, cutter, episode, text},
    fakes::{Encoder, Model},
    queues::{Fleet, undisturbed},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_run_that_is_tried_again_goes_on_in_its_trace() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&run).await.unwrap();
    let refuses = Model::new(|_| Err(ErrorKind::Refused));
    let worker = Worker { trace: Some(TRACE), ..fleet.worker() };
    while let Some((_, message)) = fleet.queue.take() {
        match Order::read(&message.body).unwrap() {
            Order::AnalyseChunk(order) => {
                worker.chunk(&refuses, &fleet.requests, &order, Try::ONLY).await.unwrap();
            }
            Order::StageDone { run, stage } => {
                fleet.dispatcher().stage_done(&run, stage).await.unwrap();
            }
            other => assert!(matches!(other, Order::PlanEpisode { .. }), "{other:?}"),
        }
    }
    assert!(!fleet.is_open().await);
    assert!(retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap() > 0);
    assert_eq!(trace_of(&room.store, &run).await.unwrap().as_deref(), Some(TRACE));
}

#[tokio::test]
async fn what_the_sweeper_publishes_belongs_to_the_span_that_the_run_was_submitted_in() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    submit(&room.store, &fleet.queue, &asked, Lane::Bulk, Some(TRACE)).await.unwrap();
    assert_eq!(fleet.queue.take().unwrap().1.trace.as_deref(), Some(TRACE), "its first message is lost");
    let mut sweeper = Sweeper::new(Duration::ZERO);
    for _ in 0..2 {
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
    }
    let (name, message) = fleet.queue.take().unwrap();
    assert_eq!((name, message.trace.as_deref()), (Name::Episodes, Some(TRACE)));
}

#[tokio::test]
async fn the_step_that_ends_a_stage_is_told_the_spans_of_its_tasks_and_outcomes_without_one_are_read() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Interactive).await;
    let (followed, model, encoder) = (Mutex::new(Vec::new()), Model::good(), Encoder::good());
    let follows = |trace: &str| followed.lock().unwrap().push(trace.to_owned());
    let mut given: Vec<String> = Vec::new();
    while let Some((_, message)) = fleet.queue.take() {
        let number = given.len();
        let trace = format!("00-0af7651916cd43dd8448eb211c80319c-{number:016x}-01");
        // Every third outcome is one of an older worker.
        let trace = (!number.is_multiple_of(3)).then_some(trace);
        let worker = Worker { trace: trace.as_deref(), ..fleet.worker() };
        let scratch = room.scratch();
        match Order::read(&message.body).unwrap() {
            Order::AnalyseChunk(order) => {
                worker.chunk(&model, &fleet.requests, &order, Try::ONLY).await.unwrap();
            }
            Order::EncodeClip(order) => {
                let cutter = cutter(&encoder, &scratch);
                worker.clip(cutter, &fleet.requests, &order, Try::ONLY, &|_| ()).await.unwrap();
            }
            Order::PlanEpisode { run } => {
                fleet.dispatcher().plan_episode(&run).await.unwrap();
                continue;
            }
            Order::StageDone { run, stage } => {
                let dispatcher = Dispatcher { follows: &follows, ..fleet.dispatcher() };
                dispatcher.stage_done(&run, stage).await.unwrap();
                let mut expected: Vec<String> = given.drain(..).filter(|trace| !trace.is_empty()).collect();
                let mut found = std::mem::take(&mut *followed.lock().unwrap());
                expected.sort();
                found.sort();
                assert!(expected.len() > 1 && found == expected, "{found:?} instead of {expected:?}");
                continue;
            }
            other => panic!("{other:?}"),
        }
        given.push(trace.unwrap_or_default());
    }
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}
