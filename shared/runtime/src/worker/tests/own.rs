use super::*;

fn analysis() -> Slots {
    let lane = |name, slots| (Place::Work(name), NonZeroU16::new(slots).unwrap());
    Slots::Own(vec![lane(Name::AnalysisInteractive, 2), lane(Name::AnalysisBulk, 3)])
}

#[tokio::test(start_paused = true)]
async fn each_lane_takes_as_many_messages_as_it_has_slots() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::AnalysisInteractive, ["i1", "i2", "i3"]);
    broker.put(Name::AnalysisBulk, ["b1", "b2", "b3", "b4"]);
    let bench = Bench::begin(&broker, analysis(), held.handler());
    millis(10).await;
    assert_eq!((held.running(), broker.waiting()), (5, 2));
    let open = [(Place::Work(Name::AnalysisInteractive), 2), (Place::Work(Name::AnalysisBulk), 3)];
    assert_eq!(broker.open(), open);
    held.let_go(7);
    broker.settles(7).await;
    assert_eq!((broker.done().len(), broker.lock().asked.len()), (7, 2), "the consumers stay the same");
    assert_eq!((bench.waits("work.queue"), bench.waits("work.intake")), (None, None));
    bench.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_message_is_handed_back_and_no_slot_is_overdrawn() {
    const MESSAGES: usize = 3000;
    let broker = Broker::default();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&running), Arc::clone(&most));
    broker.put(Name::AnalysisBulk, (0..MESSAGES).map(|n| n.to_string()));
    let bench = Bench::begin(&broker, analysis(), move |job: Job| {
        let (running, most) = counts.clone();
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if job.body.last().is_some_and(|digit| digit % 2 == 0) {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            End::Done
        }
    });
    broker.settles(MESSAGES).await;
    assert_eq!((broker.done().len(), broker.lock().asked.len()), (MESSAGES, 2));
    assert_eq!(most.load(Ordering::SeqCst), 3);
    bench.ends().await;
}
