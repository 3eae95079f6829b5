//! What an autoscaler asks the management API, as KEDA does by HTTP with the mode `QueueLength`: one queue of one virtual
//! host by name, of which it reads `messages` and takes a missing one for 0.

use std::time::{Duration, Instant};

use langflix_ports::queue::{ErrorKind, Message, Name, Place, Queue as _};
use langflix_rabbitmq::{QueueKind, RabbitQueue, Settings, topology};
use langflix_testkit::servers::{self, Rabbit};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::town::{ask, manage, queues, settings};

/// What workers are scaled by.
const SCALED_BY: [(Name, &str); 4] = [
    (Name::AnalysisInteractive, "analysis.interactive.v1"),
    (Name::AnalysisBulk, "analysis.bulk.v1"),
    (Name::EncodingInteractive, "encoding.interactive.v1"),
    (Name::EncodingBulk, "encoding.bulk.v1"),
];

/// The broker collects its figures every five seconds.
const PATIENCE: Duration = Duration::from_secs(30);

async fn asked(api: &str, vhost: &str, queue: &str) -> (StatusCode, String) {
    ask(api, Method::GET, &format!("queues/{vhost}/{queue}"), Value::Null).await
}

/// Waits until these are in a queue: all, those that wait, and those that somebody has taken.
async fn comes_to(api: &str, vhost: &str, queue: &str, expected: [u64; 3]) {
    let began = Instant::now();
    loop {
        let (status, text) = asked(api, vhost, queue).await;
        assert_eq!(status, StatusCode::OK, "{queue}: {text}");
        let info: Value = serde_json::from_str(&text).unwrap();
        let found =
            ["messages", "messages_ready", "messages_unacknowledged"].map(|name| info[name].as_u64().unwrap_or(0));
        if found == expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{queue} has {found:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A user of one's own, gone with its handle's virtual host but for its name.
async fn user(rabbit: &Rabbit, name: &str, tags: &str, rights: Option<[&str; 3]>) -> String {
    let user = format!("{name}-of-{}", rabbit.vhost);
    manage(&rabbit.api, Method::PUT, &format!("users/{user}"), json!({ "password": "pw", "tags": tags })).await;
    if let Some([configure, write, read]) = rights {
        let rights = json!({ "configure": configure, "write": write, "read": read });
        manage(&rabbit.api, Method::PUT, &format!("permissions/{}/{user}", rabbit.vhost), rights).await;
    }
    user
}

/// The management API as `user` reaches it.
fn api_of(rabbit: &Rabbit, user: &str) -> String {
    rabbit.api.replace("guest:guest@", &format!("{user}:pw@"))
}

#[tokio::test]
async fn each_right_that_is_missing_is_found() {
    let rabbit = servers::rabbitmq().await;
    RabbitQueue::new(settings(&rabbit.url)).unwrap().apply_topology().await.unwrap();
    for (name, rights, missing) in [
        ("all", [".*", ".*", ".*"], None),
        ("works", ["^$", ".*", ".*"], None),
        ("looks", ["^$", "^$", ".*"], Some("exchange 'langflix.work'")),
        ("writes", ["^$", ".*", "^$"], Some("queue 'episodes.v1.parked'")),
        ("reads-some", ["^$", ".*", "^(episodes|stages|analysis).*"], Some("queue 'encoding.")),
    ] {
        let username = user(&rabbit, name, "", Some(rights)).await;
        let queue = RabbitQueue::new(Settings { username, password: "pw".to_owned(), ..settings(&rabbit.url) });
        let found = queue.unwrap().check_rights().await;
        match missing {
            None => found.unwrap(),
            Some(what) => {
                let error = found.unwrap_err();
                assert_eq!(error.kind, ErrorKind::Denied, "{name}: {error}");
                assert!(error.message.contains("ACCESS_REFUSED") && error.message.contains(what), "{name}: {error}");
            }
        }
    }
}

#[test]
fn workers_are_scaled_by_work_queues_of_the_topology() {
    let work: Vec<String> = topology()
        .queues
        .into_iter()
        .filter(|queue| queue.kind == QueueKind::Work)
        .map(|queue| queue.name)
        .filter(|name| name.starts_with("analysis.") || name.starts_with("encoding."))
        .collect();
    assert_eq!(work, SCALED_BY.map(|(_, name)| name));
}

#[tokio::test]
async fn messages_that_are_worked_on_count_until_they_are_settled() {
    let (rabbit, queue) = queues().await;
    let mut taken = Vec::new();
    for (name, _) in SCALED_BY {
        for _ in 0..3 {
            queue.publish(name, &Message::new(b"one".to_vec())).await.unwrap();
        }
        let mut consumer = queue.consume(Place::Work(name), 2).await.unwrap();
        let held = [consumer.next().await.unwrap(), consumer.next().await.unwrap()];
        taken.push((consumer, held));
    }
    for (_, name) in SCALED_BY {
        comes_to(&rabbit.api, &rabbit.vhost, name, [3, 1, 2]).await;
    }
    for (mut consumer, held) in taken {
        for delivery in held {
            delivery.ack().await.unwrap();
        }
        consumer.next().await.unwrap().ack().await.unwrap();
    }
    for (_, name) in SCALED_BY {
        comes_to(&rabbit.api, &rabbit.vhost, name, [0, 0, 0]).await;
    }
}

#[tokio::test]
async fn whoever_may_do_nothing_in_the_virtual_host_but_is_known_there_may_ask() {
    let (rabbit, queue) = queues().await;
    queue.publish(Name::EncodingBulk, &Message::new(b"one".to_vec())).await.unwrap();
    let asks = user(&rabbit, "asks", "management", Some(["", "", ""])).await;
    let api = api_of(&rabbit, &asks);
    comes_to(&api, &rabbit.vhost, "encoding.bulk.v1", [1, 1, 0]).await;

    // That is all: it neither sees another virtual host, nor takes, gives or deletes anything.
    let other = langflix_testkit::servers::rabbitmq().await;
    assert_eq!(
        ask(&api, Method::GET, &format!("queues/{}", other.vhost), Value::Null).await.0,
        StatusCode::UNAUTHORIZED
    );
    let get = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "auto" });
    let contents = format!("queues/{}/encoding.bulk.v1", rabbit.vhost);
    for (method, path, body) in [
        (Method::POST, format!("{contents}/get"), get),
        (Method::DELETE, format!("{contents}/contents"), Value::Null),
        (Method::DELETE, contents, Value::Null),
        (Method::GET, "users".to_owned(), Value::Null),
        (Method::GET, "nodes".to_owned(), Value::Null),
    ] {
        let (status, text) = ask(&api, method, &path, body).await;
        assert!(!status.is_success(), "{path}: {status} {text}");
    }
    let worker = langflix_rabbitmq::Settings { username: asks, password: "pw".to_owned(), ..settings(&rabbit.url) };
    let worker = RabbitQueue::new(worker).unwrap();
    assert!(worker.publish(Name::Stages, &Message::default()).await.is_err());
    assert!(worker.consume(Place::Work(Name::EncodingBulk), 1).await.is_err());
    comes_to(&api, &rabbit.vhost, "encoding.bulk.v1", [1, 1, 0]).await;
}

#[tokio::test]
async fn the_tag_monitoring_and_reading_is_enough_as_well_and_less_than_a_tag_and_a_place_is_not() {
    let (rabbit, queue) = queues().await;
    queue.publish(Name::AnalysisBulk, &Message::new(b"one".to_vec())).await.unwrap();
    let monitors = user(&rabbit, "monitors", "monitoring", Some(["", "", ".*"])).await;
    comes_to(&api_of(&rabbit, &monitors), &rabbit.vhost, "analysis.bulk.v1", [1, 1, 0]).await;
    for (name, tags, rights) in [
        ("untagged", "", Some([".*", ".*", ".*"])),
        ("managing-elsewhere", "management", None),
        ("monitoring-elsewhere", "monitoring", None),
    ] {
        let api = api_of(&rabbit, &user(&rabbit, name, tags, rights).await);
        let (status, text) = asked(&api, &rabbit.vhost, "analysis.bulk.v1").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}: {text}");
    }
}

