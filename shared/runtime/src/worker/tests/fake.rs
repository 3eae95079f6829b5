//! A broker in memory that behaves like one: it pushes up to the prefetch, can be lost, and keeps book.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use langflix_ports::queue::{Consumer, Delivery, Error, ErrorKind, Message, Name, Place, Queue, Settle, Settled};
use tokio::{sync::Notify, time::Instant};

#[derive(Clone, Default)]
pub(super) struct Broker {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
pub(super) struct State {
    waiting: BTreeMap<Place, VecDeque<(Message, bool)>>,
    consumers: Vec<Consuming>,
    /// Why nothing can be consumed.
    pub(super) refusal: Option<(Place, ErrorKind, String)>,
    /// Whether it answers nothing at all.
    pub(super) mute: bool,
    /// When consuming was asked for.
    pub(super) asked: Vec<(Place, Instant)>,
    /// How deliveries were settled, by their bodies.
    pub(super) settled: Vec<(Vec<u8>, Settled)>,
    /// Messages that were given out and came back unsettled.
    pub(super) redelivered: usize,
}

struct Consuming {
    place: Place,
    prefetch: usize,
    /// Pushed and not asked for.
    pushed: VecDeque<(Message, bool)>,
    /// Given out and not settled.
    unsettled: BTreeMap<usize, Message>,
    given: usize,
    open: bool,
    lost: bool,
}

impl Broker {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        state.push();
        drop(state);
        self.changed.notify_waiters();
        changed
    }

    /// Lets messages wait in a work queue.
    pub(super) fn put(&self, name: Name, bodies: impl IntoIterator<Item = impl Into<Vec<u8>>>) {
        self.change(|state| {
            let queue = state.waiting.entry(Place::Work(name)).or_default();
            queue.extend(bodies.into_iter().map(|body| (Message::new(body.into()), false)));
        });
    }

    /// Lets a message wait in a work queue.
    pub(super) fn put_message(&self, name: Name, message: Message) {
        self.change(|state| state.waiting.entry(Place::Work(name)).or_default().push_back((message, false)));
    }

    /// Loses all connections.
    pub(super) fn lose(&self) {
        self.change(|state| {
            let State { consumers, waiting, redelivered, .. } = state;
            for consumer in consumers {
                consumer.lost = true;
                consumer.open = false;
                let back = std::mem::take(&mut consumer.unsettled).into_values();
                let back: Vec<_> = back.chain(consumer.pushed.drain(..).map(|(message, _)| message)).collect();
                *redelivered += back.len();
                waiting.entry(consumer.place).or_default().extend(back.into_iter().map(|message| (message, true)));
            }
        });
    }

    /// Answers again, or no more.
    pub(super) fn set_mute(&self, mute: bool) {
        self.change(|state| state.mute = mute);
    }

    /// The open consumers' places and prefetch.
    pub(super) fn open(&self) -> Vec<(Place, usize)> {
        let open = |consumer: &Consuming| consumer.open.then_some((consumer.place, consumer.prefetch));
        self.lock().consumers.iter().filter_map(open).collect()
    }

    /// How many messages are neither settled nor in hand.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.values().map(VecDeque::len).sum()
    }

    /// How deliveries were settled, in the order of their bodies.
    pub(super) fn settled(&self) -> Vec<(String, Settled)> {
        let text = |(body, how): &(Vec<u8>, Settled)| (String::from_utf8(body.clone()).unwrap(), how.clone());
        let mut settled: Vec<_> = self.lock().settled.iter().map(text).collect();
        settled.sort_by(|a, b| a.0.cmp(&b.0));
        settled
    }

    /// The bodies of messages that were done.
    pub(super) fn done(&self) -> Vec<String> {
        self.settled().into_iter().filter(|(_, how)| *how == Settled::Done).map(|(body, _)| body).collect()
    }

    /// The bodies of messages that were handed back.
    pub(super) fn handed_back(&self) -> Vec<String> {
        let back = |how: &Settled| matches!(how, Settled::Later { after, .. } if *after == Duration::ZERO);
        self.settled().into_iter().filter(|(_, how)| back(how)).map(|(body, _)| body).collect()
    }

    /// Waits until so many deliveries are settled.
    pub(super) async fn settles(&self, count: usize) {
        self.until(|state| state.settled.len() >= count).await;
    }

    /// Waits until `holds`.
    pub(super) async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    async fn answers(&self) {
        self.until(|state| !state.mute).await;
    }
}

