use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use langflix_ports::queue::{Message, Name, Place, Queue as _, Shelf};
use langflix_rabbitmq::{Fate, Handled, RabbitQueue};

use crate::town::{queues, settings};

const NAME: Name = Name::EncodingBulk;
const PARKED: Place = Place::Shelf(NAME, Shelf::Parked);

fn number(message: &Message) -> u32 {
    String::from_utf8_lossy(&message.body).parse().unwrap()
}

/// Parks messages that are numbered from 0, each tried twice before.
async fn park(queue: &RabbitQueue, count: u32) {
    for n in 0..count {
        let message = Message { attempt: 2, ..Message::new(n.to_string().into()) };
        queue.publish(NAME, &message).await.unwrap();
    }
    let mut consumer = queue.consume(Place::Work(NAME), 10).await.unwrap();
    for _ in 0..count {
        let delivery = consumer.next().await.unwrap();
        let why = format!("because of {}", number(&delivery.message));
        delivery.bury(&why).await.unwrap();
    }
}

/// How often each message is on the shelf.
async fn on_shelf(queue: &RabbitQueue) -> BTreeMap<u32, usize> {
    let mut seen = BTreeMap::new();
    let look = |message: &Message| {
        *seen.entry(number(message)).or_default() += 1;
        Fate::Keep
    };
    queue.go_through(PARKED, 10_000, look).await.unwrap();
    seen
}

#[tokio::test]
async fn each_message_of_a_shelf_meets_its_fate_once() {
    let (_rabbit, queue) = queues().await;
    park(&queue, 30).await;
    let decide = |message: &Message| {
        assert_eq!(message.reason.as_deref(), Some(&*format!("because of {}", number(message))));
        match number(message) % 3 {
            0 => Fate::Keep,
            1 => Fate::Republish,
            _ => Fate::Drop,
        }
    };
    let handled = queue.go_through(PARKED, 1000, decide).await.unwrap();
    assert_eq!(handled, Handled { kept: 10, republished: 10, dropped: 10 });
    assert_eq!(on_shelf(&queue).await, (0..10).map(|n| (3 * n, 1)).collect());
    let mut consumer = queue.consume(Place::Work(NAME), 10).await.unwrap();
    for _ in 0..10 {
        let delivery = consumer.next().await.unwrap();
        assert_eq!(number(&delivery.message) % 3, 1);
        assert_eq!((delivery.message.attempt, &delivery.message.reason), (0, &None), "as if it had never been tried");
        delivery.ack().await.unwrap();
    }
    assert!(consumer.next().now_or_never().is_none());
}

#[tokio::test]
async fn whoever_looks_next_finds_all_that_stayed() {
    let (_rabbit, queue) = queues().await;
    park(&queue, 20).await;
    for look in 0..20 {
        assert_eq!(on_shelf(&queue).await.len(), 20, "look {look}");
    }
}

#[tokio::test]
async fn a_message_that_is_set_aside_again_at_once_is_not_met_again() {
    let (_rabbit, queue) = queues().await;
    park(&queue, 30).await;
    let mut consumer = queue.consume(Place::Work(NAME), 10).await.unwrap();
    let refuses = async {
        loop {
            consumer.next().await.unwrap().bury("nobody reads it").await.unwrap();
        }
    };
    let handled = tokio::select! {
        handled = queue.go_through(PARKED, 1000, |_| Fate::Republish) => handled.unwrap(),
        () = refuses => unreachable!(),
    };
    assert_eq!(handled, Handled { republished: 30, ..Handled::default() });
}

