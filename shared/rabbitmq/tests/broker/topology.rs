use std::time::Duration;

use futures::future::join_all;
use langflix_ports::queue::{ErrorKind, Message, Name, Place, Queue as _};
use langflix_rabbitmq::{Count, RabbitQueue, topology};
use langflix_testkit::servers;
use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::town::{delete_queue, manage, queues, settings};

#[tokio::test]
async fn what_is_declared_may_be_declared_again_and_is_found() {
    let (_rabbit, queue) = queues().await;
    queue.apply_topology().await.unwrap();
    queue.check_topology().await.unwrap();
    let counts = queue.counts().await.unwrap();
    assert_eq!(counts.len(), topology().queues.len());
    assert!(counts.values().all(|count| *count == Count::default()), "{counts:?}");
}

#[tokio::test]
async fn many_may_declare_at_once() {
    let rabbit = servers::rabbitmq().await;
    let programs = [(); 6].map(|()| RabbitQueue::new(settings(&rabbit.url)).unwrap());
    let declare = programs.iter().zip(0..).map(async |(program, number)| {
        // Each meets queues that another one has just begun to declare.
        sleep(Duration::from_millis(7) * number).await;
        program.apply_topology().await
    });
    for declared in join_all(declare).await {
        declared.unwrap();
    }
}

#[tokio::test]
async fn counts_tell_what_waits_and_who_takes() {
    let (_rabbit, queue) = queues().await;
    let _consumer = queue.consume(Place::Work(Name::Episodes), 1).await.unwrap();
    for _ in 0..3 {
        queue.publish(Name::Stages, &Message::new(b"one".to_vec())).await.unwrap();
    }
    let counts = queue.counts().await.unwrap();
    assert_eq!(counts["stages.v1"], Count { ready: 3, consumers: 0 });
    assert_eq!(counts["episodes.v1"], Count { ready: 0, consumers: 1 });
}

#[tokio::test]
async fn an_empty_broker_is_told_to_lack_the_topology() {
    let rabbit = servers::rabbitmq().await;
    let queue = RabbitQueue::new(settings(&rabbit.url)).unwrap();
    let error = queue.check_topology().await.unwrap_err();
    assert_eq!((error.kind, error.queue.as_str()), (ErrorKind::Missing, "langflix.work"), "{error}");
    // The exchange that messages are published to is not there either.
    let error = queue.publish(Name::Stages, &Message::default()).await.unwrap_err();
    assert_eq!((error.kind, error.queue.as_str()), (ErrorKind::Missing, "stages.v1"), "{error}");
    assert!(error.message.ends_with("run `langflix topology apply`"), "{error}");
}

#[tokio::test]
async fn queues_that_are_missing_are_named_and_may_be_declared_anew() {
    let (rabbit, queue) = queues().await;
    let missing = ["encoding.bulk.v1.wait.2m", "stages.v1"];
    for (name, others) in missing.into_iter().zip(["", "; nor are there stages.v1"]) {
        delete_queue(&rabbit, name).await;
        let error = queue.check_topology().await.unwrap_err();
        assert_eq!((error.kind, error.queue.as_str()), (ErrorKind::Missing, missing[0]), "{error}");
        assert!(error.message.ends_with(&format!("run `langflix topology apply`{others}")), "{error}");
    }
    queue.apply_topology().await.unwrap();
    queue.check_topology().await.unwrap();
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_named_and_left_alone() {
    let (rabbit, queue) = queues().await;
    delete_queue(&rabbit, "stages.v1").await;
    let path = format!("queues/{}/stages.v1", rabbit.vhost);
    let classic = json!({ "durable": true, "arguments": { "x-queue-type": "classic" } });
    manage(&rabbit.api, Method::PUT, &path, classic).await;
    for found in [queue.check_topology().await, queue.apply_topology().await] {
        let error = found.unwrap_err();
        assert_eq!((error.kind, error.queue.as_str()), (ErrorKind::Missing, "stages.v1"), "{error}");
        assert!(error.message.contains("inequivalent arg") && error.message.contains("delete it"), "{error}");
    }
}

#[tokio::test]
async fn a_worker_that_may_not_declare_finds_what_is_there_and_what_is_not() {
    let (rabbit, _owner) = queues().await;
    let user = format!("worker-of-{}", rabbit.vhost);
    manage(&rabbit.api, Method::PUT, &format!("users/{user}"), json!({ "password": "pw", "tags": "" })).await;
    let rights = json!({ "configure": "", "write": ".*", "read": ".*" });
    manage(&rabbit.api, Method::PUT, &format!("permissions/{}/{user}", rabbit.vhost), rights).await;
    let of_worker = langflix_rabbitmq::Settings { username: user, password: "pw".to_owned(), ..settings(&rabbit.url) };
    let worker = RabbitQueue::new(of_worker).unwrap();
    worker.check_topology().await.unwrap();
    worker.publish(Name::Stages, &Message::default()).await.unwrap();
    let mut consumer = worker.consume(Place::Work(Name::Stages), 1).await.unwrap();
    consumer.next().await.unwrap().bury("aside").await.unwrap();
    assert_eq!(worker.apply_topology().await.unwrap_err().kind, ErrorKind::Denied);
    delete_queue(&rabbit, "episodes.v1.dead").await;
    assert_eq!(worker.check_topology().await.unwrap_err().queue, "episodes.v1.dead");
}
