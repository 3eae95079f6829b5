use std::time::Duration;

use langflix_ports::queue::{Message, Name, Place, Queue as _, Shelf};
use langflix_rabbitmq::Fate;

use crate::{
    PROGRAM,
    program::{Town, until},
};

const PARKED: Place = Place::Shelf(Name::AnalysisBulk, Shelf::Parked);

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_later_version_is_set_aside_whole_and_goes_back_for_whoever_reads_it() {
    let town = Town::new().await;
    town.declare().await;
    let worker = town.start(PROGRAM, Duration::from_secs(20), &[]);
    worker.readiness_is(200).await;
    let queue = town.servers().queue;
    // A map with `version` 99, and something that is not known yet.
    let newer = [&[0x82, 0xa7][..], b"version", &[99, 0xa5], b"order", &[0xa3], b"new"].concat();
    queue.publish(Name::AnalysisBulk, &Message::new(newer.clone())).await.unwrap();
    let parked = PARKED.to_string();
    until("it is set aside", async || queue.counts().await.unwrap()[&parked].ready == 1).await;
    let mut reason = None;
    let look = |message: &Message| {
        reason.clone_from(&message.reason);
        Fate::Keep
    };
    queue.go_through(PARKED, 10, look).await.unwrap();
    assert!(reason.unwrap().contains("version 99, and this program reads up to"));
    // It is no failure of the worker's.
    worker.readiness_is(200).await;

    // What `langflix dead retry` does once newer workers are there, of which the test is one.
    drop(worker);
    queue.go_through(PARKED, 10, |_| Fate::Republish).await.unwrap();
    let mut consumer = queue.consume(Place::Work(Name::AnalysisBulk), 1).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    assert_eq!((&delivery.message.body, delivery.message.attempt), (&newer, 0));
    delivery.ack().await.unwrap();
}
