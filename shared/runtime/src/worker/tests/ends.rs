use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_is_settled_as_the_end_of_its_task_says() {
    let broker = Broker::default();
    broker.put(Name::Stages, ["bury", "done", "hand back", "retry", "retry after"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), |job: Job| async move {
        let why = Why::new(Reason::Input, "because");
        match job.body.as_slice() {
            b"bury" => End::Bury { why, fault: Fault::Elsewhere },
            b"hand back" => End::HandBack { why, fault: Fault::Elsewhere },
            b"retry" => End::Retry { after: None, why, fault: Fault::Elsewhere },
            b"retry after" => End::Retry { after: Some(Duration::from_secs(77)), why, fault: Fault::Worker },
            _ => End::Done,
        }
    });
    broker.settles(5).await;
    let settled = broker.settled();
    let how = |body: &str| settled.iter().find(|(other, _)| other == body).unwrap().1.clone();
    assert_eq!(how("done"), Settled::Done);
    let Settled::Parked { message } = how("bury") else { panic!("{settled:?}") };
    assert_eq!((message.body.as_slice(), message.reason.as_deref()), (&b"bury"[..], Some("because")));
    let later = |body| match how(body) {
        Settled::Later { message, after } => (message.body, message.attempt, after.as_secs()),
        other => panic!("{other:?}"),
    };
    assert_eq!(later("hand back"), (b"hand back".to_vec(), 0, 0));
    assert_eq!(later("retry after"), (b"retry after".to_vec(), 1, 77));
    let (body, attempt, seconds) = later("retry");
    assert!(body == b"retry" && attempt == 1 && (2..8).contains(&seconds), "{attempt} {seconds}");
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_task_an_attempt_and_nothing_else() {
    let broker = Broker::default();
    broker.put(Name::Stages, ["a", "panic", "panic in the call", "z"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), |job: Job| {
        assert!(job.body != b"panic in the call", "a text");
        async move {
            assert!(job.body != b"panic", "a text");
            End::Done
        }
    });
    broker.settles(4).await;
    assert_eq!(broker.done(), ["a", "z"]);
    for (body, how) in &broker.settled()[1..3] {
        let Settled::Later { message, .. } = how else { panic!("{how:?}") };
        assert!(message.attempt == 1 && body.starts_with("panic"));
    }
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_is_dropped_and_tried_again() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::Stages, ["a"]);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), held.handler());
    sleep(TASK_LIMIT - Duration::from_secs(1)).await;
    assert_eq!((held.running(), broker.settled().len()), (1, 0));
    sleep(Duration::from_secs(2)).await;
    assert!(matches!(&broker.settled()[0].1, Settled::Later { message, .. } if message.attempt == 1));
    assert_eq!(held.running(), 0);
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_knows_its_message_and_belongs_to_its_thread() {
    let broker = Broker::default();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let message =
        Message { body: b"a".to_vec(), attempt: 3, reason: Some("was dead".to_owned()), trace: Some(trace.to_owned()) };
    broker.put_message(Name::Stages, message);
    broker.put(Name::Stages, ["b"]);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let bench = Bench::begin(&broker, own(Name::Stages, 1), move |job: Job| {
        sees.lock().unwrap().push((job.attempt, job.reason, job.redelivered, job.from, job.trace));
        async { failed(Fault::Elsewhere) }
    });
    broker.settles(2).await;
    let seen = seen.lock().unwrap().clone();
    let (attempt, reason, redelivered, from, of_message) = seen[0].clone();
    assert_eq!((attempt, reason.as_deref(), redelivered), (3, Some("was dead"), false));
    assert_eq!((from, of_message.id().as_str()), (Place::Work(Name::Stages), &trace[3..35]));
    assert_ne!(of_message.to_string(), trace, "it has a span of its own");
    let thread = |how: Settled| match how {
        Settled::Later { message, .. } => crate::trace::Trace::parse(&message.trace.unwrap()).unwrap().id(),
        other => panic!("{other:?}"),
    };
    let traces: Vec<_> = broker.settled().into_iter().map(|(_, how)| thread(how)).collect();
    assert_eq!(traces, [of_message.id(), seen[1].4.id()], "a message without a thread keeps the one it was given");
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_shown_with_what_it_concerns() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::Stages, ["chunk-7"]);
    let handler = held.handler();
    let bench = Bench::begin(&broker, own(Name::Stages, 1), move |job: Job| {
        job.concerns("suits-s01e02-0123abcd", "chunk-7");
        handler(job)
    });
    millis(10).await;
    let shown = serde_json::to_value(bench.health.running().shown()).unwrap();
    assert_eq!((&shown[0]["run"], &shown[0]["task"]), (&"suits-s01e02-0123abcd".into(), &"chunk-7".into()));
    held.let_go(1);
    broker.settles(1).await;
    assert!(bench.health.running().shown().is_empty());
    bench.ends().await;
}

#[test]
fn a_job_shows_no_body() {
    let running = crate::health::Running::default();
    let job = Job {
        body: b"secret".to_vec(),
        from: BULK,
        attempt: 0,
        redelivered: true,
        reason: None,
        trace: crate::trace::Trace::begin(),
        entry: Arc::new(running.enter(&"q".into(), 0)),
    };
    assert_eq!(format!("{job:?}"), "Job(6 bytes of encoding.bulk.v1, attempt 0, redelivered true)");
}