impl State {
    /// Pushes to consumers what they have room for.
    fn push(&mut self) {
        let Self { consumers, waiting, .. } = self;
        for consumer in consumers.iter_mut().filter(|consumer| consumer.open) {
            let queue = waiting.entry(consumer.place).or_default();
            while consumer.pushed.len() + consumer.unsettled.len() < consumer.prefetch {
                let Some(message) = queue.pop_front() else { break };
                consumer.pushed.push_back(message);
            }
        }
    }
}

fn error(place: Place, kind: ErrorKind, message: &str) -> Error {
    Error { kind, queue: place.to_string(), message: message.to_owned() }
}

#[async_trait]
impl Queue for Broker {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), Error> {
        self.put_message(to, message.clone());
        Ok(())
    }

    async fn consume(&self, from: Place, prefetch: u16) -> Result<Box<dyn Consumer>, Error> {
        self.change(|state| state.asked.push((from, Instant::now())));
        self.answers().await;
        let id = self.change(|state| {
            if let Some((place, kind, message)) = state.refusal.clone().filter(|(place, ..)| *place == from) {
                return Err(error(place, kind, &message));
            }
            state.consumers.push(Consuming {
                place: from,
                prefetch: prefetch.into(),
                pushed: VecDeque::new(),
                unsettled: BTreeMap::new(),
                given: 0,
                open: true,
                lost: false,
            });
            Ok(state.consumers.len() - 1)
        })?;
        Ok(Box::new(Taker { broker: self.clone(), id }))
    }
}

struct Taker {
    broker: Broker,
    id: usize,
}

impl Taker {
    fn give(&self, state: &mut State) -> Option<Delivery> {
        let consumer = &mut state.consumers[self.id];
        let (message, redelivered) = consumer.pushed.pop_front()?;
        consumer.given += 1;
        consumer.unsettled.insert(consumer.given, message.clone());
        let settles = Settles { broker: self.broker.clone(), consumer: self.id, delivery: consumer.given };
        Some(Delivery::new(message, redelivered, Box::new(settles)))
    }
}

#[async_trait]
impl Consumer for Taker {
    async fn next(&mut self) -> Result<Delivery, Error> {
        let (broker, id) = (self.broker.clone(), self.id);
        broker.until(|state| state.consumers[id].lost || !state.consumers[id].pushed.is_empty()).await;
        let mut state = broker.lock();
        let place = state.consumers[id].place;
        self.give(&mut state).ok_or_else(|| error(place, ErrorKind::Unavailable, "the connection is lost"))
    }

    async fn cancel(self: Box<Self>) -> Result<Vec<Delivery>, Error> {
        self.broker.answers().await;
        self.broker.change(|state| {
            state.consumers[self.id].open = false;
            Ok(std::iter::from_fn(|| self.give(state)).collect())
        })
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.broker.change(|state| {
            let consumer = &mut state.consumers[self.id];
            consumer.open = false;
            let back: Vec<_> = consumer.pushed.drain(..).collect();
            let place = consumer.place;
            state.redelivered += back.len();
            state.waiting.entry(place).or_default().extend(back);
        });
    }
}

struct Settles {
    broker: Broker,
    consumer: usize,
    delivery: usize,
}

#[async_trait]
impl Settle for Settles {
    async fn settle(self: Box<Self>, how: Settled) -> Result<(), Error> {
        self.broker.answers().await;
        self.broker.change(|state| {
            let consumer = &mut state.consumers[self.consumer];
            let place = consumer.place;
            let message = consumer.unsettled.remove(&self.delivery);
            let message = message.ok_or_else(|| error(place, ErrorKind::Unavailable, "the connection is lost"))?;
            state.settled.push((message.body, how));
            Ok(())
        })
    }
}

impl Drop for Settles {
    fn drop(&mut self) {
        self.broker.change(|state| {
            let consumer = &mut state.consumers[self.consumer];
            let place = consumer.place;
            if let Some(message) = consumer.unsettled.remove(&self.delivery) {
                state.redelivered += 1;
                state.waiting.entry(place).or_default().push_back((message, true));
            }
        });
    }
}
