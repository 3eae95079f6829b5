use langflix_ports::queue::{Message, Name, Place, Queue, Shelf};
use tokio::time::{Duration, Instant};

use super::{consume, end, is_empty, must, next, nothing, publish, text};

/// Longest wait for what is handed back.
const SOON: Duration = Duration::from_secs(10);

pub(super) async fn what_is_done_is_gone(queue: &dyn Queue, name: Name) {
    publish(queue, name, ["done"]).await;
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    must(next(&mut consumer, "published").await.ack().await);
    nothing(&mut consumer, "done").await;
    end(consumer).await;
    is_empty(queue, Place::Work(name), "done").await;
}

pub(super) async fn what_is_buried_is_parked_with_its_reason(queue: &dyn Queue, name: Name) {
    let message = Message {
        attempt: 2,
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..Message::new(b"hopeless".to_vec())
    };
    must(queue.publish(name, &message).await);
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    must(next(&mut consumer, "published").await.bury("no such thing: \u{1f4a5}").await);
    nothing(&mut consumer, "buried").await;
    let parked = Message { reason: Some("no such thing: \u{1f4a5}".to_owned()), ..message };
    let mut shelf = consume(queue, Place::Shelf(name, Shelf::Parked), 1).await;
    let delivery = next(&mut shelf, "buried").await;
    assert!(delivery.message == parked, "buried: the message or its reason changed: {:?}", delivery.message);
    must(delivery.ack().await);
    nothing(&mut shelf, "taken from the shelf").await;
    end(shelf).await;
    end(consumer).await;
}

pub(super) async fn what_is_tried_again_comes_after_its_wait(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "tried again";
    const AFTER: Duration = Duration::from_secs(5);
    let message = Message { attempt: 1, trace: Some("00-1-2-01".to_owned()), ..Message::new(b"again".to_vec()) };
    must(queue.publish(name, &message).await);
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    let delivery = next(&mut consumer, WHAT).await;
    let began = Instant::now();
    must(delivery.retry(AFTER).await);
    // What waits takes no room.
    publish(queue, name, ["meanwhile"]).await;
    let meanwhile = next(&mut consumer, "published while another waits").await;
    assert_eq!(text(&meanwhile), "meanwhile", "{WHAT}: the message does not wait");
    must(meanwhile.ack().await);
    let again = next(&mut consumer, WHAT).await;
    // Clocks of two machines.
    assert!(began.elapsed() + Duration::from_millis(50) >= AFTER, "{WHAT}: it waits {:?} only", began.elapsed());
    assert!(again.message == Message { attempt: 2, ..message }, "{WHAT}: {:?} comes", again.message);
    assert!(!again.redelivered, "{WHAT}: its delivery before was settled");
    must(again.ack().await);
    end(consumer).await;
}

pub(super) async fn what_is_handed_back_comes_soon_and_was_not_tried(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "handed back";
    let message = Message { attempt: 1, ..Message::new(b"back".to_vec()) };
    must(queue.publish(name, &message).await);
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    let delivery = next(&mut consumer, WHAT).await;
    drop(consumer);
    let began = Instant::now();
    must(delivery.hand_back().await);
    let mut other = consume(queue, Place::Work(name), 1).await;
    let again = next(&mut other, WHAT).await;
    assert!(began.elapsed() < SOON, "{WHAT}: it comes after {:?} only", began.elapsed());
    assert!(again.message == message, "{WHAT}: {:?} comes", again.message);
    assert!(!again.redelivered, "{WHAT}: its delivery before was settled");
    must(again.ack().await);
    end(other).await;
}

pub(super) async fn a_long_wait_holds_up_no_short_one(queue: &dyn Queue, name: Name) {
    let mut consumer = consume(queue, Place::Work(name), 2).await;
    let began = Instant::now();
    for (body, seconds) in [("long", 30), ("short", 5)] {
        publish(queue, name, [body]).await;
        must(next(&mut consumer, body).await.retry(Duration::from_secs(seconds)).await);
    }
    for (body, seconds) in [("short", 5), ("long", 30)] {
        let delivery = next(&mut consumer, body).await;
        assert_eq!(text(&delivery), body, "a long wait holds up a short one");
        let waited = began.elapsed() + Duration::from_millis(50);
        assert!(waited >= Duration::from_secs(seconds), "{body}: it waits {waited:?} only");
        must(delivery.ack().await);
    }
    end(consumer).await;
}
