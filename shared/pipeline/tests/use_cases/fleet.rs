//! Runs that are led through queues, by processes that end anywhere and messages that come twice, late or never.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{EpisodeStatus, Failure, FailureKind, Footage, Lane, Manifest, RunId, Stage, TaskId};
use langflix_pipeline::{
    EncodingTask, Ended, Error, RunRequest, Try,
    fleet::{
        Dispatcher, Order, Requests, Submitted, Survey, Sweeper, TaskOrder, Worker, latest_runs, manifest, runs, state,
        submit,
    },
    retry_failed,
};
use langflix_ports::{
    llm::{ErrorKind, LanguageModel},
    media::ClipEncoder,
    queue::{self, Consumer, Message, Name, Place, Queue},
    store::ArtifactStore,
    tally::{self, Tally},
};

use crate::{
    encoding::planned,
    episode::{Room, cue, cutter, episode, text},
    fakes::{Encoder, Failing, Memory, Model, Remembering, trouble},
};

/// Messages by queue, and whether the next one is refused.
#[derive(Default)]
struct Messages {
    waiting: Mutex<BTreeMap<Name, VecDeque<Message>>>,
    /// Messages to lose, once they are published.
    lost: Mutex<Vec<Name>>,
}

impl Messages {
    fn take(&self) -> Option<(Name, Message)> {
        let mut waiting = self.waiting.lock().unwrap();
        let (name, queue) = waiting.iter_mut().find(|(_, queue)| !queue.is_empty())?;
        Some((*name, queue.pop_front()?))
    }

    fn count(&self, name: Name) -> usize {
        self.waiting.lock().unwrap().get(&name).map_or(0, VecDeque::len)
    }

    fn lose_all(&self) {
        self.waiting.lock().unwrap().clear();
    }
}

#[async_trait]
impl Queue for Messages {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), queue::Error> {
        let mut lost = self.lost.lock().unwrap();
        match lost.iter().position(|name| *name == to) {
            Some(at) => drop(lost.remove(at)),
            None => self.waiting.lock().unwrap().entry(to).or_default().push_back(message.clone()),
        }
        Ok(())
    }

    async fn consume(&self, _from: Place, _prefetch: u16) -> Result<Box<dyn Consumer>, queue::Error> {
        unreachable!("messages are taken by hand here")
    }
}

/// Counts, unless it is away.
#[derive(Default)]
struct Counts {
    done: Mutex<BTreeMap<(RunId, &'static str), BTreeSet<TaskId>>>,
    away: bool,
}

#[async_trait]
impl Tally for Counts {
    async fn done(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<u32, tally::Error> {
        if self.away {
            return Err(tally::Error { message: "away".to_owned() });
        }
        let mut done = self.done.lock().unwrap();
        let tasks = done.entry((run.clone(), stage.as_str())).or_default();
        tasks.insert(task.clone());
        Ok(u32::try_from(tasks.len()).unwrap())
    }

    async fn forget(&self, run: &RunId, stage: Stage) -> Result<(), tally::Error> {
        self.done.lock().unwrap().remove(&(run.clone(), stage.as_str()));
        Ok(())
    }
}

/// A fleet whose processes are all here.
struct Fleet<'a> {
    room: &'a Room,
    store: &'a dyn ArtifactStore,
    queue: Messages,
    tally: Counts,
    /// What its workers remember of runs.
    requests: Requests,
    /// What its dispatchers remember of runs.
    read: Requests,
    in_flight: u32,
    /// How often each message is delivered.
    deliveries: usize,
}

impl<'a> Fleet<'a> {
    fn new(room: &'a Room) -> Self {
        let (queue, tally) = (Messages::default(), Counts::default());
        let (requests, read) = (Requests::default(), Requests::default());
        Self { room, store: &room.store, queue, tally, requests, read, in_flight: 32, deliveries: 1 }
    }

    fn dispatcher(&self) -> Dispatcher<'_> {
        Dispatcher {
            store: self.store,
            queue: &self.queue,
            tally: &self.tally,
            requests: &self.read,
            in_flight: self.in_flight,
            trace: None,
            follows: &|_| (),
        }
    }

