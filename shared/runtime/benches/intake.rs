//! What the loop costs, and what it tells of itself: CPU time for each message of a queue that costs next to nothing. Its
//! handler only measures and yields, as the analysis of a chunk that a model finds nothing in does between its requests.

use std::{
    convert::Infallible,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    num::NonZeroU16,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use langflix_measures::{Operation, S3_REQUESTS};
use langflix_ports::queue::{Consumer, Delivery, Error, Message, Name, Place, Queue, Settle, Settled};
use langflix_runtime::{
    config::{Config, Sources},
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
    /// What its messages belong to.
    trace: &'static str,
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
        let message = Message { trace: Some(self.trace.to_owned()), ..Message::new(vec![0; 4096]) };
        Ok(Delivery::new(message, false, Box::new(self.clone())))
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

async fn run(trace: &'static str) {
    let (health, shutdown) = (Health::new("bench", "0"), Shutdown::default());
    let source = Source {
        prefetch: Arc::new(Semaphore::new(0)),
        given: Arc::default(),
        settled: Arc::default(),
        shutdown: shutdown.clone(),
        trace,
    };
    let place = Place::Work(Name::AnalysisBulk);
    let slots = Slots::Own(vec![(place, SLOTS)]);
    let intake = Intake {
        name: "bench",
        queue: Arc::new(source),
        slots,
        drain: Duration::from_secs(1),
        pressure: Pressure::default(),
    };
    let (began, began_cpu) = (Instant::now(), cpu());
    let handler = |job: Job| async move {
        job.concerns("suits-s01e02-0123abcd", "chunk-7");
        let yields = async {
            S3_REQUESTS.add(("put_object".into(), "ok".into()), 1);
            tokio::task::yield_now().await;
            Ok::<(), Infallible>(())
        };
        let _never_fails = Operation::Outcome.time(yields).await;
        End::Done
    };
    intake.run(&health, &shutdown, handler).await;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / MESSAGES as f64;
    println!(
        "{MESSAGES} messages, {SLOTS} slots, handlers that yield in an operation: {:.2} us of CPU and {:.2} us each",
        each(cpu() - began_cpu),
        each(began.elapsed()),
    );
}

/// Takes what is sent to it and says that all is well, in a process of its own so that its time is not counted.
fn collect() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let (mut piece, mut head, mut left) = (vec![0; 1 << 16], Vec::new(), 0_usize);
    while let count @ 1.. = stream.read(&mut piece)? {
        if left == 0 {
            head.extend_from_slice(&piece[..count]);
            let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&head[..end]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            left = (end + 4 + length.unwrap_or_default()).saturating_sub(head.len());
            head.clear();
        } else {
            left = left.saturating_sub(count);
        }
        if left == 0 {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
    }
    Ok(())
}

/// Where a collector listens, in another process.
fn collector() -> io::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?).arg("collect").stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    if let Some(told) = child.stdout.as_mut() {
        BufReader::new(told).read_line(&mut address)?;
    }
    Ok((child, format!("http://{}", address.trim())))
}

/// With nothing told, with measures, with logs as well, with spans as well of which none is sampled, and of which all are and
/// are sent; each in a process of its own, since what is told is decided once.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let told = std::env::args().nth(1).filter(|argument| !argument.starts_with("--"));
    match told.as_deref() {
        None => {
            for told in ["nothing", "measures", "lines", "unsampled", "spans"] {
                Command::new(std::env::current_exe()?).arg(told).status()?;
            }
            return Ok(());
        }
        Some("collect") => return Ok(collect()?),
        Some("nothing") => metrics::set_global_recorder(metrics::NoopRecorder).map_err(|error| error.to_string())?,
        Some(_) => {}
    }
    let mut settings = telemetry::Settings { json: true, ..telemetry::Settings::for_service(None, None) };
    let sends = matches!(told.as_deref(), Some("spans" | "unsampled"));
    let mut collector = sends.then(collector).transpose()?;
    if let Some((_, address)) = &collector {
        let environment = vec![("LANGFLIX__TELEMETRY__OTLP_ENDPOINT".to_owned(), address.clone())];
        let config = Config::load(&Sources { environment, ..Sources::default() })?;
        settings.export = telemetry::Export::of(&config.telemetry, "bench", "0");
    }
    let exporting = match told.as_deref() {
        Some("nothing" | "measures") => None,
        _ => Some(telemetry::init_with(&settings, io::sink)?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    print!("{:>9}: ", told.as_deref().unwrap_or_default());
    let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    runtime.block_on(run(if told.as_deref() == Some("unsampled") { unsampled } else { sampled }));
    drop(exporting);
    if let Some((child, _)) = &mut collector {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}