#[tokio::test]
async fn a_virtual_host_is_asked_by_its_encoded_name() {
    let (rabbit, _queue) = queues().await;
    // Deleted with its handle.
    let odd =
        Rabbit { vhost: format!("{}%2Fodd%20one", rabbit.vhost), url: rabbit.url.clone(), api: rabbit.api.clone() };
    manage(&odd.api, Method::PUT, &format!("vhosts/{}", odd.vhost), json!({})).await;
    let rights = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    manage(&odd.api, Method::PUT, &format!("permissions/{}/guest", odd.vhost), rights).await;
    let queue = RabbitQueue::new(settings(&rabbit.url.replace(&rabbit.vhost, &odd.vhost))).unwrap();
    queue.apply_topology().await.unwrap();
    queue.publish(Name::EncodingInteractive, &Message::new(b"one".to_vec())).await.unwrap();
    comes_to(&odd.api, &odd.vhost, "encoding.interactive.v1", [1, 1, 0]).await;
    let (status, _) = asked(&odd.api, &odd.vhost.replace("%2F", "/"), "encoding.interactive.v1").await;
    assert_ne!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_an_error_and_not_an_empty_one() {
    let rabbit = langflix_testkit::servers::rabbitmq().await;
    let (status, _) = asked(&rabbit.api, &rabbit.vhost, "encoding.bulk.v1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// Tests that start a broker.
mod heavy {
    use langflix_testkit::servers::private;

    use super::*;

    #[tokio::test]
    async fn a_broker_that_collects_no_figures_tells_of_no_messages() {
        let node = private::rabbitmq("management_agent.disable_metrics_collector = true\n").await;
        let queue = RabbitQueue::new(settings(&node.url)).unwrap();
        queue.apply_topology().await.unwrap();
        queue.publish(Name::EncodingBulk, &Message::new(b"one".to_vec())).await.unwrap();
        // Longer than it takes to collect them.
        tokio::time::sleep(Duration::from_secs(8)).await;
        let (status, text) = asked(&node.api, "%2F", "encoding.bulk.v1").await;
        let info: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &info["messages"]), (StatusCode::OK, &Value::Null), "{text}");
    }
}
