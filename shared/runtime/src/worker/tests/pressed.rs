use super::*;
use crate::pressure::Short;
use langflix_measures::Closed;

const WHY: &str = "memory: 820 of 1,000 MB are used; no new task is taken above 80 %";

fn short(most: u16) -> Option<Short> {
    Some(Short { most, closed: Closed::Memory, why: WHY.to_owned() })
}

#[tokio::test(start_paused = true)]
async fn while_memory_is_short_messages_stay_in_the_queue_for_others_and_what_runs_goes_on() {
    let (broker, held, tell) = (Broker::default(), Held::new(), watch::Sender::new(None));
    broker.put(Name::EncodingBulk, ["1", "2"]);
    let (slots, _slots) = shared(4);
    let bench = Bench::under(Pressure::told(tell.subscribe()), &broker, slots, held.handler());
    millis(200).await;
    assert_eq!(held.running(), 2);
    tell.send_replace(short(0));
    millis(1).await;
    assert_eq!((broker.open(), bench.waits("work.intake").as_deref()), (vec![], Some(WHY)));
    broker.put(Name::EncodingBulk, ["3"]);
    held.let_go(1);
    broker.settles(1).await;
    sleep(Duration::from_mins(10)).await;
    assert_eq!((broker.done().len(), held.running(), broker.waiting()), (1, 1, 1));
    // Another worker, with room, takes it.
    let (slots, _others) = shared(1);
    let other = Bench::begin(&broker, slots, held.handler());
    millis(200).await;
    assert_eq!((broker.waiting(), held.running()), (0, 2));
    other.shutdown.signal();
    held.let_go(2);
    broker.settles(3).await;
    other.task.await.unwrap();
    broker.put(Name::EncodingBulk, ["4"]);
    millis(100).await;
    assert_eq!(broker.waiting(), 1);
    tell.send_replace(None);
    millis(200).await;
    assert_eq!((held.running(), bench.waits("work.intake")), (1, None), "it goes on when there is room again");
    held.let_go(1);
    broker.settles(4).await;
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn where_others_hold_the_memory_one_task_at_a_time_is_taken() {
    for slots in [own(Name::EncodingBulk, 3), shared(3).0] {
        let (broker, held, tell) = (Broker::default(), Held::new(), watch::Sender::new(short(1)));
        broker.put(Name::EncodingBulk, ["1", "2", "3"]);
        let bench = Bench::under(Pressure::told(tell.subscribe()), &broker, slots, held.handler());
        for settled in 1..=3 {
            millis(500).await;
            assert_eq!((held.running(), bench.waits("work.intake").is_some()), (1, true));
            held.let_go(1);
            broker.settles(settled).await;
        }
        assert_eq!(held.most.load(Ordering::SeqCst), 1);
        bench.ends().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_short_does_not_keep_a_worker_from_ending_nor_wake_it_when_nobody_tells_any_more() {
    let (broker, held, tell) = (Broker::default(), Held::new(), watch::Sender::new(short(0)));
    let bench = Bench::under(Pressure::told(tell.subscribe()), &broker, own(Name::Stages, 1), held.handler());
    millis(10).await;
    drop(tell);
    millis(10).await;
    let polls = bench.polls.load(Ordering::SeqCst);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.polls.load(Ordering::SeqCst), polls);
    assert_eq!(bench.waits("work.intake"), None, "whoever looked has ended: nothing is known to be short");
    bench.ends().await;
}
