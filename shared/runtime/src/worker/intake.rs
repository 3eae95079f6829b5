use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use langflix_measures::Closed;
use langflix_ports::queue::{Delivery, Queue};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    End, Intake, Job, Slots,
    gate::{Gate, Opening},
    lane::{Event, Lane, Room},
    phase::{Due, Phase},
    task::{self, Context, LaneContext, Slot, Verdict},
    told::{State, Told},
};
use crate::{health::Health, pressure::Pressure, shutdown::Shutdown};

/// An intake at work.
pub(super) struct Taking<H> {
    name: &'static str,
    queue: Arc<dyn Queue>,
    lanes: Vec<Lane>,
    shared: Option<Shared>,
    gate: Gate,
    tasks: JoinSet<Ended>,
    context: Arc<Context<H>>,
    shutdown: Shutdown,
    drain: Duration,
    pressure: Pressure,
    phase: Phase,
    told: Told,
}

/// Slots that all lanes share.
struct Shared {
    slots: watch::Receiver<usize>,
    /// Whether nobody is left who could change their number.
    fixed: bool,
}

/// A task that ended: its lane, the generation of its consumer, and what it means; nothing where it was not begun.
struct Ended {
    lane: usize,
    generation: u64,
    verdict: Option<Verdict>,
}

impl<H, F> Taking<H>
where
    H: Fn(Job) -> F + Send + Sync + 'static,
    F: Future<Output = End> + Send + 'static,
{
    pub(super) fn new(intake: Intake, health: &Health, shutdown: Shutdown, handler: H) -> Self {
        let Intake { name, queue, slots, drain, pressure } = intake;
        let (lanes, shared): (Vec<Lane>, _) = match slots {
            Slots::Own(lanes) => {
                (lanes.into_iter().map(|(place, own)| Lane::new(place, Some(own.get()))).collect(), None)
            }
            Slots::Shared(places, slots) => {
                let lanes = places.into_iter().map(|place| Lane::new(place, None)).collect();
                (lanes, Some(Shared { slots, fixed: false }))
            }
        };
        let context = Context {
            handler,
            running: health.running().clone(),
            hand_back: CancellationToken::new(),
            lanes: lanes.iter().map(|lane| LaneContext::new(lane.place)).collect(),
        };
        Self {
            name,
            queue,
            lanes,
            shared,
            gate: Gate::default(),
            tasks: JoinSet::new(),
            context: Arc::new(context),
            shutdown,
            drain,
            pressure,
            phase: Phase::Taking,
            told: Told::new(name, health),
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            let wake = self.adjust(now);
            if self.is_over(now) {
                break;
            }
            let Self { tasks, lanes, shared, shutdown, phase, pressure, .. } = &mut self;
            let (taking, draining) = (*phase == Phase::Taking, matches!(phase, Phase::Draining { .. }));
            tokio::select! {
                biased;
                () = shutdown.draining(), if taking => self.drain(),
                () = shutdown.handing_back(), if draining => self.hand_back(),
                // Before lanes: a slot that is free again serves what comes in.
                Some(ended) = tasks.join_next() => if let Ok(ended) = ended { self.ended(ended) },
                () = changed(shared) => {}
                () = pressure.changed(), if taking => {}
                () = until(wake) => {}
                (lane, event) = next(lanes) => self.happened(lane, event),
            }
        }
        match self.tasks.len() {
            0 => tracing::info!(intake = self.name, "has ended"),
            left => tracing::warn!(intake = self.name, left, "has ended; the messages of what is left come again"),
        }
    }

    /// Brings the lanes to where they should be. Gives when to look again by oneself.
    fn adjust(&mut self, now: Instant) -> Option<Instant> {
        let ends = self.advance(now);
        self.gate.press(self.pressure.short());
        let Opening { most, again } = self.gate.opening(now);
        let mut wake = [ends, again].into_iter().flatten().min();
        // From when the lane at hand may open; unknown while one before it is about to.
        let mut chance = Some(now);
        for at in 0..self.lanes.len() {
            let room = self.room(at, most);
            match chance {
                Some(from) if from <= now => self.lanes[at].adjust(room, &self.queue),
                Some(from) if self.lanes[at].would_open(room) => wake = Some(wake.map_or(from, |wake| wake.min(from))),
                _ => self.lanes[at].keep_or_cancel(room),
            }
            if self.shared.is_some() {
                chance = chance.zip(self.lanes[at].chance_ends(now)).map(|(before, own)| before.max(own));
            }
        }
        self.tell();
        wake
    }

    /// How many more messages lane `at` may take while at most `most` tasks may run.
    fn room(&self, at: usize, most: Option<u16>) -> Room {
        let running = || self.lanes.iter().map(|lane| lane.running).sum::<isize>();
        let free = match (self.lanes[at].own, &self.shared) {
            (Some(own), _) => slots(own) - self.lanes[at].running,
            (None, Some(shared)) => slots(shared.count()) - running(),
            (None, None) => 0,
        };
        let free = most.map_or(free, |most| free.min(slots(most) - running()));
        // An open consumer with none left takes the next message by itself when one is settled; where lanes share, the
        // first lane must have its chance before.
        let shut = free <= 0 && (most.is_some() || self.shared.is_some());
        if shut { Room::Shut } else { Room::For(free) }
    }

    /// Whether a task of lane `at` may begin now.
    fn is_free(&mut self, at: usize) -> bool {
        let busy = &self.context.lanes;
        let all = busy.iter().map(LaneContext::busy).sum::<usize>();
        let slot = match (self.lanes[at].own, &self.shared) {
            (Some(own), _) => busy[at].busy() < own.into(),
            (None, Some(shared)) => all < shared.count().into(),
            (None, None) => false,
        };
        slot && self.gate.opening(Instant::now()).most.is_none_or(|most| all < most.into())
    }

    fn happened(&mut self, at: usize, event: Event) {
        match event {
            Event::Opened | Event::Failed => {
                self.told.queue(self.lanes.iter().find_map(|lane| lane.trouble.as_deref()));
            }
            Event::Closed => {}
            Event::Came(delivery, generation) => self.begin_or_hand_back(at, generation, delivery),
            Event::Cancelled(deliveries) => {
                deliveries.into_iter().for_each(|delivery| self.begin_or_hand_back(at, 0, delivery));
            }
        }
    }

    fn begin_or_hand_back(&mut self, at: usize, generation: u64, delivery: Delivery) {
        if !self.is_free(at) {
            let lane = &self.context.lanes[at];
            let back = task::hand_back(delivery, lane.place, Arc::clone(&lane.queue));
            self.tasks.spawn(back.map(move |()| Ended { lane: at, generation, verdict: None }));
            return;
        }
        self.lanes[at].began(generation);
        let work = task::work(Slot::take(&self.context, at), delivery);
        // Handlers' panics are caught within; one of an adapter that settles must not cost a slot.
        let work = AssertUnwindSafe(work).catch_unwind();
        self.tasks.spawn(work.map(move |verdict| {
            let verdict = verdict.unwrap_or_else(|_| Verdict::Failed("settling panicked".to_owned()));
            Ended { lane: at, generation, verdict: Some(verdict) }
        }));
    }

    fn ended(&mut self, Ended { lane, generation, verdict }: Ended) {
        let Some(verdict) = verdict else { return };
        self.lanes[lane].settled(generation);
        self.pressure.look_again();
        let now = Instant::now();
        match verdict {
            Verdict::Succeeded => self.gate.breaker.succeeded(),
            Verdict::Failed(why) => self.gate.breaker.failed(now, &why),
            Verdict::Paused(lasting, why) => self.gate.pause(now, lasting, why),
            Verdict::Nothing => {}
        }
    }

    fn drain(&mut self) {
        self.gate.drain();
        self.phase = Phase::draining(Instant::now(), self.drain);
    }

    fn hand_back(&mut self) {
        self.context.hand_back.cancel();
        self.phase = Phase::handing_back(Instant::now());
    }

    /// Goes on towards the end where a time has come. Gives when the next one comes.
    fn advance(&mut self, now: Instant) -> Option<Instant> {
        match self.phase.due(now) {
            Due::Nothing(next) => next,
            Due::DropConsumers(next) => {
                self.lanes.iter_mut().for_each(Lane::drop_consumer);
                Some(next)
            }
            Due::HandBack => {
                self.hand_back();
                self.advance(now)
            }
            Due::GiveUp => {
                self.tasks.abort_all();
                None
            }
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let quiet = self.tasks.is_empty() && self.lanes.iter().all(Lane::is_shut);
        (self.phase != Phase::Taking && quiet) || self.phase.due(now) == Due::GiveUp
    }

    fn tell(&mut self) {
        let none = || self.shared.as_ref().is_some_and(|shared| shared.count() == 0);
        let state = match self.phase {
            Phase::Taking => match self.gate.why() {
                Some((closed, why)) => State::Waits(closed, why),
                None if none() => State::Rests(Closed::NoSlots, "has no slots now"),
                None => State::Taking,
            },
            Phase::Draining { .. } | Phase::HandingBack { .. } => State::Rests(Closed::Draining, "was told to end"),
        };
        self.told.consumers(&self.lanes);
        self.told.intake(state, self.lanes.iter().any(Lane::is_open));
    }
}

impl Shared {
    fn count(&self) -> u16 {
        // A consumer's number has 16 bits.
        u16::try_from(*self.slots.borrow()).unwrap_or(u16::MAX)
    }
}

fn slots(count: u16) -> isize {
    isize::try_from(count).unwrap_or(isize::MAX)
}

/// Waits until the number of shared slots has changed.
async fn changed(shared: &mut Option<Shared>) {
    match shared {
        Some(Shared { slots, fixed }) if !*fixed => *fixed = slots.changed().await.is_err(),
        _ => std::future::pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// What happens next in any of the lanes, the first ones first.
async fn next(lanes: &mut [Lane]) -> (usize, Event) {
    if lanes.is_empty() {
        return std::future::pending().await;
    }
    let all = lanes.iter_mut().map(|lane| Box::pin(lane.next()));
    let (event, lane, _) = futures::future::select_all(all).await;
    (lane, event)
}