    fn worker(&self) -> Worker<'_> {
        Worker { store: self.store, queue: &self.queue, tally: &self.tally, trace: None }
    }

    async fn submit(&self, asked: &RunRequest, lane: Lane) -> Submitted {
        submit(self.store, &self.queue, asked, lane, None).await.unwrap().1
    }

    async fn handle(
        &self,
        order: &Order,
        this: Try<'_>,
        model: &dyn LanguageModel,
        encoder: &dyn ClipEncoder,
    ) -> Result<Option<Failure>, Error> {
        let (dispatcher, requests, scratch) = (self.dispatcher(), &self.requests, self.room.scratch());
        let ended = match order {
            Order::PlanEpisode { run } => return dispatcher.plan_episode(run).await.map(|()| None),
            Order::StageDone { run, stage } => return dispatcher.stage_done(run, *stage).await.map(|()| None),
            Order::Advance { run, stage, from } => return dispatcher.advance(run, *stage, *from).await.map(|()| None),
            Order::Cancel { run } => return dispatcher.cancel(run).await.map(|()| None),
            Order::AnalyseChunk(order) => self.worker().chunk(model, requests, order, this).await?,
            Order::EncodeClip(order) => {
                self.worker().clip(cutter(encoder, &scratch), requests, order, this, &|_| {}).await?
            }
        };
        Ok(match ended {
            Ended::Recorded(_) => None,
            Ended::Later { failure, .. } | Ended::HandedBack(failure) => Some(failure),
        })
    }

    /// Works until no message is left. Gives how many were taken.
    async fn work(&self, model: &dyn LanguageModel, encoder: &dyn ClipEncoder) -> usize {
        let mut taken = 0;
        while let Some((name, message)) = self.queue.take() {
            let order = Order::read(&message.body).unwrap();
            for delivery in 0..self.deliveries {
                let this = Try {
                    repeated: delivery > 0 || message.attempt > 0,
                    last: message.attempt >= 4,
                    alone: false,
                    trace: None,
                };
                taken += 1;
                if self.handle(&order, this, model, encoder).await.unwrap().is_some() {
                    let again = Message { attempt: message.attempt + 1, ..message.clone() };
                    self.queue.publish(name, &again).await.unwrap();
                }
            }
        }
        taken
    }

    async fn manifest(&self, asked: &RunRequest) -> Option<Manifest> {
        let key = format!("runs/{}/manifest.json", asked.run().unwrap());
        Some(serde_json::from_slice(&self.room.store.get(&key).await.unwrap()?).unwrap())
    }

    async fn is_open(&self) -> bool {
        !self.room.store.list("open/").await.unwrap().is_empty()
    }
}

async fn undisturbed(asked: &RunRequest) -> String {
    text(&Room::new().drive(&Model::good(), &Encoder::good(), asked).await)
}

#[tokio::test]
async fn a_fleet_gives_the_manifest_of_one_process_and_works_on_each_task_once() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, model, encoder) = (Fleet::new(&room), Model::good(), Encoder::good());
    assert_eq!(fleet.submit(&asked, Lane::Bulk).await, Submitted::New);
    assert_eq!(fleet.submit(&asked, Lane::Bulk).await, Submitted::Underway);
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
async fn what_is_lost_on_the_way_is_made_good_by_the_sweeper() {
    let (room, asked) = (Room::new(), episode());
    let (model, encoder) = (Model::good(), Encoder::good());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Bulk).await;
    let mut sweeper = Sweeper::new(Duration::ZERO);
    // Whatever lies in a queue is lost each time, after two messages more were worked on.
    for round in 0.. {
        assert!(round < 100, "the run never ends");
        if fleet.manifest(&asked).await.is_some() {
            break;
        }
        // One plans, and the other is its first task.
        for _ in 0..2 {
            let Some((_, message)) = fleet.queue.take() else { continue };
            fleet.handle(&Order::read(&message.body).unwrap(), Try::ONLY, &model, &encoder).await.unwrap();
        }
        fleet.queue.lose_all();
        fleet.tally.done.lock().unwrap().clear();
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
    }
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
    assert_eq!((model.asks().len(), encoder.tried().len()), (4, 4), "nothing is done twice");
}

#[tokio::test]
async fn an_end_that_nobody_noticed_is_noticed_long_before_silence() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Bulk).await;
    let mut sweeper = Sweeper::new(Duration::from_secs(3600));
    let mut ended = 0;
    for _stage in 0..2 {
        fleet.queue.lost.lock().unwrap().push(Name::Stages);
        fleet.work(&Model::good(), &Encoder::good()).await;
        assert_eq!(sweeper.sweep(fleet.dispatcher()).await.unwrap().ended, 0, "somebody may be about to go on");
        ended += sweeper.sweep(fleet.dispatcher()).await.unwrap().ended;
    }
    fleet.work(&Model::good(), &Encoder::good()).await;
    assert_eq!(ended, 2);
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
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

    assert_eq!(retry_failed(&room.store, &asked).await.unwrap(), 1);
    fleet.dispatcher().plan_episode(&asked.run().unwrap()).await.unwrap();
    let encoder = Encoder::good();
    fleet.work(&Model::good(), &encoder).await;
    assert_eq!(encoder.tried().len(), 1, "only what failed");
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

