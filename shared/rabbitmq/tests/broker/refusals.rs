use std::{
    fs,
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use langflix_ports::queue::{Error, ErrorKind, Message, Name, Place, Queue as _};
use langflix_rabbitmq::{RabbitQueue, Settings, SettingsError};
use langflix_testkit::servers;
use tokio::{net::TcpListener, time::sleep};

use crate::town::settings;

async fn refused(settings: Settings) -> Error {
    let queue = RabbitQueue::new(settings).unwrap();
    let error = queue.ping().await.unwrap_err();
    assert_eq!(queue.consume(Place::Work(Name::Stages), 1).await.err().unwrap().kind, error.kind);
    assert_eq!(queue.publish(Name::Stages, &Message::default()).await.unwrap_err().kind, error.kind);
    error
}

#[tokio::test]
async fn a_broker_that_is_there_says_what_it_is() {
    let rabbit = servers::rabbitmq().await;
    let server = RabbitQueue::new(settings(&rabbit.url)).unwrap().ping().await.unwrap();
    assert!(server.product.starts_with("RabbitMQ 3.") || server.product.starts_with("RabbitMQ 4."), "{server:?}");
    assert_eq!(server.vhost, rabbit.vhost);
    assert!(rabbit.url.contains(&server.address) && !server.encrypted, "{server:?}");
}

#[tokio::test]
async fn a_wrong_password_is_denied_and_not_repeated() {
    let rabbit = servers::rabbitmq().await;
    let error = refused(Settings { password: "Pa55w0rd".to_owned(), ..settings(&rabbit.url) }).await;
    assert_eq!(error.kind, ErrorKind::Denied);
    let text = error.to_string();
    assert!(text.contains("as guest: ACCESS_REFUSED") && text.ends_with("its permissions"), "{text}");
    assert!(!text.contains("Pa55w0rd"), "{text}");
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_is_denied() {
    let rabbit = servers::rabbitmq().await;
    let error = refused(settings(&format!("{}-of-others", rabbit.url))).await;
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains(&format!("virtual host {}-of-others", rabbit.vhost)), "{error}");
    assert!(error.message.ends_with("not found: create it, or correct rabbitmq.url"), "{error}");
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let began = Instant::now();
    let error = refused(settings(&format!("amqp://127.0.0.1:{port}"))).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains(&format!("RabbitMQ at 127.0.0.1:{port}, virtual host /, as guest")), "{error}");
    assert!(error.message.contains("is rabbitmq.url its address?"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(6), "it takes {:?} to find out", began.elapsed());
}

#[tokio::test]
async fn what_is_no_broker_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let _gone = tokio::io::AsyncWriteExt::write_all(&mut client, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = refused(settings(&format!("amqp://127.0.0.1:{port}"))).await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_broker_that_accepts_and_is_silent_is_given_up_and_leaves_no_thread_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("amqp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut clients = Vec::new();
        while let Ok((client, _)) = listener.accept().await {
            clients.push(client);
        }
    });
    let queue = RabbitQueue::new(settings(&url)).unwrap();
    let began = Instant::now();
    // All who ask at the same time share an attempt, or the next one.
    let ask = async || queue.consume(Place::Work(Name::Stages), 1).await.err().unwrap();
    let errors = futures::future::join_all((0..20).map(|_| ask())).await;
    assert!(errors.iter().all(|error| error.kind == ErrorKind::Unavailable && error.message.contains("10 s")));
    assert!(began.elapsed() < Duration::from_secs(25), "one waits for the other: {:?}", began.elapsed());
    comes_down_to(0).await;
}

#[tokio::test]
async fn given_up_anywhere_a_connection_ends_in_silence() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let told = std::panic::take_hook();
    // Of lapin's threads, too: this process is this test's alone.
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        told(panic);
    }));
    let (rabbit, _queue) = crate::town::queues().await;
    let before = amqp_threads();
    for part in 0..200 {
        let queue = RabbitQueue::new(settings(&rabbit.url)).unwrap();
        let until = Instant::now() + Duration::from_micros(10 * part);
        // A timer of tokio's is late by a millisecond, of which the steps of an attempt take a part each.
        let given_up = poll_fn(|context| {
            context.waker().wake_by_ref();
            if Instant::now() < until { Poll::Pending } else { Poll::Ready(()) }
        });
        tokio::select! {
            biased;
            () = given_up => {}
            _ = queue.ping() => {}
        }
    }
    comes_down_to(before).await;
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}

/// Waits until no more than so many threads belong to connections.
async fn comes_down_to(threads: usize) {
    let patience = Instant::now();
    while amqp_threads() > threads {
        assert!(patience.elapsed() < Duration::from_secs(20), "{} threads are left", amqp_threads());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Threads of this process, which is this test's alone, that belong to connections.
fn amqp_threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("amqp") || name.starts_with("lapin")).count()
}

#[tokio::test]
async fn threads_end_with_the_last_who_needs_them() {
    let (_rabbit, queue) = crate::town::queues().await;
    queue.publish(Name::Stages, &Message::new(b"held".to_vec())).await.unwrap();
    let mut consumer = queue.consume(Place::Work(Name::Stages), 1).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    drop((queue, consumer));
    delivery.ack().await.unwrap();
    langflix_rabbitmq::farewell().await;
    comes_down_to(0).await;
}

#[tokio::test]
async fn what_was_acknowledged_before_a_farewell_has_reached_the_broker() {
    let (rabbit, queue) = crate::town::queues().await;
    for _ in 0..20 {
        queue.publish(Name::Stages, &Message::new(b"held".to_vec())).await.unwrap();
    }
    let mut consumer = queue.consume(Place::Work(Name::Stages), 20).await.unwrap();
    for _ in 0..20 {
        consumer.next().await.unwrap().ack().await.unwrap();
    }
    drop((queue, consumer));
    langflix_rabbitmq::farewell().await;
    let other = RabbitQueue::new(settings(&rabbit.url)).unwrap();
    assert_eq!(other.counts().await.unwrap()["stages.v1"].ready, 0);
}

#[test]
fn what_cannot_be_right_is_refused_before_the_broker_is_asked() {
    let of = |url: &str, ca_pem: Option<&str>| {
        let ca_pem = ca_pem.map(|pem| pem.as_bytes().to_vec());
        RabbitQueue::new(Settings { ca_pem, ..settings(url) }).err()
    };
    assert!(matches!(of("http://localhost", None), Some(SettingsError::Url)));
    assert!(matches!(of("amqps://localhost", Some("garbage")), Some(SettingsError::Authorities)));
    assert!(of("amqps://localhost", None).is_none());
}

#[test]
fn settings_keep_their_secrets() {
    let settings = Settings { password: "Pa55w0rd".to_owned(), ..settings("amqp://guest:Pa55w0rd@localhost/a") };
    let text = format!("{settings:?}");
    assert!(!text.contains("Pa55w0rd") && text.contains("localhost/a"), "{text}");
}
