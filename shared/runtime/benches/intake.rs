//! What the loop costs: CPU time for each message of a queue that costs next to nothing, handled by nothing.

use std::{
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use langflix_ports::queue::{Consumer, Delivery, Error, Message, Name, Place, Queue, Settle, Settled};
use langflix_runtime::{
    health::Health,
    pressure::Pressure,
    shutdown::Shutdown,
    telemetry,
    worker::{End, Intake, Job, Slots},
};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;

const MESSAGES: usize = 200_000;
const SLOTS: NonZeroU16 = NonZeroU16::MIN.saturating_add(63);

/// Gives messages of 4 KB as fast as they are settled, until there are no more.
#[derive(Clone)]
struct Source {
    prefetch: Arc<Semaphore>,
    given: Arc<AtomicUsize>,
    settled: Arc<AtomicUsize>,
    shutdown: Shutdown,
}

#[async_trait]
impl Queue for Source {
    async fn publish(&self, _: Name, _: &Message) -> Result<(), Error> {
        Ok(())
    }

    async fn consume(&self, _: Place, prefetch: u16) -> Result<Box<dyn Consumer>, Error> {
        self.prefetch.add_permits(prefetch.into());
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Consumer for Source {
    async fn next(&mut self) -> Result<Delivery, Error> {
        if let Ok(permit) = self.prefetch.acquire().await {
            permit.forget();
        }
        if self.given.fetch_add(1, Ordering::Relaxed) >= MESSAGES {
            std::future::pending::<()>().await;
        }
        Ok(Delivery::new(Message::new(vec![0; 4096]), false, Box::new(self.clone())))
    }

    async fn cancel(self: Box<Self>) -> Result<Vec<Delivery>, Error> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Settle for Source {
    async fn settle(self: Box<Self>, _: Settled) -> Result<(), Error> {
        if self.settled.fetch_add(1, Ordering::Relaxed) + 1 == MESSAGES {
            self.shutdown.signal();
        }
        self.prefetch.add_permits(1);
        Ok(())
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

async fn run(yielding: bool) {
    let (health, shutdown) = (Health::new("bench", "0"), Shutdown::default());
    let source = Source {
        prefetch: Arc::new(Semaphore::new(0)),
        given: Arc::default(),
        settled: Arc::default(),
        shutdown: shutdown.clone(),
    };
    let place = Place::Work(Name::AnalysisBulk);
    let slots = Slots::Own(vec![(place, SLOTS)]);
    let intake = Intake { name: "bench", queue: Arc::new(source), slots, drain: Duration::from_secs(1), pressure: Pressure::default() };
    let (began, began_cpu) = (Instant::now(), cpu());
    let handler = move |job: Job| async move {
        job.concerns("suits-s01e02-0123abcd", "chunk-7");
        if yielding {
            tokio::task::yield_now().await;
        }
        End::Done
    };
    intake.run(&health, &shutdown, handler).await;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / MESSAGES as f64;
    println!(
        "{MESSAGES} messages, {SLOTS} slots, {}: {:.2} us of CPU and {:.2} us each",
        if yielding { "handlers that yield" } else { "handlers that do nothing" },
        each(cpu() - began_cpu),
        each(began.elapsed()),
    );
}

#[tokio::main]
async fn main() {
    let settings = telemetry::Settings { json: true, ..telemetry::Settings::for_service(None, None) };
    if let Err(error) = telemetry::init_with(&settings, std::io::sink) {
        eprintln!("error: {error}");
    }
    for yielding in [false, true] {
        run(yielding).await;
    }
}
