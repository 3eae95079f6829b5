use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use langflix_ports::queue::{
    Consumer, Delivery, Error, ErrorKind, Message, Name, Place, Queue, Settle, Settled, Shelf,
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// Deliveries that may be lost before a message is given up, as in the fleet.
const DELIVERY_LIMIT: u32 = 5;
/// What is handed back waits, too: else one who cannot take it gets it again and again without a pause.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// As in the fleet.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Queues in this process's memory, with wait queues by tokio's clock. Clones are the same; when the last one is gone,
/// so are the messages.
#[derive(Clone, Debug, Default)]
pub struct MemoryQueue {
    broker: Arc<Broker>,
}

#[derive(Debug, Default)]
struct Broker {
    messages: Mutex<Messages>,
    /// Told when a consumer may find something that it did not find before.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Messages {
    ready: HashMap<Place, VecDeque<Waiting>>,
    /// By when their wait is over; the number keeps those apart that end at the same moment.
    later: BTreeMap<(Instant, u64), (Name, Message)>,
    waits: u64,
}

/// A message and how often its delivery was lost.
#[derive(Debug)]
struct Waiting {
    message: Message,
    lost: u32,
}

impl Waiting {
    fn new(message: Message) -> Self {
        Self { message, lost: 0 }
    }
}

impl Messages {
    fn put(&mut self, place: Place, waiting: Waiting) {
        self.ready.entry(place).or_default().push_back(waiting);
    }

    fn wait(&mut self, name: Name, message: Message, after: Duration) {
        self.waits += 1;
        let end = Instant::now() + after.clamp(SHORTEST_WAIT, LONGEST_WAIT);
        self.later.insert((end, self.waits), (name, message));
    }

    /// Puts where it belongs what has waited long enough, and says when the next wait ends.
    fn ripen(&mut self) -> Option<Instant> {
        let now = Instant::now();
        while let Some(first) = self.later.first_entry() {
            let (end, _) = *first.key();
            if end > now {
                return Some(end);
            }
            let (name, message) = first.remove();
            self.put(Place::Work(name), Waiting::new(message));
        }
        None
    }

    /// Takes back what was delivered and not settled; what was lost too often goes to the dead shelf.
    fn take_back(&mut self, place: Place, waiting: Waiting) {
        let lost = waiting.lost + 1;
        match place {
            Place::Work(name) if lost > DELIVERY_LIMIT => {
                self.put(Place::Shelf(name, Shelf::Dead), Waiting::new(waiting.message));
            }
            // It had its turn before those that came after it.
            _ => self.ready.entry(place).or_default().push_front(Waiting { lost, ..waiting }),
        }
    }
}

impl Broker {
    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Messages)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), Error> {
        self.broker.change(|messages| messages.put(Place::Work(to), Waiting::new(message.clone())));
        Ok(())
    }

    async fn consume(&self, from: Place, prefetch: u16) -> Result<Box<dyn Consumer>, Error> {
        let room = Arc::new(Semaphore::new(prefetch.max(1).into()));
        Ok(Box::new(MemoryConsumer { broker: Arc::clone(&self.broker), place: from, room }))
    }
}

/// Takes a message when it is asked for one, so that none waits in here.
struct MemoryConsumer {
    broker: Arc<Broker>,
    place: Place,
    /// For deliveries that are not settled yet.
    room: Arc<Semaphore>,
}

impl MemoryConsumer {
    /// A message, or when to look again.
    fn take(&self) -> Result<Waiting, Option<Instant>> {
        let mut messages = self.broker.lock();
        let next = messages.ripen();
        messages.ready.get_mut(&self.place).and_then(VecDeque::pop_front).ok_or(next)
    }

    /// Nobody closes a semaphore here; whoever does will see this.
    fn closed(&self) -> Error {
        Error {
            kind: ErrorKind::Unavailable,
            queue: self.place.to_string(),
            message: "the consumer is closed".to_owned(),
        }
    }

    fn delivery(&self, waiting: Waiting, room: OwnedSemaphorePermit) -> Delivery {
        let (message, redelivered) = (waiting.message.clone(), waiting.lost > 0);
        let (broker, place) = (Arc::clone(&self.broker), self.place);
        let settle = MemorySettle { broker, place, waiting: Some(waiting), _room: room };
        Delivery::new(message, redelivered, Box::new(settle))
    }
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next(&mut self) -> Result<Delivery, Error> {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| self.closed())?;
        loop {
            let changed = self.broker.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let next = match self.take() {
                Ok(waiting) => return Ok(self.delivery(waiting, room)),
                Err(next) => next,
            };
            tokio::select! {
                () = changed => {}
                () = until(next) => {}
            }
        }
    }

    async fn cancel(self: Box<Self>) -> Result<Vec<Delivery>, Error> {
        Ok(Vec::new())
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

struct MemorySettle {
    broker: Arc<Broker>,
    place: Place,
    /// `None` once it is settled.
    waiting: Option<Waiting>,
    _room: OwnedSemaphorePermit,
}

#[async_trait]
impl Settle for MemorySettle {
    async fn settle(mut self: Box<Self>, how: Settled) -> Result<(), Error> {
        self.waiting = None;
        let name = self.place.name();
        self.broker.change(|messages| match how {
            Settled::Done => {}
            Settled::Later { message, after } => messages.wait(name, message, after),
            Settled::Parked { message } => messages.put(Place::Shelf(name, Shelf::Parked), Waiting::new(message)),
        });
        Ok(())
    }
}

impl Drop for MemorySettle {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.broker.change(|messages| messages.take_back(self.place, waiting));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use langflix_testkit::queue::queue_contract;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn memory_keeps_what_a_queue_promises() {
        queue_contract(&MemoryQueue::default()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn threads_take_each_message_once() {
        const EACH: usize = 500;
        let (queue, mut tasks) = (MemoryQueue::default(), JoinSet::new());
        for who in 0..4 {
            let queue = queue.clone();
            tasks.spawn(async move {
                for n in 0..EACH {
                    queue.publish(Name::Stages, &Message::new(format!("{who}/{n}").into())).await.unwrap();
                }
                let (mut consumer, mut bodies) = (queue.consume(Place::Work(Name::Stages), 3).await.unwrap(), vec![]);
                for _ in 0..EACH {
                    let delivery = consumer.next().await.unwrap();
                    bodies.push(delivery.message.body.clone());
                    delivery.ack().await.unwrap();
                }
                bodies
            });
        }
        let bodies: BTreeSet<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(bodies.len(), 4 * EACH);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_within_ten_minutes_and_in_its_own_queue() {
        let queue = MemoryQueue::default();
        queue.publish(Name::Stages, &Message::new(b"one".to_vec())).await.unwrap();
        let mut stages = queue.consume(Place::Work(Name::Stages), 1).await.unwrap();
        let mut episodes = queue.consume(Place::Work(Name::Episodes), 1).await.unwrap();
        stages.next().await.unwrap().retry(Duration::MAX).await.unwrap();
        let began = Instant::now();
        tokio::select! {
            delivery = stages.next() => delivery.unwrap().ack().await.unwrap(),
            _ = episodes.next() => panic!("a message goes astray"),
        }
        assert_eq!(began.elapsed(), LONGEST_WAIT);
    }
}
