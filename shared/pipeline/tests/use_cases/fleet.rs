//! Runs that are led through queues, by processes that end anywhere and messages that come twice, late or never.

use async_trait::async_trait;
use langflix_domain::{EpisodeStatus, Failure, FailureKind, Footage, Lane, Stage};
use langflix_pipeline::{
    EncodingTask, Try,
    fleet::{Dispatcher, Order, Submitted, TaskOrder, submit},
    retry_failed,
};
use langflix_ports::{
    llm::{ErrorKind, LanguageModel},
    queue::{Name, Queue},
};

use crate::{
    encoding::planned,
    episode::{Room, episode, text},
    fakes::{Encoder, Failing, Memory, Model, Remembering, trouble},
    queues::{Counts, Fleet, undisturbed},
};

#[tokio::test]
async fn a_run_that_cannot_be_published_is_not_open() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    *fleet.queue.refused.lock().unwrap() = Some("ACCESS_REFUSED");
    let refused = submit(fleet.store, &fleet.queue, &asked, Lane::Bulk, None).await.unwrap_err();
    assert!(refused.to_string().contains("ACCESS_REFUSED") && !fleet.is_open().await, "{refused}");
    *fleet.queue.refused.lock().unwrap() = None;
    assert_eq!(fleet.submit(&asked, Lane::Bulk).await, Submitted::New);
    assert_eq!(fleet.queue.count(Name::Episodes), 1);
}

#[tokio::test]
async fn a_fleet_gives_the_manifest_of_one_process_and_works_on_each_task_once() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, model, encoder) = (Fleet::new(&room), Model::good(), Encoder::good());
    assert_eq!(fleet.submit(&asked, Lane::Bulk).await, Submitted::New);
    assert_eq!(fleet.submit(&asked, Lane::Interactive).await, Submitted::Underway(Lane::Bulk));
    fleet.work(&model, &encoder).await;
    let manifest = fleet.manifest(&asked).await.unwrap();
    assert_eq!(text(&manifest), undisturbed(&asked).await);
    assert_eq!((model.asks().len(), encoder.tried().len()), (4, 4));
    assert!(!fleet.is_open().await && fleet.tally.done.lock().unwrap().is_empty());
    assert_eq!(fleet.submit(&asked, Lane::Bulk).await, Submitted::Ended(EpisodeStatus::Complete));
    assert_eq!(fleet.work(&model, &encoder).await, 0, "a run that has ended is left alone");
}

#[tokio::test]
async fn messages_that_come_twice_change_nothing_and_cost_nothing() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet { deliveries: 2, ..Fleet::new(&room) };
    let (model, encoder, memory) = (Model::good(), Encoder::good(), Memory::default());
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.work(&Remembering(&model, &memory), &encoder).await;
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
    assert_eq!((model.asks().len(), encoder.tried().len()), (4, 4));
    assert!(!fleet.is_open().await);
}

#[tokio::test]
async fn a_bulk_run_has_few_tasks_in_flight_and_an_interactive_one_all() {
    for (lane, first) in [(Lane::Bulk, 2), (Lane::Interactive, 4)] {
        let (room, asked) = (Room::new(), episode());
        let fleet = Fleet { in_flight: 3, ..Fleet::new(&room) };
        fleet.submit(&asked, lane).await;
        let run = asked.run().unwrap();
        fleet.dispatcher().plan_episode(&run).await.unwrap();
        let queue = langflix_pipeline::fleet::work_queue(Stage::Analysis, lane);
        assert_eq!(fleet.queue.count(queue), first, "{lane:?}");
        fleet.work(&Model::good(), &Encoder::good()).await;
        assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
    }
}

#[tokio::test]
async fn each_clip_is_ordered_with_all_that_its_run_cuts() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    let plan = planned(&room, &asked).await;
    fleet.dispatcher().plan_episode(&asked.run().unwrap()).await.unwrap();
    let all = Footage::of(plan.tasks.iter().map(|task| task.clip.as_ref().unwrap().bounds));
    assert_eq!(all.clips, 4);
    let mut seen = 0;
    while let Some((_, message)) = fleet.queue.take() {
        let Order::EncodeClip(order) = Order::read(&message.body).unwrap() else { panic!("{message:?}") };
        assert_eq!(order.footage, Some(all));
        // As an older program writes it.
        let older = Order::EncodeClip(Box::new(TaskOrder::<EncodingTask> { footage: None, ..*order }));
        let message = older.message(None).unwrap();
        assert!(!message.body.windows(7).any(|part| part == b"footage"));
        assert_eq!(Order::read(&message.body).unwrap(), older);
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[tokio::test]
async fn without_a_tally_the_store_tells_the_end_of_a_stage() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet { tally: Counts { away: true, ..Counts::default() }, ..Fleet::new(&room) };
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.work(&Model::good(), &Encoder::good()).await;
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

#[tokio::test]
async fn a_stages_end_that_several_tell_has_its_clips_published_once() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet { tally: Counts { away: true, ..Counts::default() }, ..Fleet::new(&room) };
    let run = asked.run().unwrap();
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&run).await.unwrap();
    while let Some((_, message)) = fleet.queue.take() {
        match Order::read(&message.body).unwrap() {
            order @ Order::AnalyseChunk(_) => {
                fleet.handle(&order, Try::ONLY, &Model::good(), &Encoder::good()).await.unwrap();
            }
            Order::StageDone { .. } => break,
            _ => {}
        }
    }
    let clips = || std::iter::from_fn(|| fleet.queue.take()).count();
    fleet.dispatcher().stage_done(&run, Stage::Analysis).await.unwrap();
    assert_eq!(clips(), 4);
    fleet.dispatcher().stage_done(&run, Stage::Analysis).await.unwrap();
    assert_eq!(clips(), 0, "they are on their way");
    // Whoever planned them ended before it had published them.
    Dispatcher { repeated: true, ..fleet.dispatcher() }.stage_done(&run, Stage::Analysis).await.unwrap();
    assert_eq!(clips(), 4);
}

