use futures::{FutureExt as _, future::join_all, join};
use langflix_ports::queue::{Delivery, Message, Name, Place, Queue, Shelf};
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep},
};

use super::{PATIENCE, Seen, consume, end, is_empty, must, next, nothing, publish, text};

pub(super) async fn a_message_arrives_in_its_queue_as_it_was_published(queue: &dyn Queue) {
    let large: Vec<u8> = (0..1u32 << 18).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for name in Name::ALL {
        let of_queue = Message::new(name.as_str().into());
        let messages = [
            of_queue.clone(),
            Message::new(Vec::new()),
            Message::new(large.clone()),
            Message { attempt: 3, ..of_queue.clone() },
            Message { attempt: u32::MAX, ..of_queue.clone() },
            Message { trace: Some(trace.to_owned()), ..of_queue.clone() },
            Message { reason: Some("왜?\nbecause \"it\" failed \u{0}".to_owned()), ..of_queue },
        ];
        for message in &messages {
            must(queue.publish(name, message).await);
        }
        let mut consumer = consume(queue, Place::Work(name), 1).await;
        for message in &messages {
            let delivery = next(&mut consumer, name.as_str()).await;
            assert!(delivery.message == *message, "{name}: a message changed on its way: {delivery:?}");
            assert!(!delivery.redelivered, "{name}: a message is told to come again when it comes first");
            must(delivery.ack().await);
        }
        nothing(&mut consumer, "once all were taken").await;
        end(consumer).await;
    }
}

pub(super) async fn a_consumer_holds_no_more_than_its_prefetch(queue: &dyn Queue, name: Name) {
    const WHAT: &str = "beyond the prefetch";
    publish(queue, name, 0..5).await;
    let mut narrow = consume(queue, Place::Work(name), 2).await;
    let mut held = vec![next(&mut narrow, WHAT).await, next(&mut narrow, WHAT).await];
    nothing(&mut narrow, WHAT).await;
    let mut wide = consume(queue, Place::Work(name), 10).await;
    for _ in 0..3 {
        held.push(next(&mut wide, "what another has no room for").await);
    }
    let mut seen = Seen::default();
    held.iter().for_each(|delivery| seen.add(delivery));
    seen.each_of(0..5, "two consumers");
    end(wide).await;
    // Room is made by any way of settling.
    must(held.remove(0).ack().await);
    must(held.remove(0).bury("aside").await);
    publish(queue, name, 5..7).await;
    for _ in 0..2 {
        held.push(next(&mut narrow, "once there is room again").await);
    }
    for delivery in held {
        must(delivery.ack().await);
    }
    let mut parked = consume(queue, Place::Shelf(name, Shelf::Parked), 1).await;
    must(next(&mut parked, "parked").await.ack().await);
    end(parked).await;
    end(narrow).await;
}

pub(super) async fn a_consumer_waits_for_what_is_published_later(queue: &dyn Queue, name: Name) {
    let mut consumer = consume(queue, Place::Work(name), 1).await;
    let later = async {
        sleep(Duration::from_millis(100)).await;
        publish(queue, name, ["later"]).await;
    };
    let (delivery, ()) = join!(next(&mut consumer, "published later"), later);
    must(delivery.ack().await);
    end(consumer).await;
}

pub(super) async fn who_stops_waiting_for_a_message_misses_none(queue: &dyn Queue, name: Name) {
    const COUNT: usize = 200;
    let mut consumer = consume(queue, Place::Work(name), 5).await;
    let mut seen = Seen::default();
    let take = async {
        let began = Instant::now();
        for _ in 0..COUNT {
            let delivery = loop {
                // Asks once, and gives up where nothing is there at once.
                match consumer.next().now_or_never() {
                    Some(delivery) => break must(delivery),
                    None => sleep(Duration::from_millis(1)).await,
                }
                assert!(began.elapsed() < PATIENCE, "who stops waiting for a message loses it");
            };
            assert!(!delivery.redelivered, "who stops waiting for a message loses its first delivery");
            seen.add(&delivery);
            must(delivery.ack().await);
        }
    };
    join!(publish(queue, name, 0..COUNT), take);
    seen.each_of(0..COUNT, "who stops waiting");
    end(consumer).await;
}

pub(super) async fn what_a_consumer_has_left_when_it_is_cancelled_is_not_lost(queue: &dyn Queue, name: Name) {
    publish(queue, name, 0..20).await;
    let mut consumer = consume(queue, Place::Work(name), 10).await;
    let mut all: Vec<Delivery> = vec![next(&mut consumer, "before it is cancelled").await];
    all.extend(must(consumer.cancel().await));
    assert!(all.len() <= 10, "a cancelled consumer gives more than its prefetch");
    let mut other = consume(queue, Place::Work(name), 20).await;
    while all.len() < 20 {
        all.push(next(&mut other, "what a cancelled consumer did not give").await);
    }
    let mut seen = Seen::default();
    all.iter().for_each(|delivery| seen.add(delivery));
    seen.each_of(0..20, "a cancelled consumer");
    let again: Vec<String> = all.iter().filter(|delivery| delivery.redelivered).map(text).collect();
    assert!(again.is_empty(), "to cancel a consumer counts as a crash: {again:?} come again");
    for delivery in all {
        must(delivery.ack().await);
    }
    end(other).await;
    is_empty(queue, Place::Work(name), "what was taken before the consumer was cancelled, and is done").await;
}

pub(super) async fn many_who_publish_and_take_lose_and_double_nothing(queue: &dyn Queue, name: Name) {
    const EACH: usize = 50;
    const PUBLISHERS: usize = 8;
    const CONSUMERS: usize = 4;
    const WHAT: &str = "many who publish and take";
    let bodies = |who| (0..EACH).map(move |n| format!("{who}/{n}"));
    let taken = watch::Sender::new(Seen::default());
    let all = |seen: &Seen| seen.0.values().sum::<usize>() >= PUBLISHERS * EACH;
    let take = async |_| {
        let mut consumer = consume(queue, Place::Work(name), 7).await;
        let mut seen = taken.subscribe();
        loop {
            let delivery = tokio::select! {
                delivery = next(&mut consumer, WHAT) => delivery,
                _ = seen.wait_for(all) => break,
            };
            taken.send_modify(|seen| seen.add(&delivery));
            must(delivery.ack().await);
        }
        end(consumer).await;
    };
    let publishers = (0..PUBLISHERS).map(|who| publish(queue, name, bodies(who)));
    join!(join_all(publishers), join_all((0..CONSUMERS).map(take)));
    taken.borrow().each_of((0..PUBLISHERS).flat_map(bodies), WHAT);
    is_empty(queue, Place::Work(name), WHAT).await;
}
