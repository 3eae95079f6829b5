//! A fleet in one process: queues, a tally, and whoever works on what lies in them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Mutex,
};

use async_trait::async_trait;
use langflix_domain::{Failure, Lane, Manifest, RunId, Stage, TaskId};
use langflix_pipeline::{
    Ended, Error, RunRequest, Try,
    fleet::{Dispatcher, Order, Requests, Submitted, Worker, submit},
};
use langflix_ports::{
    llm::LanguageModel,
    media::ClipEncoder,
    queue::{self, Consumer, Message, Name, Place, Queue},
    store::ArtifactStore,
    tally::{self, Tally},
};

use crate::{
    episode::{Room, cutter, text},
    fakes::{Encoder, Model},
};

/// Messages by queue.
#[derive(Default)]
pub(crate) struct Messages {
    pub(crate) waiting: Mutex<BTreeMap<Name, VecDeque<Message>>>,
    /// Messages to lose, once they are published.
    pub(crate) lost: Mutex<Vec<Name>>,
    /// Why none may be published.
    pub(crate) refused: Mutex<Option<&'static str>>,
}

impl Messages {
    pub(crate) fn take(&self) -> Option<(Name, Message)> {
        let mut waiting = self.waiting.lock().unwrap();
        let (name, queue) = waiting.iter_mut().find(|(_, queue)| !queue.is_empty())?;
        Some((*name, queue.pop_front()?))
    }

    pub(crate) fn count(&self, name: Name) -> usize {
        self.waiting.lock().unwrap().get(&name).map_or(0, VecDeque::len)
    }

    pub(crate) fn lose_all(&self) {
        self.waiting.lock().unwrap().clear();
    }
}

#[async_trait]
impl Queue for Messages {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), queue::Error> {
        if let Some(why) = *self.refused.lock().unwrap() {
            return Err(queue::Error {
                kind: queue::ErrorKind::Denied,
                queue: to.to_string(),
                message: why.to_owned(),
            });
        }
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
pub(crate) struct Counts {
    pub(crate) done: Mutex<BTreeMap<(RunId, &'static str), BTreeSet<TaskId>>>,
    pub(crate) away: bool,
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
pub(crate) struct Fleet<'a> {
    pub(crate) room: &'a Room,
    pub(crate) store: &'a dyn ArtifactStore,
    pub(crate) queue: Messages,
    pub(crate) tally: Counts,
    /// What its workers remember of runs.
    pub(crate) requests: Requests,
    /// What its dispatchers remember of runs.
    pub(crate) read: Requests,
    pub(crate) in_flight: u32,
    /// How often each message is delivered.
    pub(crate) deliveries: usize,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(room: &'a Room) -> Self {
        let (queue, tally) = (Messages::default(), Counts::default());
        let (requests, read) = (Requests::default(), Requests::default());
        Self { room, store: &room.store, queue, tally, requests, read, in_flight: 32, deliveries: 1 }
    }

    pub(crate) fn dispatcher(&self) -> Dispatcher<'_> {
        Dispatcher {
            store: self.store,
            queue: &self.queue,
            tally: &self.tally,
            requests: &self.read,
            in_flight: self.in_flight,
            trace: None,
            repeated: false,
            follows: &|_| (),
        }
    }

    pub(crate) fn worker(&self) -> Worker<'_> {
        Worker { store: self.store, queue: &self.queue, tally: &self.tally, trace: None }
    }

    pub(crate) async fn submit(&self, asked: &RunRequest, lane: Lane) -> Submitted {
        submit(self.store, &self.queue, asked, lane, None).await.unwrap().1
    }

    pub(crate) async fn handle(
        &self,
        order: &Order,
        this: Try<'_>,
        model: &dyn LanguageModel,
        encoder: &dyn ClipEncoder,
    ) -> Result<Option<Failure>, Error> {
        let dispatcher = Dispatcher { repeated: this.repeated, ..self.dispatcher() };
        let (requests, scratch) = (&self.requests, self.room.scratch());
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
    pub(crate) async fn work(&self, model: &dyn LanguageModel, encoder: &dyn ClipEncoder) -> usize {
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

    pub(crate) async fn manifest(&self, asked: &RunRequest) -> Option<Manifest> {
        let key = format!("runs/{}/manifest.json", asked.run().unwrap());
        Some(serde_json::from_slice(&self.room.store.get(&key).await.unwrap()?).unwrap())
    }

    pub(crate) async fn is_open(&self) -> bool {
        !self.room.store.list("open/").await.unwrap().is_empty()
    }
}

pub(crate) async fn undisturbed(asked: &RunRequest) -> String {
    text(&Room::new().drive(&Model::good(), &Encoder::good(), asked).await)
}