#[tokio::test]
async fn several_who_look_at_once_see_all_there_is() {
    let (rabbit, queue) = queues().await;
    const COUNT: u32 = 200;
    park(&queue, COUNT).await;
    let look = async || {
        let other = RabbitQueue::new(settings(&rabbit.url)).unwrap();
        on_shelf(&other).await
    };
    let all: BTreeMap<u32, usize> = (0..COUNT).map(|n| (n, 1)).collect();
    for seen in futures::future::join_all((0..5).map(|_| look())).await {
        assert_eq!(seen, all);
    }
    // One that was broken off keeps nobody waiting.
    let other = RabbitQueue::new(settings(&rabbit.url)).unwrap();
    let mut going = Box::pin(other.go_through(PARKED, 1000, |_| Fate::Keep));
    while (&mut going).now_or_never().is_none() && queue.counts().await.unwrap()[&PARKED.to_string()].ready == COUNT {}
    drop(going);
    comes_to(&queue, (0..COUNT).collect()).await;
}

#[tokio::test]
async fn no_more_messages_are_looked_at_than_are_asked_for_and_an_empty_shelf_has_none() {
    let (_rabbit, queue) = queues().await;
    let handled = queue.go_through(PARKED, 10, |_| Fate::Drop).await.unwrap();
    assert_eq!(handled, Handled::default());
    park(&queue, 5).await;
    let handled = queue.go_through(PARKED, 3, |_| Fate::Drop).await.unwrap();
    assert_eq!(handled, Handled { dropped: 3, ..Handled::default() });
    assert_eq!(on_shelf(&queue).await.len(), 2);
}

#[tokio::test]
async fn broken_off_anywhere_what_was_not_dealt_with_is_there() {
    let (_rabbit, queue) = queues().await;
    const COUNT: u32 = 12;
    park(&queue, COUNT).await;
    // Given up after more and more steps.
    for steps in (1..60).step_by(3) {
        let mut going = Box::pin(queue.go_through(PARKED, 100, |_| Fate::Keep));
        for _ in 0..steps {
            if (&mut going).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    comes_to(&queue, (0..COUNT).collect()).await;
    // A command that ends while it puts messages back to work.
    let mut decided = 0;
    let decide = |_: &Message| {
        decided += 1;
        assert!(decided < 8, "it ends here");
        Fate::Republish
    };
    let ended = std::panic::AssertUnwindSafe(queue.go_through(PARKED, 100, decide)).catch_unwind().await;
    assert!(ended.is_err());
    let (mut consumer, mut back) = (queue.consume(Place::Work(NAME), 20).await.unwrap(), BTreeSet::new());
    for _ in 0..7 {
        let delivery = consumer.next().await.unwrap();
        assert!(back.insert(number(&delivery.message)), "a message is doubled");
        delivery.ack().await.unwrap();
    }
    comes_to(&queue, (0..COUNT).filter(|n| !back.contains(n)).collect()).await;
    assert!(consumer.next().now_or_never().is_none());
}

#[tokio::test]
async fn broken_off_anywhere_it_keeps_nobody_else_out() {
    let (rabbit, queue) = queues().await;
    park(&queue, 3).await;
    let other = RabbitQueue::new(settings(&rabbit.url)).unwrap();
    let began = Instant::now();
    on_shelf(&other).await;
    let whole = began.elapsed();
    // Given up later and later, up to its end.
    for part in 0..200 {
        let going = other.go_through(PARKED, 100, |_| Fate::Keep);
        let _broken_off = tokio::time::timeout(whole * part / 100, going).await;
        // Another program, and the same one.
        let next = if part % 2 == 0 { &queue } else { &other };
        let looked = tokio::time::timeout(Duration::from_secs(5), comes_to(next, vec![0, 1, 2])).await;
        assert!(looked.is_ok(), "broken off at {part} % of {whole:?}");
    }
}

/// Waits until the shelf has just these, each once: the broker gives back what was held by a channel some time after the
/// channel is given up.
async fn comes_to(queue: &RabbitQueue, expected: Vec<u32>) {
    let (expected, began) = (expected.into_iter().map(|n| (n, 1)).collect::<BTreeMap<_, _>>(), Instant::now());
    loop {
        let seen = on_shelf(queue).await;
        if seen == expected {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "there is {seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