#[tokio::test]
async fn a_worker_with_another_model_answers_for_nobody() {
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
    fleet.work(&other, &Encoder::good()).await;
    let manifest = fleet.manifest(&asked).await.unwrap();
    assert_eq!((manifest.status, other.0.asks().len()), (EpisodeStatus::Failed, 0));
    assert!(manifest.failures[0].failure.message.contains("fake/one"), "{:?}", manifest.failures[0]);
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

#[tokio::test]
async fn what_the_sweeper_publishes_belongs_to_the_span_that_the_run_was_submitted_in() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    submit(&room.store, &fleet.queue, &asked, Lane::Bulk, Some(TRACE)).await.unwrap();
    assert_eq!(fleet.queue.take().unwrap().1.trace.as_deref(), Some(TRACE), "its first message is lost");
    let mut sweeper = Sweeper::new(Duration::ZERO);
    for _ in 0..2 {
        sweeper.sweep(fleet.dispatcher()).await.unwrap();
    }
    let (name, message) = fleet.queue.take().unwrap();
    assert_eq!((name, message.trace.as_deref()), (Name::Episodes, Some(TRACE)));
}

#[tokio::test]
async fn the_step_that_ends_a_stage_is_told_the_spans_of_its_tasks_and_outcomes_without_one_are_read() {
    let (room, asked) = (Room::new(), episode());
    let fleet = Fleet::new(&room);
    fleet.submit(&asked, Lane::Interactive).await;
    let (followed, model, encoder) = (Mutex::new(Vec::new()), Model::good(), Encoder::good());
    let follows = |trace: &str| followed.lock().unwrap().push(trace.to_owned());
    let mut given: Vec<String> = Vec::new();
    while let Some((_, message)) = fleet.queue.take() {
        let number = given.len();
        let trace = format!("00-0af7651916cd43dd8448eb211c80319c-{number:016x}-01");
        // Every third outcome is one of an older worker.
        let trace = (!number.is_multiple_of(3)).then_some(trace);
        let worker = Worker { trace: trace.as_deref(), ..fleet.worker() };
        let scratch = room.scratch();
        match Order::read(&message.body).unwrap() {
            Order::AnalyseChunk(order) => {
                worker.chunk(&model, &fleet.requests, &order, Try::ONLY).await.unwrap();
            }
            Order::EncodeClip(order) => {
                let cutter = cutter(&encoder, &scratch);
                worker.clip(cutter, &fleet.requests, &order, Try::ONLY, &|_| ()).await.unwrap();
            }
            Order::PlanEpisode { run } => {
                fleet.dispatcher().plan_episode(&run).await.unwrap();
                continue;
            }
            Order::StageDone { run, stage } => {
                let dispatcher = Dispatcher { follows: &follows, ..fleet.dispatcher() };
                dispatcher.stage_done(&run, stage).await.unwrap();
                let mut expected: Vec<String> = given.drain(..).filter(|trace| !trace.is_empty()).collect();
                let mut found = std::mem::take(&mut *followed.lock().unwrap());
                expected.sort();
                found.sort();
                assert!(expected.len() > 1 && found == expected, "{found:?} instead of {expected:?}");
                continue;
            }
            other => panic!("{other:?}"),
        }
        given.push(trace.unwrap_or_default());
    }
    assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await);
}

/// Works until the end of the analysis is told, and takes what was asked for and its plan out of the store.
async fn analysed(fleet: &Fleet<'_>, run: &RunId) {
    fleet.dispatcher().plan_episode(run).await.unwrap();
    let chunk = |queue: &Messages| queue.waiting.lock().unwrap().get_mut(&Name::AnalysisBulk)?.pop_front();
    while let Some(message) = chunk(&fleet.queue) {
        let order = Order::read(&message.body).unwrap();
        fleet.handle(&order, Try::ONLY, &Model::good(), &Encoder::good()).await.unwrap();
    }
    for key in ["request.json", "analysis/plan.json"] {
        fleet.store.delete(&format!("runs/{run}/{key}")).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_planned_a_run_goes_on_without_reading_what_never_changes() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Bulk).await;
    analysed(&fleet, &run).await;
    let other = Requests::default();
    let other = Dispatcher { requests: &other, ..fleet.dispatcher() };
    assert!(matches!(other.stage_done(&run, Stage::Analysis).await, Err(Error::NoRun { .. })));
    fleet.dispatcher().stage_done(&run, Stage::Analysis).await.unwrap();
    assert_eq!(fleet.queue.waiting.lock().unwrap()[&Name::EncodingBulk].len(), 4);
    assert!(matches!(fleet.dispatcher().plan_episode(&run).await, Err(Error::NoRun { .. })), "planning reads anew");
}

