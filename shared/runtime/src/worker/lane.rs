use std::{pin::Pin, sync::Arc, time::Duration};

use backon::ExponentialBackoff;
use futures::future::BoxFuture;
use langflix_ports::queue::{Consumer, Delivery, Error, Place, Queue};
use tokio::time::{Instant, Sleep, sleep};

use super::task::within;
use crate::service::backoff;

/// A broker that takes longer to open or cancel a consumer is as good as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a lane is open before the next one may open.
const CHANCE: Duration = Duration::from_millis(50);

/// A consumer that lived that long shows that the queue is well again.
const STEADY: Duration = Duration::from_secs(10);

/// One queue of an intake, and how messages are taken from it at the moment.
pub(super) struct Lane {
    pub(super) place: Place,
    /// Slots of its own, where it has such.
    pub(super) own: Option<u16>,
    /// Messages begun and not settled.
    pub(super) running: isize,
    /// Why its queue cannot be consumed.
    pub(super) trouble: Option<String>,
    /// Whether it had trouble since a message last came.
    troubled: bool,
    /// Counts consumers.
    generation: u64,
    backoff: ExponentialBackoff,
    state: State,
}

enum State {
    Closed,
    Opening(BoxFuture<'static, Result<Box<dyn Consumer>, Error>>, u16),
    Open(Open),
    Cancelling(BoxFuture<'static, Result<Vec<Delivery>, Error>>),
    Waiting(Pin<Box<Sleep>>),
}

struct Open {
    consumer: Box<dyn Consumer>,
    /// Messages that it may give before one is settled. Less than none for a moment where one came in before it was seen
    /// that another is settled.
    left: isize,
    since: Instant,
}

/// What room a lane has for more messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It is to take none, also when some are settled.
    Shut,
    /// For so many now, and for as many more as are settled.
    For(isize),
}

/// What happened in a lane.
pub(super) enum Event {
    /// Its consumer was opened.
    Opened,
    /// Its consumer was lost or could not be opened.
    Failed,
    /// It may be opened again, or ended without a message.
    Closed,
    /// A message came, of the consumer of that generation.
    Came(Delivery, u64),
    /// Its consumer was cancelled, and these had come in.
    Cancelled(Vec<Delivery>),
}

impl Lane {
    pub(super) fn new(place: Place, own: Option<u16>) -> Self {
        Self {
            place,
            own,
            running: 0,
            trouble: None,
            troubled: false,
            generation: 0,
            backoff: backoff(),
            state: State::Closed,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Whether nothing comes from it any more unless it is opened.
    pub(super) fn is_shut(&self) -> bool {
        matches!(self.state, State::Closed | State::Waiting(_))
    }

    /// Gives it up, whatever it is about.
    pub(super) fn drop_consumer(&mut self) {
        self.state = State::Closed;
    }

    /// When the lanes after it may open: at once where it has trouble, after some time open, else not yet.
    pub(super) fn chance_ends(&self, now: Instant) -> Option<Instant> {
        match &self.state {
            _ if self.trouble.is_some() => Some(now),
            State::Open(open) => Some(open.since + CHANCE),
            _ => None,
        }
    }

    /// Whether it has no consumer and room for messages.
    pub(super) fn would_open(&self, room: Room) -> bool {
        matches!((&self.state, room), (State::Closed, Room::For(free)) if free > 0)
    }

    /// Brings it towards taking as many messages as there is room for.
    pub(super) fn adjust(&mut self, room: Room, queue: &Arc<dyn Queue>) {
        match room {
            Room::For(free) if self.would_open(room) => self.open(free, queue),
            _ => self.keep_or_cancel(room),
        }
    }

    /// Cancels a consumer with too few or too many messages left, whose number is fixed.
    pub(super) fn keep_or_cancel(&mut self, room: Room) {
        if matches!(&self.state, State::Open(open) if room != Room::For(open.left)) {
            self.cancel();
        }
    }

    fn open(&mut self, free: isize, queue: &Arc<dyn Queue>) {
        let prefetch = u16::try_from(free).unwrap_or(u16::MAX);
        let (queue, place) = (Arc::clone(queue), self.place);
        let opening = async move { within(ANSWER_WITHIN, &place.to_string(), queue.consume(place, prefetch)).await };
        self.state = State::Opening(Box::pin(opening), prefetch);
    }

    fn cancel(&mut self) {
        if let State::Open(open) = std::mem::replace(&mut self.state, State::Closed) {
            let place = self.place.to_string();
            let cancelling = async move { within(ANSWER_WITHIN, &place, open.consumer.cancel()).await };
            self.state = State::Cancelling(Box::pin(cancelling));
        }
    }

    /// A message of the consumer of `generation` was begun.
    pub(super) fn began(&mut self, generation: u64) {
        self.running += 1;
        if let State::Open(open) = &mut self.state
            && generation == self.generation
        {
            open.left -= 1;
        }
    }

    /// A message of the consumer of `generation` was settled.
    pub(super) fn settled(&mut self, generation: u64) {
        self.running -= 1;
        if let State::Open(open) = &mut self.state
            && generation == self.generation
        {
            open.left += 1;
        }
    }

    /// Waits for what happens next. Nothing is lost when this is dropped.
    pub(super) async fn next(&mut self) -> Event {
        match &mut self.state {
            State::Closed => std::future::pending().await,
            State::Opening(opening, prefetch) => {
                let (opened, left) = (opening.await, isize::try_from(*prefetch).unwrap_or(isize::MAX));
                self.opened(opened, left)
            }
            State::Open(open) => match open.consumer.next().await {
                Ok(delivery) => {
                    if self.troubled {
                        (self.troubled, self.backoff) = (false, backoff());
                    }
                    Event::Came(delivery, self.generation)
                }
                Err(error) => {
                    if open.since.elapsed() > STEADY {
                        self.backoff = backoff();
                    }
                    self.failed(&error)
                }
            },
            State::Cancelling(cancelling) => {
                let cancelled = cancelling.await;
                self.state = State::Closed;
                // Where that failed the consumer is gone as well; whether the queue is there is seen when it is opened.
                cancelled.map_or(Event::Closed, Event::Cancelled)
            }
            State::Waiting(sleep) => {
                sleep.await;
                self.state = State::Closed;
                Event::Closed
            }
        }
    }

    fn opened(&mut self, opened: Result<Box<dyn Consumer>, Error>, left: isize) -> Event {
        match opened {
            Ok(consumer) => {
                self.generation += 1;
                self.trouble = None;
                self.state = State::Open(Open { consumer, left, since: Instant::now() });
                Event::Opened
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &Error) -> Event {
        self.troubled = true;
        self.trouble = Some(error.to_string());
        let wait = self.backoff.next().unwrap_or(STEADY);
        self.state = State::Waiting(Box::pin(sleep(wait)));
        Event::Failed
    }
}
