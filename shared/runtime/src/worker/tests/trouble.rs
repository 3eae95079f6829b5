use langflix_ports::queue::ErrorKind;

use super::*;

fn refuses(broker: &Broker, place: Place, kind: ErrorKind, message: &str) {
    broker.lock().refusal = Some((place, kind, message.to_owned()));
}

fn gaps(broker: &Broker) -> Vec<Duration> {
    let times: Vec<Instant> = broker.lock().asked.iter().map(|(_, time)| *time).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_not_there_yet_is_waited_for_ever_more_patiently() {
    let broker = Broker::default();
    broker.put(Name::Stages, ["a"]);
    refuses(&broker, Place::Work(Name::Stages), ErrorKind::Missing, "is not declared");
    let bench = Bench::begin(&broker, own(Name::Stages, 1), |_| async { End::Done });
    sleep(Duration::from_secs(120)).await;
    assert_eq!(bench.waits("work.queue").unwrap(), "queue stages.v1: is not declared");
    let gaps = gaps(&broker);
    assert!(gaps[0] >= Duration::from_millis(200) && gaps[0] <= Duration::from_millis(400), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= Duration::from_secs(10)) && gaps.len() < 30, "{gaps:?}");
    assert!(gaps.iter().skip(6).all(|gap| *gap >= Duration::from_secs(5)), "{gaps:?}");
    broker.lock().refusal = None;
    broker.settles(1).await;
    assert_eq!(bench.waits("work.queue"), None);
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_answer_is_told_of_as_well() {
    let broker = Broker::default();
    broker.set_mute(true);
    broker.put(Name::Stages, ["a"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), |_| async { End::Done });
    sleep(Duration::from_secs(31)).await;
    let waits = bench.waits("work.queue").unwrap();
    assert_eq!(waits, "queue stages.v1: the broker gave no answer within 30 s");
    broker.set_mute(false);
    broker.settles(1).await;
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_connection_work_goes_on_within_the_same_slots() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::Stages, ["1", "2", "3"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 2), held.handler());
    millis(10).await;
    broker.lose();
    millis(1000).await;
    assert_eq!((held.running(), held.begun().len()), (2, 2), "both slots are still taken");
    assert!(bench.waits("work.queue").is_some(), "a queue is only known to be there when it is consumed");
    // Those of before end first, one by one: the consumer of after takes as much more each time.
    for _ in 0..2 {
        held.let_go(1);
        millis(1000).await;
        assert_eq!((held.running(), bench.waits("work.queue")), (2, None));
    }
    held.let_go(3);
    broker.settles(3).await;
    assert_eq!((broker.done(), held.most.load(Ordering::SeqCst)), (vec!["1".into(), "2".into(), "3".into()], 2));
    bench.shutdown.signal();
    bench.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_in_trouble_does_not_keep_the_next_one_shut() {
    let (broker, held) = (Broker::default(), Held::new());
    refuses(&broker, INTERACTIVE, ErrorKind::Missing, "is not declared");
    broker.put(Name::EncodingBulk, ["b1"]);
    let (slots, _sender) = shared(1);
    let bench = Bench::begin(&broker, slots, held.handler());
    millis(100).await;
    assert_eq!(held.begun(), ["b1"]);
    assert_eq!(bench.waits("work.queue").unwrap(), "queue encoding.interactive.v1: is not declared");
    held.let_go(1);
    broker.settles(1).await;
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_fails_task_after_task_stops_and_tries_one_now_and_then() {
    let broker = Broker::default();
    broker.put(Name::Stages, (0..20).map(|n| format!("{n:02}")));
    let well = Arc::new(AtomicUsize::new(0));
    let is_well = Arc::clone(&well);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), move |_| {
        let end = if is_well.load(Ordering::SeqCst) > 0 { End::Done } else { failed(Fault::Worker) };
        async { end }
    });
    // A message that came in when the last failure was settled is handed back.
    let failures = || broker.settled().len() - broker.done().len() - broker.handed_back().len();
    broker.settles(5).await;
    sleep(Duration::from_secs(9)).await;
    assert_eq!((failures(), broker.handed_back().len(), broker.open()), (5, 1, vec![]));
    let waits = bench.waits("work.intake").unwrap();
    assert_eq!(waits, "5 tasks failed in a row, the last one: no ffmpeg; one is tried after 10 s");
    sleep(Duration::from_secs(2)).await;
    assert_eq!((failures(), broker.handed_back().len()), (6, 1), "one was tried and none came with it");
    well.store(1, Ordering::SeqCst);
    sleep(Duration::from_secs(17)).await;
    assert_eq!(broker.done().len(), 0, "the second pause is twice as long");
    broker.settles(20).await;
    assert_eq!((bench.waits("work.intake"), broker.done().len()), (None, 13));
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_not_the_workers_do_not_stop_it() {
    let broker = Broker::default();
    broker.put(Name::Stages, (0..20).map(|n| n.to_string()));
    let bench = Bench::begin(&broker, own(Name::Stages, 1), |_| async { failed(Fault::Elsewhere) });
    broker.settles(20).await;
    assert_eq!(bench.waits("work.intake"), None);
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_hands_its_message_back_and_stops_the_intake_for_its_time() {
    let broker = Broker::default();
    broker.put(Name::Stages, ["1", "2"]);
    let calls = Arc::new(AtomicUsize::new(0));
    let called = Arc::clone(&calls);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), move |_| {
        let first = called.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            let pause = End::Pause {
                lasting: Duration::from_secs(600),
                why: Why::new(Reason::QuotaExhausted, "the day's quota is used up"),
            };
            if first { pause } else { End::Done }
        }
    });
    sleep(Duration::from_secs(599)).await;
    assert_eq!((calls.load(Ordering::SeqCst), broker.open()), (1, vec![]));
    assert_eq!(bench.waits("work.intake").unwrap(), "paused: the day's quota is used up");
    assert!(broker.handed_back().contains(&"1".to_owned()));
    broker.put(Name::Stages, ["3"]);
    broker.until(|state| state.settled.iter().any(|(body, _)| body == b"3")).await;
    assert_eq!((broker.done().contains(&"3".to_owned()), bench.waits("work.intake")), (true, None));
    bench.ends().await;
}
