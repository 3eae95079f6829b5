use langflix_ports::queue::{Name, Place, Queue, Shelf};
use tokio::time::Duration;

use super::{Seen, consume, end, is_empty, must, next, nothing, publish, text};

/// Deliveries that may be lost: with the one after them the message is given up.
const LIMIT: usize = 5;

pub(super) async fn what_is_dropped_unsettled_comes_again(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "dropped unsettled";
    publish(queue, name, ["lost"]).await;
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    let first = next(&mut consumer, WHAT).await;
    let message = first.message.clone();
    drop(first);
    let second = next(&mut consumer, WHAT).await;
    assert!(second.message == message, "{WHAT}: the message that comes again is another: {second:?}");
    assert!(second.redelivered, "{WHAT}: the message is told to come for the first time");
    drop(consumer);
    // It outlives its consumer.
    must(second.ack().await);
    is_empty(queue, Place::Work(name), "done after its consumer was dropped").await;
}

pub(super) async fn what_a_dropped_consumer_had_not_given_out_goes_to_others(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "not given out by a dropped consumer";
    publish(queue, name, 0..10).await;
    let mut seen = Seen::default();
    let mut dropped = consume(queue, Place::Work(name), 10).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(next(&mut dropped, "from the one that is dropped").await);
    }
    drop(dropped);
    let mut other = consume(queue, Place::Work(name), 10).await;
    for _ in 3..10 {
        let delivery = next(&mut other, WHAT).await;
        seen.add(&delivery);
        must(delivery.ack().await);
    }
    nothing(&mut other, "held by a task").await;
    for delivery in held {
        seen.add(&delivery);
        must(delivery.ack().await);
    }
    seen.each_of(0..10, WHAT);
    nothing(&mut other, "done").await;
    end(other).await;
}

pub(super) async fn a_message_that_is_lost_too_often_is_given_up(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "lost too often";
    let shelf = |shelf| Place::Shelf(name, shelf);
    publish(queue, name, ["poison", "sound"]).await;
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    let mut lost = 0;
    // What is sound may come at any time, and a poison that never ends must not keep this going.
    for _ in 0..LIMIT + 2 {
        let delivery = next(&mut consumer, WHAT).await;
        match text(&delivery).as_str() {
            "sound" => must(delivery.ack().await),
            _ => {
                lost += 1;
                assert!(delivery.redelivered == (lost > 1), "{WHAT}: delivery {lost} tells what it is not");
                assert_eq!(delivery.message.attempt, 0, "{WHAT}: what is lost is no attempt");
            }
        }
    }
    assert_eq!(lost, LIMIT + 1, "{WHAT}: a message is given up too early");
    nothing(&mut consumer, "given up").await;
    end(consumer).await;
    let mut dead = consume(queue, shelf(Shelf::Dead), 1).await;
    let given_up = next(&mut dead, "given up").await;
    assert_eq!(text(&given_up), "poison");
    must(given_up.bury("it ended its worker").await);
    nothing(&mut dead, "buried from the dead shelf").await;
    end(dead).await;

    // A shelf keeps what it has, however often somebody looks.
    let mut parked = consume(queue, shelf(Shelf::Parked), 1).await;
    for look in 0..3 * LIMIT {
        let delivery = next(&mut parked, "on a shelf that was looked at often").await;
        assert!(delivery.redelivered == (look > 0), "on a shelf: look {look} tells what it is not");
        assert_eq!(delivery.message.reason.as_deref(), Some("it ended its worker"), "buried from the dead shelf");
    }
    must(next(&mut parked, "on a shelf").await.ack().await);
    nothing(&mut parked, "taken from a shelf").await;
    end(parked).await;
}

pub(super) async fn what_is_tried_again_is_not_nearer_to_being_given_up(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "lost a few times, tried again, and lost a few times";
    publish(queue, name, ["unlucky"]).await;
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    for attempt in 0..2 {
        for _ in 0..LIMIT - 1 {
            let delivery = next(&mut consumer, WHAT).await;
            assert_eq!(delivery.message.attempt, attempt, "{WHAT}");
        }
        must(next(&mut consumer, WHAT).await.retry(Duration::ZERO).await);
    }
    must(next(&mut consumer, WHAT).await.ack().await);
    end(consumer).await;
    is_empty(queue, Place::Shelf(name, Shelf::Dead), WHAT).await;
}
