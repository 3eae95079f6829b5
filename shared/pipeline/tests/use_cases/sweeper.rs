//! What the sweeper sees of unfinished runs, and how much it asks for it.

use std::time::Duration;

use langflix_domain::Lane;
use langflix_pipeline::{
    Try,
    fleet::{Dispatcher, Order, Sweeper},
    retry_failed,
};
use langflix_ports::{llm::ErrorKind, queue::Name};

use crate::{
    episode::{Room, episode, text},
    fakes::{Encoder, Failing, Model},
    queues::{Fleet, undisturbed},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_is_lost_on_the_way_is_made_good_by_the_sweeper() {
    let (room, asked) = (Room::new(), episode());
    let (model, encoder) = (Model::good(), Encoder::good());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Bulk).await;
    let mut sweeper = Sweeper::new(Duration::ZERO);
    // Whatever lies in a queue is lost each time, after two messages more were worked on.
    for round in 0.. {
        assert!(round < 100, "the run never ends");
        if fleet.manifest(&asked).await.is_some() {
            break;
        }
        // One plans, and the other is its first task.
        for _ in 0..2 {
            let Some((_, message)) = fleet.queue.take() else { continue };
            fleet.handle(&Order::read(&message.body).unwrap(), Try::ONLY, &model, &encoder).await.unwrap();
        }
        fleet.queue.lose_all();
        fleet.tally.done.lock().unwrap().clear();
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
    }
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
    assert_eq!((model.asks().len(), encoder.tried().len()), (4, 4), "nothing is done twice");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_noticed_is_noticed_long_before_silence() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Bulk).await;
    let mut sweeper = Sweeper::new(3600 * SECOND);
    assert_eq!(sweeper.sweep(fleet.dispatcher()).await.unwrap().ended, 0);
    let mut ended = 0;
    for _stage in 0..2 {
        fleet.queue.lost.lock().unwrap().push(Name::Stages);
        fleet.work(&Model::good(), &Encoder::good()).await;
        tokio::time::advance(60 * SECOND).await;
        assert_eq!(sweeper.sweep(fleet.dispatcher()).await.unwrap().ended, 0, "somebody may be about to go on");
        ended += sweeper.sweep(fleet.dispatcher()).await.unwrap().ended;
    }
    fleet.work(&Model::good(), &Encoder::good()).await;
    assert_eq!(ended, 2);
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_first_message_was_lost_is_planned_long_before_silence() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    fleet.queue.lost.lock().unwrap().push(Name::Episodes);
    fleet.submit(&asked, Lane::Bulk).await;
    let mut sweeper = Sweeper::new(3600 * SECOND);
    let mut resumed = Vec::new();
    for minute in 0..10 {
        resumed.extend((sweeper.sweep(fleet.dispatcher()).await.unwrap().resumed > 0).then_some(minute));
        tokio::time::advance(60 * SECOND).await;
    }
    assert_eq!((resumed, fleet.queue.count(Name::Episodes)), (vec![2], 1), "once, in case many wait before it");
    fleet.work(&Model::good(), &Encoder::good()).await;
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_is_looked_at_once_a_minute_by_one_request() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&asked.run().unwrap()).await.unwrap();
    let counting = Failing::after(&room.store, usize::MAX, false);
    let dispatcher = Dispatcher { store: &counting, ..fleet.dispatcher() };
    let mut sweeper = Sweeper::new(960 * SECOND);
    let mut resumed = Vec::new();
    for sweep in 0..=180 {
        if sweeper.sweep(dispatcher).await.unwrap().resumed > 0 {
            resumed.push(sweep);
        }
        tokio::time::advance(10 * SECOND).await;
    }
    assert_eq!(resumed, [6 + 96], "16 minutes after the first look");
    // Each sweep asks what is open, and the first look when it was submitted and how many tasks it has.
    assert_eq!(counting.operations(), 181 + 30 + 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_taken_up_again_is_seen_in_the_stage_that_it_went_back_to() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    let refused = Model::new(|ask| match ask.before {
        0 => Err(ErrorKind::Refused),
        _ => Ok(crate::fakes::good(&ask.request)),
    });
    fleet.submit(&asked, Lane::Bulk).await;
    let mut sweeper = Sweeper::new(3600 * SECOND);
    while let Some((_, message)) = fleet.queue.take() {
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
        tokio::time::advance(60 * SECOND).await;
        let order = Order::read(&message.body).unwrap();
        fleet.handle(&order, Try::ONLY, &refused, &Encoder::good()).await.unwrap();
    }
    assert!(!fleet.is_open().await && retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap() > 0);
    // The message that says so is lost.
    assert_eq!(sweeper.sweep(fleet.dispatcher()).await.unwrap().resumed, 0);
    tokio::time::advance(3600 * SECOND).await;
    assert_eq!(sweeper.sweep(fleet.dispatcher()).await.unwrap().resumed, 1);
    fleet.work(&Model::good(), &Encoder::good()).await;
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}
