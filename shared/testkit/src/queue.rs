//! What every queue does, whatever it stands on.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::join;
use langflix_ports::queue::{Consumer, Delivery, Error, Message, Name, Place, Queue};
use tokio::time::timeout;

mod losing;
mod settling;
mod taking;

/// Longest wait for a message that has to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a message that must not come is waited for.
const QUIET: Duration = Duration::from_millis(300);

/// Holds `queue`, all of whose queues and shelves are empty, to all that [`Queue`] promises, and leaves them empty. It
/// waits for messages by tokio's clock, which may be paused where the queue has no other; half a minute goes by on it.
///
/// # Panics
/// Where the queue breaks a promise.
pub async fn queue_contract(queue: &dyn Queue) {
    taking::a_message_arrives_in_its_queue_as_it_was_published(queue).await;
    // Each of these keeps to one queue, and most of them wait for most of their time.
    join!(
        taking_from(queue, Name::Episodes),
        losing_from(queue, Name::AnalysisInteractive),
        losing::a_message_that_is_lost_too_often_is_given_up(queue, Name::AnalysisBulk),
        settling_in(queue, Name::EncodingInteractive),
        losing::what_is_tried_again_is_not_nearer_to_being_given_up(queue, Name::EncodingBulk),
        settling::a_long_wait_holds_up_no_short_one(queue, Name::Stages),
    );
}

async fn taking_from(queue: &dyn Queue, name: Name) {
    taking::a_consumer_holds_no_more_than_its_prefetch(queue, name).await;
    taking::a_consumer_waits_for_what_is_published_later(queue, name).await;
    taking::who_stops_waiting_for_a_message_misses_none(queue, name).await;
    taking::what_a_consumer_has_left_when_it_is_cancelled_is_not_lost(queue, name).await;
    taking::many_who_publish_and_take_lose_and_double_nothing(queue, name).await;
}

async fn losing_from(queue: &dyn Queue, name: Name) {
    losing::what_is_dropped_unsettled_comes_again(queue, name).await;
    losing::what_a_dropped_consumer_had_not_given_out_goes_to_others(queue, name).await;
}

async fn settling_in(queue: &dyn Queue, name: Name) {
    settling::what_is_done_is_gone(queue, name).await;
    settling::what_is_buried_is_parked_with_its_reason(queue, name).await;
    settling::what_is_tried_again_comes_after_its_wait(queue, name).await;
    settling::what_is_handed_back_comes_soon_and_was_not_tried(queue, name).await;
}

#[track_caller]
fn must<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

async fn publish(queue: &dyn Queue, to: Name, bodies: impl IntoIterator<Item = impl ToString>) {
    for body in bodies {
        must(queue.publish(to, &Message::new(body.to_string().into_bytes())).await);
    }
}

async fn consume(queue: &dyn Queue, from: Place, prefetch: u16) -> Box<dyn Consumer> {
    must(queue.consume(from, prefetch).await)
}

/// The next message, which has to come.
async fn next(consumer: &mut Box<dyn Consumer>, what: &str) -> Delivery {
    let next = timeout(PATIENCE, consumer.next()).await;
    must(next.unwrap_or_else(|_| panic!("{what}: no message comes")))
}

/// That no message comes now.
async fn nothing(consumer: &mut Box<dyn Consumer>, what: &str) {
    if let Ok(delivery) = timeout(QUIET, consumer.next()).await {
        panic!("{what}: {:?} comes", text(&must(delivery)));
    }
}

/// That a queue or shelf has no message for a new consumer.
async fn is_empty(queue: &dyn Queue, place: Place, what: &str) {
    let mut consumer = consume(queue, place, 10).await;
    nothing(&mut consumer, what).await;
    end(consumer).await;
}

/// Ends a consumer for which nothing is left. One that is dropped may take a message yet, which then comes again.
async fn end(consumer: Box<dyn Consumer>) {
    let left: Vec<String> = must(consumer.cancel().await).iter().map(text).collect();
    assert!(left.is_empty(), "when all were taken, {left:?} are left");
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message.body).into_owned()
}

/// How often each body was seen.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    fn add(&mut self, delivery: &Delivery) {
        *self.0.entry(text(delivery)).or_default() += 1;
    }

    fn each_of(&self, bodies: impl IntoIterator<Item = impl ToString>, what: &str) {
        let expected: BTreeMap<String, usize> = bodies.into_iter().map(|body| (body.to_string(), 1)).collect();
        let wrong = |body: &&String| self.0.get(*body).copied() != expected.get(*body).copied();
        let wrong: BTreeSet<_> = self.0.keys().chain(expected.keys()).filter(wrong).take(5).collect();
        assert!(wrong.is_empty(), "{what}: lost or doubled: {wrong:?}");
    }
}
