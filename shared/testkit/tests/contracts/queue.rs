use std::{
    collections::{BTreeMap, VecDeque},
    mem::{self, ManuallyDrop},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures::FutureExt as _;
use langflix_local::MemoryQueue;
use langflix_ports::queue::{Consumer, Delivery, Error, Message, Name, Place, Queue, Settle, Settled};
use langflix_testkit::queue::queue_contract;

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    LosesSome,
    DoublesSome,
    CutsLongBodies,
    ForgetsTheTrace,
    ForgetsTheAttempt,
    MixesUpQueues,
    HoldsOneMore,
    LosesWhoStopsWaiting,
    DropsWhoStopsWaiting,
    ComesForTheFirstTime,
    ComesAgainFirst,
    AcksNothing,
    HidesWhatIsCancelled,
    LosesWhatIsCancelled,
    DropsWhatIsCancelled,
    HidesWhatIsDropped,
    RetriesWithoutCounting,
    RetriesNever,
    RetriesAndKeeps,
    RetriesEarly,
    RetriesLate,
    WaitsInOneQueue,
    HandsBackCounting,
    HandsBackLate,
    BuriesAndKeeps,
    BuriesWithoutReason,
    BuriesTooDeep,
    ForgetsWhatIsDropped,
    GivesUpNever,
    GivesUpEarly,
    GivesUpWhatWasTriedAgain,
    GivesUpOnShelves,
}

/// A sound queue but for one flaw.
#[derive(Clone)]
struct Flawed {
    flaw: Flaw,
    sound: MemoryQueue,
    /// How often a delivery of that body was dropped.
    dropped: Arc<Mutex<BTreeMap<Vec<u8>, u32>>>,
}

#[async_trait]
impl Queue for Flawed {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), Error> {
        let mut message = message.clone();
        // One of those that many publish.
        let some = message.body == b"7/49";
        match self.flaw {
            Flaw::LosesSome if some => return Ok(()),
            Flaw::DoublesSome if some => self.sound.publish(to, &message).await?,
            Flaw::MixesUpQueues if to == Name::AnalysisBulk => {
                return self.sound.publish(Name::AnalysisInteractive, &message).await;
            }
            Flaw::CutsLongBodies => message.body.truncate(100_000),
            Flaw::ForgetsTheTrace => message.trace = None,
            Flaw::ForgetsTheAttempt => message.attempt = 0,
            _ => {}
        }
        self.sound.publish(to, &message).await
    }

    async fn consume(&self, place: Place, prefetch: u16) -> Result<Box<dyn Consumer>, Error> {
        let more = u16::from(self.flaw == Flaw::HoldsOneMore);
        let consumer = self.sound.consume(place, prefetch + more).await?;
        Ok(Box::new(Taker { queue: self.clone(), place, consumer, pushed: VecDeque::new() }))
    }
}

struct Taker {
    queue: Flawed,
    place: Place,
    consumer: Box<dyn Consumer>,
    pushed: VecDeque<Delivery>,
}

impl Taker {
    fn flawed(&self, delivery: Delivery) -> Delivery {
        let message = delivery.message.clone();
        let lost = self.queue.dropped.lock().unwrap().contains_key(&message.body);
        let redelivered = match self.queue.flaw {
            Flaw::ComesForTheFirstTime => false,
            Flaw::ComesAgainFirst => true,
            Flaw::GivesUpNever => lost,
            _ => delivery.redelivered,
        };
        let settles = Settles { queue: self.queue.clone(), place: self.place, delivery: Some(delivery) };
        Delivery::new(message, redelivered, Box::new(settles))
    }

    /// Takes what is there at once, as a broker pushes it.
    fn push(&mut self) {
        while let Some(delivery) = self.consumer.next().now_or_never() {
            self.pushed.push_back(delivery.unwrap());
        }
    }
}

