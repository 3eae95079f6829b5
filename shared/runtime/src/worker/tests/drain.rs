use super::*;

#[tokio::test(start_paused = true)]
async fn draining_finishes_what_runs_and_takes_nothing_new() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::Stages, ["1", "2", "3"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 2), held.handler());
    millis(10).await;
    bench.shutdown.signal();
    millis(1000).await;
    assert_eq!((held.running(), broker.open(), bench.task.is_finished()), (2, vec![], false));
    assert_eq!(bench.waits("work.intake").unwrap(), "was told to end");
    held.let_go(2);
    bench.task.await.unwrap();
    assert_eq!((broker.done(), broker.waiting()), (vec!["1".into(), "2".into()], 1));
    assert_eq!(broker.lock().redelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_and_not_begun_is_handed_back() {
    let (broker, held) = (Broker::default(), Held::new());
    let (slots, _sender) = shared(2);
    let bench = Bench::begin(&broker, slots, held.handler());
    millis(10).await;
    // Both happen before the intake runs again.
    broker.put(Name::EncodingInteractive, ["1", "2"]);
    bench.shutdown.signal();
    bench.task.await.unwrap();
    assert_eq!((broker.handed_back(), held.begun()), (vec!["1".into(), "2".into()], vec![]));
    assert_eq!(broker.lock().redelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn what_runs_beyond_the_limit_is_dropped_and_handed_back() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::Stages, ["1", "2"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 2), held.handler());
    millis(10).await;
    bench.shutdown.signal();
    let began = Instant::now();
    bench.task.await.unwrap();
    assert!(began.elapsed() >= DRAIN && began.elapsed() < DRAIN + Duration::from_secs(1));
    assert_eq!((broker.handed_back(), held.running()), (vec!["1".into(), "2".into()], 0));
    assert_eq!(broker.lock().redelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_hands_back_at_once() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::Stages, ["1", "2"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 2), held.handler());
    millis(10).await;
    bench.shutdown.signal();
    millis(1000).await;
    bench.shutdown.signal();
    let began = Instant::now();
    bench.task.await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(100));
    assert_eq!((broker.handed_back(), held.running()), (vec!["1".into(), "2".into()], 0));
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_in_bounded_time_though_the_broker_is_silent() {
    for running in [false, true] {
        let (broker, held) = (Broker::default(), Held::new());
        if running {
            broker.put(Name::Stages, ["1"]);
        }
        let bench = Bench::begin(&broker, own(Name::Stages, 2), held.handler());
        millis(10).await;
        broker.set_mute(true);
        bench.shutdown.signal();
        bench.shutdown.signal();
        let began = Instant::now();
        bench.task.await.unwrap();
        assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(held.running(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_at_once_though_the_queue_was_never_there() {
    let broker = Broker::default();
    broker.lock().refusal =
        Some((Place::Work(Name::Stages), langflix_ports::queue::ErrorKind::Unavailable, "refused".to_owned()));
    let bench = Bench::begin(&broker, own(Name::Stages, 2), |_| async { End::Done });
    millis(5000).await;
    bench.shutdown.signal();
    let began = Instant::now();
    bench.task.await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}
