use std::{
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use langflix_ports::queue::{Message, Name, Place, Settled};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;

mod drain;
mod ends;
mod fake;
mod logs;
mod own;
mod pressed;
mod shared;
mod signals;
mod trouble;

use fake::Broker;

const DRAIN: Duration = Duration::from_secs(60);
const BULK: Place = Place::Work(Name::EncodingBulk);
const INTERACTIVE: Place = Place::Work(Name::EncodingInteractive);

/// An intake at work.
struct Bench {
    broker: Broker,
    health: Health,
    shutdown: Shutdown,
    task: JoinHandle<()>,
    /// How often the intake was woken up.
    polls: Arc<AtomicUsize>,
}

impl Bench {
    fn begin<H, F>(broker: &Broker, slots: Slots, handler: H) -> Self
    where
        H: Fn(Job) -> F + Send + Sync + 'static,
        F: Future<Output = End> + Send + 'static,
    {
        Self::under(Pressure::default(), broker, slots, handler)
    }

    fn under<H, F>(pressure: Pressure, broker: &Broker, slots: Slots, handler: H) -> Self
    where
        H: Fn(Job) -> F + Send + Sync + 'static,
        F: Future<Output = End> + Send + 'static,
    {
        let (health, shutdown) = (Health::new("test", "0"), Shutdown::default());
        let intake = Intake { name: "work", queue: Arc::new(broker.clone()), slots, drain: DRAIN, pressure };
        let (own_health, own_shutdown) = (health.clone(), shutdown.clone());
        let polls = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&polls);
        let task = tokio::spawn(async move {
            let mut run = std::pin::pin!(intake.run(&own_health, &own_shutdown, handler));
            let counted = std::future::poll_fn(|context| {
                counts.fetch_add(1, Ordering::SeqCst);
                run.as_mut().poll(context)
            });
            counted.await;
        });
        Self { broker: broker.clone(), health, shutdown, task, polls }
    }

    /// Why the part of that name waits, if it does.
    fn waits(&self, part: &str) -> Option<String> {
        self.health.conditions().into_iter().find(|condition| condition.name == part).unwrap().waits
    }

    /// Ends the intake in good order; nothing is lost, begun anew or left.
    async fn ends(self) {
        self.shutdown.signal();
        self.task.await.unwrap();
        assert_eq!(self.broker.open(), []);
        assert_eq!(self.broker.lock().redelivered, 0);
    }
}

fn own(name: Name, slots: u16) -> Slots {
    Slots::Own(vec![(Place::Work(name), NonZeroU16::new(slots).unwrap())])
}

/// Slots that both encoding lanes share, and what changes their number.
fn shared(count: usize) -> (Slots, watch::Sender<usize>) {
    let sender = watch::Sender::new(count);
    (Slots::Shared(vec![INTERACTIVE, BULK], sender.subscribe()), sender)
}

async fn millis(count: u64) {
    sleep(Duration::from_millis(count)).await;
}

fn failed(fault: Fault) -> End {
    End::Retry { after: None, why: Why::new(Reason::Encoder, "no ffmpeg"), fault }
}

/// A handler whose tasks run until they are let go, and which counts those that run.
#[derive(Clone)]
struct Held {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    begun: Arc<std::sync::Mutex<Vec<String>>>,
    go: Arc<Semaphore>,
}

impl Held {
    fn new() -> Self {
        Self { running: Arc::default(), most: Arc::default(), begun: Arc::default(), go: Arc::new(Semaphore::new(0)) }
    }

    /// Lets so many tasks end.
    fn let_go(&self, count: usize) {
        self.go.add_permits(count);
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    fn begun(&self) -> Vec<String> {
        self.begun.lock().unwrap().clone()
    }

    fn handler(&self) -> impl Fn(Job) -> futures::future::BoxFuture<'static, End> + Send + Sync + 'static {
        struct Leaves(Arc<AtomicUsize>);
        impl Drop for Leaves {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let held = self.clone();
        move |job| {
            let held = held.clone();
            Box::pin(async move {
                let running = held.running.fetch_add(1, Ordering::SeqCst) + 1;
                let _leaves = Leaves(Arc::clone(&held.running));
                held.most.fetch_max(running, Ordering::SeqCst);
                held.begun.lock().unwrap().push(String::from_utf8(job.body).unwrap());
                held.go.acquire().await.unwrap().forget();
                End::Done
            })
        }
    }
}