#[async_trait]
impl Consumer for Taker {
    async fn next(&mut self) -> Result<Delivery, Error> {
        let delivery = match self.pushed.pop_front() {
            Some(delivery) => delivery,
            None => self.consumer.next().await?,
        };
        let delivery = match self.queue.flaw {
            Flaw::LosesWhoStopsWaiting => {
                let kept = ManuallyDrop::new(delivery);
                tokio::task::yield_now().await;
                ManuallyDrop::into_inner(kept)
            }
            Flaw::DropsWhoStopsWaiting if !delivery.redelivered => {
                tokio::task::yield_now().await;
                delivery
            }
            Flaw::HidesWhatIsDropped => {
                self.push();
                delivery
            }
            _ => delivery,
        };
        Ok(self.flawed(delivery))
    }

    async fn cancel(mut self: Box<Self>) -> Result<Vec<Delivery>, Error> {
        self.push();
        let pushed: Vec<Delivery> = mem::take(&mut self.pushed).into();
        match self.queue.flaw {
            Flaw::HidesWhatIsCancelled => mem::forget(pushed),
            Flaw::DropsWhatIsCancelled => drop(pushed),
            Flaw::LosesWhatIsCancelled => {
                for delivery in pushed {
                    delivery.ack().await?;
                }
            }
            _ => return Ok(pushed.into_iter().map(|delivery| self.flawed(delivery)).collect()),
        }
        Ok(Vec::new())
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        mem::forget(mem::take(&mut self.pushed));
    }
}

struct Settles {
    queue: Flawed,
    place: Place,
    delivery: Option<Delivery>,
}

impl Settles {
    /// Settles wrongly only where that is what is looked at.
    fn flaw(&self) -> Flaw {
        match (self.queue.flaw, self.place.name()) {
            (flaw, Name::EncodingInteractive) => flaw,
            (flaw @ Flaw::WaitsInOneQueue, Name::Stages) => flaw,
            (flaw @ Flaw::GivesUpWhatWasTriedAgain, Name::EncodingBulk) => flaw,
            _ => Flaw::None,
        }
    }

    async fn later(&self, mut delivery: Delivery, message: Message, mut after: Duration) -> Result<(), Error> {
        let was = mem::replace(&mut delivery.message, message).attempt;
        let counted = delivery.message.attempt > was;
        match self.flaw() {
            Flaw::RetriesNever => return delivery.ack().await,
            Flaw::RetriesAndKeeps => {
                drop(delivery);
                return Ok(());
            }
            Flaw::RetriesWithoutCounting if counted => delivery.message.attempt = was,
            Flaw::HandsBackCounting if !counted => delivery.message.attempt += 1,
            Flaw::RetriesEarly => after /= 2,
            Flaw::RetriesLate if counted => after *= 20,
            Flaw::HandsBackLate if !counted => after = Duration::from_secs(30),
            Flaw::WaitsInOneQueue => after = Duration::from_secs(30),
            Flaw::GivesUpWhatWasTriedAgain => {}
            _ => {
                self.queue.dropped.lock().unwrap().remove(&delivery.message.body);
            }
        }
        if after.is_zero() {
            return delivery.hand_back().await;
        }
        // It is counted once more on its way.
        delivery.message.attempt = delivery.message.attempt.saturating_sub(1);
        delivery.retry(after).await
    }
}

#[async_trait]
impl Settle for Settles {
    async fn settle(mut self: Box<Self>, how: Settled) -> Result<(), Error> {
        let mut delivery = self.delivery.take().unwrap();
        match (how, self.flaw()) {
            (Settled::Done, Flaw::AcksNothing) if delivery.message.body == b"done" => {}
            (Settled::Done, _) => delivery.ack().await?,
            (Settled::Later { message, after }, _) => self.later(delivery, message, after).await?,
            (Settled::Parked { .. }, Flaw::BuriesAndKeeps) => {}
            (Settled::Parked { .. }, Flaw::BuriesTooDeep) => delivery.ack().await?,
            (Settled::Parked { message }, flaw) => {
                let reason = message.reason.clone().unwrap_or_default();
                delivery.message = message;
                delivery.bury(if flaw == Flaw::BuriesWithoutReason { "" } else { &reason }).await?;
            }
        }
        Ok(())
    }
}

