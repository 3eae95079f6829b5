//! What breaks while messages flow.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, join, stream};
use langflix_ports::queue::{ErrorKind, Message, Name, Place, Queue};
use langflix_rabbitmq::RabbitQueue;
use langflix_testkit::servers::Rabbit;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::{select, sync::watch, time::sleep};

use crate::town::{again, ask, delete_queue, manage, queues};

const NAME: Name = Name::AnalysisBulk;
const LEAST: usize = 1000;
/// A loaded machine takes a quarter of a minute to start a broker, and as long to stop it.
const PATIENCE: Duration = Duration::from_mins(3);
/// Publishes at a time.
const AT_ONCE: usize = 16;

/// Publishes, takes and acknowledges at least [`LEAST`] messages while `trouble` happens, and until it is over. Then each
/// message has arrived, and none is left anywhere. Gives how many deliveries there were of each.
async fn flow(queue: &RabbitQueue, trouble: impl AsyncFnOnce(&mut watch::Receiver<usize>)) -> Vec<usize> {
    let (arrived, mut seen) = watch::channel(0);
    let mut all_seen = arrived.subscribe();
    let (over, published) = (AtomicBool::new(false), AtomicUsize::new(0));
    let trouble = async {
        trouble(&mut seen).await;
        over.store(true, Ordering::Relaxed);
    };
    let numbers = stream::iter(0..).take_while(|n| std::future::ready(*n < LEAST || !over.load(Ordering::Relaxed)));
    let publish = async {
        let publish = |n: usize| async move { again(async || queue.publish(NAME, &numbered(n)).await).await };
        let all = numbers.map(publish).buffer_unordered(AT_ONCE).count().await;
        published.store(all, Ordering::Relaxed);
        // The last may have arrived before its publisher knew that it was published.
        all_seen.wait_for(|seen| *seen == all).await.unwrap();
    };
    let mut deliveries = BTreeMap::<usize, usize>::new();
    let take = async {
        loop {
            let mut consumer = again(async || queue.consume(Place::Work(NAME), 8).await).await;
            // Until it is lost.
            while let Ok(delivery) = consumer.next().await {
                let n = String::from_utf8_lossy(&delivery.message.body).parse().unwrap();
                // An acknowledgement that fails says that the message comes again.
                let _again = delivery.ack().await;
                *deliveries.entry(n).or_default() += 1;
                arrived.send_replace(deliveries.len());
            }
        }
    };
    let flowing = async {
        select! {
            ((), ()) = async { join!(trouble, publish) } => {}
            () = take => {}
        }
    };
    tokio::time::timeout(PATIENCE, flowing).await.unwrap_or_else(|_| {
        panic!("{} of {} messages arrive", *arrived.borrow(), published.load(Ordering::Relaxed));
    });
    is_empty(queue).await;
    deliveries.into_values().collect()
}

fn numbered(n: usize) -> Message {
    Message::new(n.to_string().into())
}