#[tokio::test]
async fn runs_with_very_many_cues_are_not_kept_beside_others() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Bulk).await;
    analysed(&fleet, &run).await;
    let mut long = RunRequest { source_identity: "long".to_owned(), ..asked };
    long.transcript.cues = (0..40_000).map(|n| cue(n * 4000, "Nobody came.")).collect();
    long.settings.chunk_size = 1_000_000;
    long.settings.max_input_length = 1_000_000;
    fleet.submit(&long, Lane::Bulk).await;
    fleet.dispatcher().plan_episode(&long.run().unwrap()).await.unwrap();
    assert!(matches!(fleet.dispatcher().stage_done(&run, Stage::Analysis).await, Err(Error::NoRun { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_with_what_it_has_and_can_be_taken_up_again() {
    for chunks in [0, 2, 4] {
        let (room, asked) = (Room::new(), episode());
        let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
        fleet.submit(&asked, Lane::Bulk).await;
        let (model, encoder) = (Model::good(), Encoder::good());
        fleet.dispatcher().plan_episode(&run).await.unwrap();
        for _ in 0..chunks {
            let at = |queue: &Messages| queue.waiting.lock().unwrap().get_mut(&Name::AnalysisBulk)?.pop_front();
            let order = Order::read(&at(&fleet.queue).unwrap().body).unwrap();
            fleet.handle(&order, Try::ONLY, &model, &encoder).await.unwrap();
        }
        fleet.dispatcher().cancel(&run).await.unwrap();
        // Workers notice it some seconds later.
        tokio::time::advance(Duration::from_secs(5)).await;
        fleet.work(&model, &encoder).await;
        let manifest = fleet.manifest(&asked).await.unwrap();
        assert_ne!(manifest.status, EpisodeStatus::Complete);
        assert!(manifest.failures.iter().any(|failure| failure.failure.kind == FailureKind::Cancelled));
        assert_eq!((model.asks().len(), encoder.tried().len()), (chunks, 0), "nothing more is spent on it");
        assert!(!fleet.is_open().await);

        retry_failed(&room.store, &asked).await.unwrap();
        fleet.dispatcher().plan_episode(&run).await.unwrap();
        fleet.work(&model, &encoder).await;
        assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await, "cancelled after {chunks}");
        assert_eq!(model.asks().len(), 4, "no answer is asked for twice");
    }
}

#[tokio::test]
async fn runs_are_found_by_show_season_and_episode_and_tell_where_they_stand() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Interactive).await;
    let of = |show: Option<&str>, season, episode| Survey { show: show.map(str::to_owned), season, episode };
    for survey in [of(None, None, None), of(Some("The Show"), None, None), of(Some("the-show"), Some(1), Some(2))] {
        assert_eq!(runs(&room.store, &survey).await.unwrap(), BTreeSet::from([run.clone()]));
    }
    assert!(runs(&room.store, &of(Some("The Show"), Some(2), None)).await.unwrap().is_empty());
    let before = state(&room.store, &run).await.unwrap();
    assert_eq!((before.ending.as_ref(), before.lane, before.analysis), (None, Some(Lane::Interactive), None));
    assert!(before.is_known() && before.submitted_at_ms.is_some());
    fleet.dispatcher().plan_episode(&run).await.unwrap();
    let planned = state(&room.store, &run).await.unwrap().analysis.unwrap();
    assert_eq!((planned.done, planned.tasks), (0, 4));
    fleet.work(&Model::good(), &Encoder::good()).await;
    let ended = state(&room.store, &run).await.unwrap();
    let ending = ended.ending.unwrap();
    assert_eq!((ending.status, ending.clips, ended.encoding.unwrap().tasks), (EpisodeStatus::Complete, 4, 4));
    assert!(!ended.cancelled && ending.usage.requests > 0);
}

#[tokio::test]
async fn the_run_that_was_submitted_last_comes_first() {
    let room = Room::new();
    let fleet = Fleet::new(&room);
    let mut submitted = Vec::new();
    for language in ["ja", "ko", "de"] {
        let mut asked = episode();
        asked.settings.language = language.parse().unwrap();
        fleet.submit(&asked, Lane::Bulk).await;
        submitted.insert(0, asked.run().unwrap());
        // The times are told apart by milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let survey = Survey { show: Some("The Show".to_owned()), season: Some(1), episode: Some(2) };
    assert_eq!(latest_runs(&room.store, &survey).await.unwrap(), submitted);
    assert_eq!(manifest(&room.store, &submitted[0]).await.unwrap(), None);
}