impl Drop for Settles {
    fn drop(&mut self) {
        let Some(delivery) = self.delivery.take() else { return };
        let (body, shelved) = (delivery.message.body.clone(), matches!(self.place, Place::Shelf(..)));
        let times = {
            let mut dropped = self.queue.dropped.lock().unwrap();
            let times = dropped.entry(body).or_default();
            *times += 1;
            *times
        };
        // All of this is done at once in memory.
        let settled = match self.queue.flaw {
            Flaw::ForgetsWhatIsDropped => delivery.ack().now_or_never(),
            Flaw::GivesUpNever if !shelved => {
                self.queue.sound.publish(self.place.name(), &delivery.message).now_or_never().unwrap().unwrap();
                delivery.ack().now_or_never()
            }
            Flaw::GivesUpEarly if !shelved && times > 3 => delivery.bury("lost").now_or_never(),
            Flaw::GivesUpWhatWasTriedAgain if self.flaw() == self.queue.flaw && times > 5 => {
                delivery.bury("lost").now_or_never()
            }
            Flaw::GivesUpOnShelves if shelved && times > 9 => delivery.ack().now_or_never(),
            _ => Some(Ok(())),
        };
        settled.unwrap().unwrap();
    }
}

async fn found(flaw: Flaw) -> Option<String> {
    let queue = Flawed { flaw, sound: MemoryQueue::default(), dropped: Arc::default() };
    verdict(queue_contract(&queue)).await
}

#[tokio::test(start_paused = true)]
async fn a_sound_queue_passes() {
    assert_eq!(found(Flaw::None).await, None);
}

#[tokio::test(start_paused = true)]
async fn each_flaw_of_a_queue_is_found_by_what_it_breaks() {
    let flaws = [
        (Flaw::LosesSome, "no message comes"),
        (Flaw::DoublesSome, "7/49"),
        (Flaw::CutsLongBodies, "changed on its way"),
        (Flaw::ForgetsTheTrace, "changed on its way"),
        (Flaw::ForgetsTheAttempt, "changed on its way"),
        (Flaw::MixesUpQueues, "analysis.bulk.v1: no message comes"),
        (Flaw::HoldsOneMore, "beyond the prefetch"),
        (Flaw::LosesWhoStopsWaiting, "stops waiting for a message loses it"),
        (Flaw::DropsWhoStopsWaiting, "loses its first delivery"),
        (Flaw::ComesForTheFirstTime, "is told to come for the first time"),
        (Flaw::ComesAgainFirst, "when it comes first"),
        (Flaw::AcksNothing, "done: \"done\" comes"),
        (Flaw::HidesWhatIsCancelled, "what a cancelled consumer did not give"),
        (Flaw::LosesWhatIsCancelled, "what a cancelled consumer did not give"),
        (Flaw::DropsWhatIsCancelled, "counts as a crash"),
        (Flaw::HidesWhatIsDropped, "not given out by a dropped consumer"),
        (Flaw::RetriesWithoutCounting, "tried again"),
        (Flaw::RetriesNever, "tried again: no message comes"),
        (Flaw::RetriesAndKeeps, "the message does not wait"),
        (Flaw::RetriesEarly, "it waits 2.5s only"),
        (Flaw::RetriesLate, "tried again: no message comes"),
        (Flaw::WaitsInOneQueue, "a long wait holds up a short one"),
        (Flaw::HandsBackCounting, "handed back"),
        (Flaw::HandsBackLate, "handed back: it comes after 30s only"),
        (Flaw::BuriesAndKeeps, "buried: \"hopeless\" comes"),
        (Flaw::BuriesWithoutReason, "or its reason changed"),
        (Flaw::BuriesTooDeep, "buried: no message comes"),
        (Flaw::ForgetsWhatIsDropped, "no message comes"),
        (Flaw::GivesUpNever, "given up"),
        (Flaw::GivesUpEarly, "lost too often"),
        (Flaw::GivesUpWhatWasTriedAgain, "lost a few times"),
        (Flaw::GivesUpOnShelves, "on a shelf"),
    ];
    for (flaw, says) in flaws {
        let verdict = found(flaw).await;
        assert!(verdict.as_ref().is_some_and(|text| text.contains(says)), "{flaw:?}: {verdict:?}");
    }
}