/// Takes what comes a second time, and looks that nothing is left or was given up.
async fn is_empty(queue: &RabbitQueue) {
    let mut consumer = again(async || queue.consume(Place::Work(NAME), 100).await).await;
    while let Ok(delivery) = tokio::time::timeout(Duration::from_millis(500), consumer.next()).await {
        delivery.unwrap().ack().await.unwrap();
    }
    drop(consumer.cancel().await.unwrap());
    let counts = queue.counts().await.unwrap();
    let left: Vec<_> = counts.iter().filter(|(_, count)| count.ready > 0).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Closes all connections to the virtual host that the broker knows of; they are known some time after they are made.
async fn close_connections(rabbit: &Rabbit, at_least: usize) {
    let began = Instant::now();
    let mut closed = 0;
    while closed < at_least {
        assert!(began.elapsed() < PATIENCE, "the broker knows of no connections");
        let path = format!("vhosts/{}/connections", rabbit.vhost);
        let connections = manage(&rabbit.api, Method::GET, &path, Value::Null).await;
        for name in connections.as_array().unwrap().iter().filter_map(|connection| connection["name"].as_str()) {
            let name = name.replace(' ', "%20").replace('>', "%3E");
            match ask(&rabbit.api, Method::DELETE, &format!("connections/{name}"), Value::Null).await {
                (StatusCode::NO_CONTENT, _) => closed += 1,
                // One that has gone is listed for some time yet.
                (StatusCode::NOT_FOUND, _) => {}
                (status, text) => panic!("{name}: {status} {text}"),
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn connections_closed_by_the_broker_lose_nothing() {
    let (rabbit, queue) = queues().await;
    let deliveries = flow(&queue, async |seen| {
        for closing in 1..=3 {
            let wanted = closing * LEAST / 4;
            seen.wait_for(|seen| *seen >= wanted).await.unwrap();
            close_connections(&rabbit, 2).await;
        }
    })
    .await;
    // What was in hand comes again, and not much more.
    let doubled = deliveries.iter().sum::<usize>() - deliveries.len();
    assert!(doubled < 3 * (AT_ONCE + 8 + 1), "{doubled} of {} messages came twice", deliveries.len());
}

#[tokio::test]
async fn a_queue_deleted_under_its_consumer_ends_that_and_is_missed_by_the_next() {
    let (rabbit, queue) = queues().await;
    queue.publish(NAME, &numbered(1)).await.unwrap();
    let mut consumer = queue.consume(Place::Work(NAME), 1).await.unwrap();
    let held = consumer.next().await.unwrap();
    delete_queue(&rabbit, NAME.as_str()).await;
    for _ in 0..2 {
        let error = consumer.next().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }
    assert_eq!(queue.consume(Place::Work(NAME), 1).await.err().unwrap().kind, ErrorKind::Missing);
    assert_eq!(queue.publish(NAME, &numbered(2)).await.unwrap_err().kind, ErrorKind::Missing);
    // Its retry waits where its queue will be again.
    held.retry(Duration::ZERO).await.unwrap();
    queue.apply_topology().await.unwrap();
    queue.publish(NAME, &numbered(3)).await.unwrap();
    let mut consumer = queue.consume(Place::Work(NAME), 2).await.unwrap();
    for expected in [numbered(3), Message { attempt: 1, ..numbered(1) }] {
        let delivery = consumer.next().await.unwrap();
        assert_eq!(delivery.message, expected);
        delivery.ack().await.unwrap();
    }
}

#[tokio::test]
async fn a_delivery_of_a_lost_connection_says_so_and_comes_again() {
    let (rabbit, queue) = queues().await;
    for n in 0..4 {
        queue.publish(NAME, &numbered(n)).await.unwrap();
    }
    let mut consumer = queue.consume(Place::Work(NAME), 4).await.unwrap();
    let (done, later, parked) =
        (consumer.next().await.unwrap(), consumer.next().await.unwrap(), consumer.next().await.unwrap());
    close_connections(&rabbit, 2).await;
    // The fourth had come in, and cannot be settled any more.
    assert_eq!(consumer.next().await.unwrap_err().kind, ErrorKind::Unavailable);
    for settled in [done.ack().await, later.retry(Duration::ZERO).await, parked.bury("why").await] {
        assert_eq!(settled.unwrap_err().kind, ErrorKind::Unavailable);
    }
    assert!(consumer.cancel().await.is_err());
    let mut consumer = queue.consume(Place::Work(NAME), 4).await.unwrap();
    for _ in 0..4 {
        let delivery = consumer.next().await.unwrap();
        assert!(delivery.redelivered);
        delivery.ack().await.unwrap();
    }
    is_empty(&queue).await;
}

mod heavy {
    use langflix_testkit::servers::private;

    use super::*;
    use crate::town::settings;

    #[tokio::test]
    async fn a_broker_that_stops_and_starts_loses_nothing() {
        let mut rabbit = private::rabbitmq("").await;
        let queue = RabbitQueue::new(settings(&rabbit.url)).unwrap();
        again(async || queue.apply_topology().await).await;
        flow(&queue, async |seen| {
            seen.wait_for(|seen| *seen >= LEAST / 3).await.unwrap();
            rabbit.server.stop().await;
            rabbit.server.start().await;
            // Killed, it forgets what it did not confirm.
            seen.wait_for(|seen| *seen >= 2 * LEAST / 3).await.unwrap();
            rabbit.server.kill();
            rabbit.server.start().await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_node_of_a_cluster_that_is_killed_loses_nothing() {
        let mut nodes = private::rabbitmq_cluster(3, "").await;
        // The node at which a queue is declared leads it.
        let leader = RabbitQueue::new(settings(&nodes[1].url)).unwrap();
        again(async || leader.apply_topology().await).await;
        let queue = RabbitQueue::new(settings(&nodes[0].url)).unwrap();
        flow(&queue, async |seen| {
            seen.wait_for(|seen| *seen >= LEAST / 3).await.unwrap();
            nodes[1].server.kill();
            let since = *seen.borrow();
            seen.wait_for(|seen| *seen >= since + LEAST / 3).await.unwrap();
            nodes[1].server.start().await;
            seen.changed().await.unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn channels_closed_by_the_broker_lose_nothing() {
        let rabbit = private::rabbitmq("").await;
        rabbit.close_channels_after(Duration::from_secs(1));
        let queue = RabbitQueue::new(settings(&rabbit.url)).unwrap();
        again(async || queue.apply_topology().await).await;
        // The broker closes the channel of whoever keeps a message for too long.
        let mut consumer = queue.consume(Place::Work(NAME), 1).await.unwrap();
        flow(&queue, async |seen| {
            let slow = consumer.next().await.unwrap();
            let error = consumer.next().await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
            assert!(error.message.contains("acknowledgement"), "{error}");
            assert_eq!(slow.ack().await.unwrap_err().kind, ErrorKind::Unavailable);
            seen.changed().await.unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_broker_short_of_memory_takes_no_messages_and_gives_and_settles_those_it_has() {
        let rabbit = private::rabbitmq("").await;
        let queue = RabbitQueue::new(settings(&rabbit.url)).unwrap();
        again(async || queue.apply_topology().await).await;
        for n in 0..20 {
            queue.publish(NAME, &numbered(n)).await.unwrap();
        }
        rabbit.ctl(&["set_vm_memory_high_watermark", "0.0001"]);
        let began = Instant::now();
        loop {
            // The broker tells of it when it is sent something.
            match queue.publish(NAME, &numbered(20)).await {
                Err(error) if error.message.contains("short of memory") => break,
                Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
                Ok(()) => {}
            }
            assert!(began.elapsed() < PATIENCE, "the broker never blocks");
        }
        let mut consumer = queue.consume(Place::Work(NAME), 5).await.unwrap();
        for _ in 0..20 {
            consumer.next().await.unwrap().ack().await.unwrap();
        }
        rabbit.ctl(&["set_vm_memory_high_watermark", "0.9"]);
        drop(consumer);
        flow(&queue, async |_| ()).await;
    }
}
