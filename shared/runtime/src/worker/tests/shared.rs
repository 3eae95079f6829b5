use proptest::prelude::*;

use super::*;

#[tokio::test(start_paused = true)]
async fn the_first_lane_is_served_before_the_second() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::EncodingInteractive, ["i1", "i2", "i3"]);
    broker.put(Name::EncodingBulk, ["b1", "b2"]);
    let (slots, _sender) = shared(2);
    let bench = Bench::begin(&broker, slots, held.handler());
    for settled in 1..=4 {
        millis(200).await;
        assert_eq!((broker.open(), held.running()), (vec![], 2), "while no slot is free no message is taken");
        held.let_go(1);
        broker.settles(settled).await;
    }
    assert_eq!(held.begun(), ["i1", "i2", "i3", "b1", "b2"]);
    held.let_go(1);
    broker.settles(5).await;
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn the_second_lane_opens_when_the_first_had_its_chance() {
    let (broker, held) = (Broker::default(), Held::new());
    broker.put(Name::EncodingBulk, ["b1"]);
    let (slots, _sender) = shared(3);
    let bench = Bench::begin(&broker, slots, held.handler());
    millis(40).await;
    assert_eq!((broker.open(), held.running()), (vec![(INTERACTIVE, 3)], 0));
    millis(20).await;
    // One slot is taken: both consumers have been replaced by such as fit, the second after the first.
    assert_eq!((broker.open(), held.running()), (vec![(BULK, 3), (INTERACTIVE, 2)], 1));
    held.let_go(1);
    broker.settles(1).await;
    millis(60).await;
    assert_eq!(broker.open(), [(BULK, 3), (INTERACTIVE, 3)]);
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_excess_is_handed_back_at_once() {
    let (broker, held) = (Broker::default(), Held::new());
    let (slots, _sender) = shared(1);
    let bench = Bench::begin(&broker, slots, held.handler());
    millis(100).await;
    assert_eq!(broker.open(), [(INTERACTIVE, 1), (BULK, 1)]);
    broker.put(Name::EncodingInteractive, ["i1"]);
    broker.put(Name::EncodingBulk, ["b1"]);
    broker.settles(1).await;
    assert_eq!((held.begun(), broker.handed_back()), (vec!["i1".to_owned()], vec!["b1".to_owned()]));
    assert_eq!(broker.open(), []);
    held.let_go(1);
    broker.settles(2).await;
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn the_number_of_slots_may_change_and_none_means_no_message() {
    let (broker, held) = (Broker::default(), Held::new());
    let (slots, sender) = shared(0);
    let bench = Bench::begin(&broker, slots, held.handler());
    broker.put(Name::EncodingInteractive, ["1", "2", "3", "4", "5"]);
    millis(100).await;
    assert_eq!((broker.lock().asked.len(), bench.waits("work.intake")), (0, Some("has no slots now".to_owned())));
    sender.send_replace(2);
    millis(100).await;
    assert_eq!((held.running(), bench.waits("work.intake")), (2, None));
    sender.send_replace(4);
    millis(100).await;
    assert_eq!((held.running(), broker.open()), (4, vec![]));
    sender.send_replace(1);
    held.let_go(3);
    broker.settles(3).await;
    millis(100).await;
    assert_eq!((held.running(), broker.open()), (1, vec![]), "three have ended and none began");
    // Nobody is left to change it: the last number holds.
    drop(sender);
    held.let_go(2);
    broker.settles(5).await;
    assert_eq!((broker.done().len(), held.most.load(Ordering::SeqCst)), (5, 4));
    bench.ends().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_wakes_up_while_nothing_happens() {
    let (broker, held) = (Broker::default(), Held::new());
    let (slots, _sender) = shared(2);
    let bench = Bench::begin(&broker, slots, held.handler());
    millis(200).await;
    let polls = bench.polls.load(Ordering::SeqCst);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.polls.load(Ordering::SeqCst), polls);
    bench.ends().await;
}

/// What may happen to an intake with shared slots.
#[derive(Clone, Debug)]
enum Step {
    Interactive(u8),
    Bulk(u8),
    LetGo(u8),
    Slots(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..4u8).prop_map(Step::Interactive),
        (1..6u8).prop_map(Step::Bulk),
        (1..4u8).prop_map(Step::LetGo),
        (0..5usize).prop_map(Step::Slots),
        prop_oneof![Just(0), Just(1), Just(49), Just(51), 0..200u64].prop_map(Step::Wait),
    ]
}

async fn happens(steps: Vec<Step>) {
    let (broker, held) = (Broker::default(), Held::new());
    let (slots, sender) = shared(2);
    let bench = Bench::begin(&broker, slots, held.handler());
    let mut put = 0;
    let mut numbered = |count: u8| {
        put += usize::from(count);
        (put - usize::from(count)..put).map(|n| format!("{n:03}")).collect::<Vec<_>>()
    };
    for step in steps {
        match step {
            Step::Interactive(count) => broker.put(Name::EncodingInteractive, numbered(count)),
            Step::Bulk(count) => broker.put(Name::EncodingBulk, numbered(count)),
            Step::LetGo(count) => held.let_go(count.into()),
            Step::Slots(count) => drop(sender.send_replace(count)),
            Step::Wait(time) => millis(time).await,
        }
        let prefetch: Vec<usize> = broker.open().iter().map(|(_, prefetch)| *prefetch).collect();
        assert!(prefetch.iter().all(|prefetch| (1..=4).contains(prefetch)), "{prefetch:?}");
        assert!(held.running() <= 4);
    }
    sender.send_replace(3);
    held.let_go(put);
    broker.settles(put).await;
    let settled: Vec<String> = broker.settled().into_iter().map(|(body, _)| body).collect();
    assert_eq!(settled, (0..put).map(|n| format!("{n:03}")).collect::<Vec<_>>(), "each exactly once");
    let mut begun = held.begun();
    begun.sort();
    assert_eq!((begun, held.most.load(Ordering::SeqCst) <= 4), (broker.done(), true));
    bench.ends().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_happens_each_message_is_settled_once_and_slots_are_kept(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(happens(steps));
    }
}
