use std::time::{Duration, Instant};

use futures::future::join_all;
use langflix_ports::queue::{Message, Name, Place, Queue as _};
use tokio::time::timeout;

use crate::town::queues;

const NAME: Name = Name::AnalysisBulk;
/// More than go out together, and some over.
const MANY: u8 = 20;
/// After which nothing more comes again.
const QUIET: Duration = Duration::from_secs(1);

#[tokio::test]
async fn messages_that_are_done_at_the_same_time_are_all_acknowledged_and_no_other() {
    let (_rabbit, queue) = queues().await;
    for n in 0..=MANY {
        queue.publish(NAME, &Message::new(vec![n])).await.unwrap();
    }
    let mut consumer = queue.consume(Place::Work(NAME), u16::from(MANY) + 1).await.unwrap();
    let mut deliveries = Vec::new();
    for _ in 0..=MANY {
        deliveries.push(consumer.next().await.unwrap());
    }
    let kept = deliveries.swap_remove(3);
    let kept_body = kept.message.body.clone();
    for settled in join_all(deliveries.into_iter().map(|delivery| delivery.ack())).await {
        settled.unwrap();
    }
    drop((consumer, kept));
    let mut consumer = queue.consume(Place::Work(NAME), 100).await.unwrap();
    let mut again = Vec::new();
    while let Ok(delivery) = timeout(QUIET, consumer.next()).await {
        let delivery = delivery.unwrap();
        again.push((delivery.message.body.clone(), delivery.redelivered));
        delivery.ack().await.unwrap();
    }
    assert_eq!(again, [(kept_body, true)]);
}

#[tokio::test]
async fn a_consumer_that_is_given_up_while_it_is_opened_keeps_no_message() {
    let (_rabbit, queue) = queues().await;
    let began = Instant::now();
    drop(queue.consume(Place::Work(NAME), 1).await.unwrap());
    let whole = began.elapsed();
    // Given up later and later, up to its end.
    for part in 0..100 {
        queue.publish(NAME, &Message::new(vec![part])).await.unwrap();
        drop(timeout(whole * u32::from(part) / 50, queue.consume(Place::Work(NAME), 1)).await);
        let mut consumer = queue.consume(Place::Work(NAME), 1).await.unwrap();
        let came = timeout(Duration::from_secs(5), consumer.next()).await;
        let came = came.unwrap_or_else(|_| panic!("given up at {} % of {whole:?}", 2 * part)).unwrap();
        came.ack().await.unwrap();
    }
}
