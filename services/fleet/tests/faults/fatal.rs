//! Ports that end the process at a step, as `kill -9` would at that moment.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{RunId, Stage, TaskId};
use langflix_fleet::Ports;
use langflix_ports::{
    queue::{self, Consumer, Delivery, Message, Name, Place, Queue, Settle, Settled},
    store::{self, ArtifactStore, Put},
    tally::{self, Tally},
};
use rustix::process::{Signal, getpid, kill_process};

/// The step at which a process ends: `put clip.json before`, `publish stages.v1 after`; or at which the whole of it sleeps, or
/// this alone stalls: `put clip.json sleep`, `put clip.json stall`. With a number it is the one that has so many of its kind
/// before it: `publish analysis after 3`.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    operation: String,
    object: String,
    what: What,
    /// How many more of the kind are let go.
    before: Arc<AtomicI64>,
}

/// How long a step stalls.
pub(crate) const STALLED: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    EndBefore,
    EndAfter,
    Sleep,
    Stall,
}

impl Step {
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_else(|| panic!("{text:?} is no step"));
        let (operation, object) = (word(), word());
        let what = match word().as_str() {
            "before" => What::EndBefore,
            "after" => What::EndAfter,
            "sleep" => What::Sleep,
            "stall" => What::Stall,
            _ => panic!("{text:?} is no step"),
        };
        let before = words.next().map_or(0, |number| number.parse().unwrap());
        Self { operation, object, what, before: Arc::new(AtomicI64::new(before)) }
    }

    async fn around<T>(&self, operation: &str, object: &str, work: impl Future<Output = T>) -> T {
        let is_one = self.operation == operation && object.contains(&self.object);
        let here = is_one && self.before.fetch_sub(1, Ordering::Relaxed) == 0;
        match self.what {
            What::EndBefore if here => end(),
            What::Sleep if here => send(Signal::STOP),
            What::Stall if here => tokio::time::sleep(STALLED).await,
            _ => {}
        }
        let done = work.await;
        if here && self.what == What::EndAfter {
            end();
        }
        done
    }
}

/// Like `kill -9`: nothing is tidied up.
fn end() -> ! {
    send(Signal::KILL);
    std::process::abort()
}

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

/// Publishes every message twice.
pub(crate) struct Twice(pub(crate) Arc<dyn Queue>);

#[async_trait]
impl Queue for Twice {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), queue::Error> {
        self.0.publish(to, message).await?;
        self.0.publish(to, message).await
    }

    async fn consume(&self, from: Place, prefetch: u16) -> Result<Box<dyn Consumer>, queue::Error> {
        self.0.consume(from, prefetch).await
    }
}

pub(crate) fn fatal(ports: Ports, step: &Step) -> Ports {
    Ports {
        store: Arc::new(Fatal { inner: ports.store, step: step.clone() }),
        queue: Arc::new(Fatal { inner: ports.queue, step: step.clone() }),
        tally: Arc::new(Fatal { inner: ports.tally, step: step.clone() }),
    }
}

struct Fatal<T: ?Sized> {
    inner: Arc<T>,
    step: Step,
}

#[async_trait]
impl ArtifactStore for Fatal<dyn ArtifactStore> {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, store::Error> {
        self.step.around("put", key, self.inner.put_if_absent(key, bytes)).await
    }

    async fn put_file_if_absent(&self, key: &str, path: &Path) -> Result<Put, store::Error> {
        self.step.around("put", key, self.inner.put_file_if_absent(key, path)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, store::Error> {
        self.inner.get(key).await
    }

    async fn download(&self, key: &str, path: &Path) -> Result<(), store::Error> {
        self.inner.download(key, path).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, store::Error> {
        self.inner.list(prefix).await
    }

    async fn get_all(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, store::Error> {
        self.inner.get_all(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), store::Error> {
        self.step.around("delete", key, self.inner.delete(key)).await
    }
}

#[async_trait]
impl Tally for Fatal<dyn Tally> {
    async fn done(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<u32, tally::Error> {
        self.step.around("tally", stage.as_str(), self.inner.done(run, stage, task)).await
    }

    async fn forget(&self, run: &RunId, stage: Stage) -> Result<(), tally::Error> {
        self.inner.forget(run, stage).await
    }
}

#[async_trait]
impl Queue for Fatal<dyn Queue> {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), queue::Error> {
        self.step.around("publish", to.as_str(), self.inner.publish(to, message)).await
    }

    async fn consume(&self, from: Place, prefetch: u16) -> Result<Box<dyn Consumer>, queue::Error> {
        let inner = self.inner.consume(from, prefetch).await?;
        Ok(Box::new(FatalConsumer { inner, from, step: self.step.clone() }))
    }
}

struct FatalConsumer {
    inner: Box<dyn Consumer>,
    from: Place,
    step: Step,
}

impl FatalConsumer {
    fn wrap(&self, delivery: Delivery) -> Delivery {
        let (message, redelivered) = (delivery.message.clone(), delivery.redelivered);
        let settle = FatalSettle { inner: delivery, from: self.from, step: self.step.clone() };
        Delivery::new(message, redelivered, Box::new(settle))
    }
}

#[async_trait]
impl Consumer for FatalConsumer {
    async fn next(&mut self) -> Result<Delivery, queue::Error> {
        let delivery = self.inner.next().await?;
        Ok(self.wrap(delivery))
    }

    async fn cancel(self: Box<Self>) -> Result<Vec<Delivery>, queue::Error> {
        let Self { inner, from, step } = *self;
        let left = inner.cancel().await?;
        let wrap = |delivery: Delivery| {
            let (message, redelivered) = (delivery.message.clone(), delivery.redelivered);
            Delivery::new(message, redelivered, Box::new(FatalSettle { inner: delivery, from, step: step.clone() }))
        };
        Ok(left.into_iter().map(wrap).collect())
    }
}

struct FatalSettle {
    inner: Delivery,
    from: Place,
    step: Step,
}

#[async_trait]
impl Settle for FatalSettle {
    async fn settle(self: Box<Self>, how: Settled) -> Result<(), queue::Error> {
        let Self { inner, from, step } = *self;
        let settle = async {
            match how {
                Settled::Done => inner.ack().await,
                Settled::Later { message, after } if message.attempt > inner.message.attempt => {
                    inner.retry(after).await
                }
                Settled::Later { .. } => inner.hand_back().await,
                Settled::Parked { message } => inner.bury(&message.reason.unwrap_or_default()).await,
            }
        };
        step.around("ack", &from.to_string(), settle).await
    }
}