#[tokio::test]
async fn a_process_that_ends_at_any_step_leaves_a_run_that_goes_on() {
    let asked = episode();
    let expected = undisturbed(&asked).await;
    for done in [false, true] {
        for good in 0.. {
            let (room, encoder) = (Room::new(), Encoder::good());
            let failing = Failing::after(&room.store, good, done);
            let mut fleet = Fleet { in_flight: 3, ..Fleet::new(&room) };
            fleet.submit(&asked, Lane::Bulk).await;
            let healthy = fleet.store;
            fleet.store = &failing;
            let mut broke = false;
            while let Some((name, message)) = fleet.queue.take() {
                let order = Order::read(&message.body).unwrap();
                let again = Try { repeated: broke, last: true, alone: false, trace: None };
                if let Err(error) = fleet.handle(&order, again, &Model::good(), &encoder).await {
                    assert!(error.passes(), "{error}");
                    // The message was not settled, and comes again to another process.
                    (broke, fleet.store) = (true, healthy);
                    fleet.queue.publish(name, &message).await.unwrap();
                }
            }
            assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), expected, "after {good} operations, {done}");
            assert!(!fleet.is_open().await);
            if !broke {
                assert!(good > 20, "the run was stopped at {good} steps only");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again_and_one_that_stays_is_recorded() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    let model = Model::new(|ask| match ask.before {
        0 | 1 => Err(ErrorKind::Unavailable),
        _ => Ok(crate::fakes::good(&ask.request)),
    });
    let first = asked.transcript.cues[0].span.end;
    let broken = Encoder::new(move |spec, _| (spec.scene.start < first).then(|| trouble(FailureKind::TimedOut, true)));
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.work(&model, &broken).await;
    let manifest = fleet.manifest(&asked).await.unwrap();
    assert_eq!(
        (manifest.status, manifest.completeness.chunks_ok, manifest.failures.len()),
        (EpisodeStatus::Partial, 4, 1)
    );
    assert_eq!(manifest.failures[0].failure.kind, FailureKind::TimedOut);

    assert_eq!(retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap(), 1);
    fleet.dispatcher().plan_episode(&asked.run().unwrap()).await.unwrap();
    let encoder = Encoder::good();
    fleet.work(&Model::good(), &encoder).await;
    assert_eq!(encoder.tried().len(), 1, "only what failed");
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

#[tokio::test]
async fn a_worker_with_another_model_answers_for_nobody_and_leaves_the_chunk_to_others() {
    struct Other(Model, langflix_domain::Digest);
    #[async_trait]
    impl LanguageModel for Other {
        fn name(&self) -> &str {
            "fake/two"
        }
        fn fingerprint(&self) -> &langflix_domain::Digest {
            &self.1
        }
        async fn ask(
            &self,
            request: &langflix_domain::AnalysisRequest,
            feedback: &[langflix_domain::RejectedItem],
        ) -> Result<langflix_ports::llm::Answer, langflix_ports::llm::Error> {
            self.0.ask(request, feedback).await
        }
    }
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    let other = Other(Model::good(), langflix_domain::Digest::of_bytes(b"another"));
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&asked.run().unwrap()).await.unwrap();
    let message = fleet.queue.waiting.lock().unwrap().get_mut(&Name::AnalysisBulk).unwrap().pop_front().unwrap();
    let order = Order::read(&message.body).unwrap();
    let back = fleet.handle(&order, Try::ONLY, &other, &Encoder::good()).await.unwrap().unwrap();
    assert!(back.message.contains("for fake/one and this worker asks fake/two"), "{back:?}");
    assert_eq!(other.0.asks().len(), 0);
    fleet.queue.publish(Name::AnalysisBulk, &message).await.unwrap();
    fleet.work(&Model::good(), &Encoder::good()).await;
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

#[tokio::test]
async fn a_task_that_is_given_up_ends_its_stage_and_a_plan_that_is_ends_its_run() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    let crashed = || Failure { kind: FailureKind::Crashed, message: "its worker ended".to_owned() };
    fleet.submit(&asked, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&asked.run().unwrap()).await.unwrap();
    while let Some((_, message)) = fleet.queue.take() {
        let order = Order::read(&message.body).unwrap();
        match &order {
            Order::AnalyseChunk(task) if task.task.chunk.position == 2 => {
                fleet.dispatcher().give_up(&order, crashed()).await.unwrap();
            }
            order => drop(fleet.handle(order, Try::ONLY, &Model::good(), &Encoder::good()).await.unwrap()),
        }
    }
    let manifest = fleet.manifest(&asked).await.unwrap();
    assert_eq!((manifest.status, manifest.clips.len()), (EpisodeStatus::Partial, 3));
    assert_eq!(manifest.failures[0].failure.kind, FailureKind::Crashed);

    let room = Room::new();
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Bulk).await;
    let (_, message) = fleet.queue.take().unwrap();
    fleet.dispatcher().give_up(&Order::read(&message.body).unwrap(), crashed()).await.unwrap();
    let manifest = fleet.manifest(&asked).await.unwrap();
    assert_eq!((manifest.status, manifest.failures.len()), (EpisodeStatus::Failed, 1));
    assert!(!fleet.is_open().await);
}
