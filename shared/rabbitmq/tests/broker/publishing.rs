use std::time::Duration;

use futures::{future::join_all, join};
use langflix_ports::queue::{Error, ErrorKind, Message, Name, Place, Queue as _};
use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::town::{delete_queue, manage, queues};

#[tokio::test]
async fn of_many_publishes_those_that_no_queue_takes_are_told() {
    const EACH: usize = 500;
    let (rabbit, queue) = queues().await;
    delete_queue(&rabbit, "analysis.bulk.v1").await;
    let message = Message::new(vec![1; 100]);
    let publish = |name| join_all((0..EACH).map(|_| queue.publish(name, &message)).collect::<Vec<_>>());
    let (there, gone) = join!(publish(Name::AnalysisInteractive), publish(Name::AnalysisBulk));
    let failed = there.iter().filter(|published| published.is_err()).count();
    assert_eq!(failed, 0, "of {EACH} to a queue that is there");
    let missing = |error: &Error| error.kind == ErrorKind::Missing;
    let told = gone.iter().filter(|published| published.as_ref().is_err_and(missing)).count();
    assert_eq!(told, EACH, "publishes to a queue that is gone");
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_publish_waits_for_room() {
    let (rabbit, queue) = queues().await;
    let policy = json!({ "pattern": "^stages.v1$", "definition": { "max-length": 3 }, "apply-to": "queues" });
    manage(&rabbit.api, Method::PUT, &format!("policies/{}/short", rabbit.vhost), policy).await;
    let message = Message::new(b"one".to_vec());
    let mut taken = 0;
    let error = loop {
        match queue.publish(Name::Stages, &message).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 1000, "the queue is never full");
    };
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("full"), "{error}");
    let take = async {
        sleep(Duration::from_millis(200)).await;
        let mut consumer = queue.consume(Place::Work(Name::Stages), 10).await.unwrap();
        // Those that were confirmed, and the one that waits for room.
        for _ in 0..=taken {
            consumer.next().await.unwrap().ack().await.unwrap();
        }
    };
    let (published, ()) = join!(queue.publish(Name::Stages, &message), take);
    published.unwrap();
}
