use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use langflix_measures::SPANS_LOST;
use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Error, collector::Collector};

/// Spans that wait to be sent; what comes beyond them is lost.
const QUEUE: usize = 8192;
/// Spans sent at once.
const BATCH: usize = 512;
/// How long spans wait for others to be sent with.
const GATHERED_WITHIN: Duration = Duration::from_secs(5);
/// How long a collector may take for one batch.
pub(super) const SENT_WITHIN: Duration = Duration::from_secs(10);
/// How long the last spans of a process may take.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);
/// How often it is told that spans are lost.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Ended spans on their way to a thread of their own, which sends them. Whoever ends a span never waits.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Arc<Waiting>,
    ended: Mutex<mpsc::Receiver<()>>,
}

#[derive(Debug, Default)]
struct Waiting {
    spans: Mutex<Vec<SpanData>>,
    /// That there is a first span, or a batch of them: to be woken for each would cost more than the span.
    news: Notify,
    lost: AtomicU64,
    stop: CancellationToken,
}

impl Waiting {
    fn spans(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, span: SpanData) {
        let mut spans = self.spans();
        if spans.len() >= QUEUE {
            self.lose(1);
            return;
        }
        spans.push(span);
        let waiting = spans.len();
        drop(spans);
        if waiting == 1 || waiting == BATCH {
            self.news.notify_one();
        }
    }

    /// Waits until something is to be sent. Gives whether it is the last.
    async fn something(&self) -> bool {
        let count = async |enough| {
            while self.spans().len() < enough {
                self.news.notified().await;
            }
        };
        let gathered = async {
            count(1).await;
            let _or_late = timeout(GATHERED_WITHIN, count(BATCH)).await;
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => true,
            () = gathered => false,
        }
    }

    /// The next spans to send.
    fn batch(&self) -> Vec<SpanData> {
        let mut all = self.spans();
        let count = all.len().min(BATCH);
        let rest = all.split_off(count);
        mem::replace(&mut *all, rest)
    }

    fn lose(&self, spans: usize) {
        self.lost.fetch_add(spans as u64, Ordering::Relaxed);
        SPANS_LOST.add((), spans as u64);
    }
}

impl Outbox {
    /// Sends what `exporter` takes from now on, by way of `collector`.
    pub(super) fn open(exporter: SpanExporter, collector: Collector) -> Result<Self, Error> {
        let waiting = Arc::new(Waiting::default());
        let (end, ended) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Export(error.to_string()))?;
        let sender = Sender::new(Arc::clone(&waiting), exporter, collector);
        let work = move || {
            runtime.block_on(sender.send());
            // Nobody may wait for it any more.
            let _gone = end.send(());
        };
        thread::Builder::new()
            .name("spans".to_owned())
            .spawn(work)
            .map_err(|error| Error::Export(error.to_string()))?;
        Ok(Self { waiting, ended: Mutex::new(ended) })
    }
}

impl SpanProcessor for Outbox {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.waiting.put(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, within: Duration) -> OTelSdkResult {
        self.waiting.stop.cancel();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(within).map_err(|_| OTelSdkError::Timeout(within))
    }
}

/// What sends the spans.
struct Sender {
    waiting: Arc<Waiting>,
    exporter: SpanExporter,
    collector: Collector,
    /// Spans that are being sent.
    under_way: usize,
    /// Why spans were lost.
    why: String,
    told: Option<Instant>,
}

impl Sender {
    fn new(waiting: Arc<Waiting>, exporter: SpanExporter, collector: Collector) -> Self {
        Self { waiting, exporter, collector, under_way: 0, why: String::new(), told: None }
    }

    /// Sends what there is until it is told to stop, and what is left then within a short time.
    async fn send(mut self) {
        let stop = self.waiting.stop.clone();
        let late = async {
            stop.cancelled().await;
            sleep(STOPPED_WITHIN).await;
        };
        let sending = async {
            loop {
                let last = self.waiting.something().await;
                let sent = self.send_waiting().await;
                if last {
                    break;
                }
                self.tell();
                if !sent {
                    // Neither a collector that is away nor this machine is to be busy with that.
                    let _or_stopped = timeout(GATHERED_WITHIN, stop.cancelled()).await;
                }
            }
        };
        tokio::select! {
            () = sending => {}
            () = late => "the collector took too long".clone_into(&mut self.why),
        }
        let left = mem::take(&mut *self.waiting.spans()).len();
        self.waiting.lose(self.under_way + left);
        self.told = None;
        self.tell();
    }

    /// Sends all that waits, as long as the collector takes it. Gives whether it took all.
    async fn send_waiting(&mut self) -> bool {
        loop {
            let batch = self.waiting.batch();
            let count = batch.len();
            if count == 0 {
                return true;
            }
            self.under_way = count;
            let sent = timeout(SENT_WITHIN, self.exporter.export(batch)).await;
            self.under_way = 0;
            if let Err(error) = sent.unwrap_or(Err(OTelSdkError::Timeout(SENT_WITHIN))) {
                self.why = self.collector.take_why().unwrap_or_else(|| error.to_string());
                self.waiting.lose(count);
                return false;
            }
        }
    }

    /// Tells what is lost, once a minute.
    fn tell(&mut self) {
        if self.told.is_some_and(|at| at.elapsed() < BETWEEN_LINES) {
            return;
        }
        let lost = self.waiting.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let why = if self.why.is_empty() { "more came than could be sent" } else { &self.why };
            tracing::warn!(lost, why, "spans are lost on their way to telemetry.otlp_endpoint");
            (self.told, self.why) = (Some(Instant::now()), String::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        borrow::Cow,
        io::{Read as _, Write as _},
        net::TcpListener,
        time::SystemTime,
    };

    use opentelemetry::{
        InstrumentationScope, SpanId,
        trace::{SpanContext, SpanKind, Status},
    };
    use opentelemetry_sdk::{Resource, trace::SpanEvents, trace::SpanLinks};

    use super::{super::Export, *};
    use crate::config::{Config, Sources};

    const SECRETS: [&str; 2] = ["a-header-of-ours", "a-path-of-ours"];

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: Cow::Borrowed("task"),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    /// Why a span is lost on its way to the collector at `address`.
    async fn why(address: &str) -> String {
        let environment = [
            ("LANGFLIX__TELEMETRY__OTLP_ENDPOINT", format!("http://{address}/{}", SECRETS[1])),
            ("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization={}", SECRETS[0])),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let config = Config::load(&Sources { environment, ..Sources::default() }).unwrap();
        let export = Export::of(&config.telemetry, "test", "0").unwrap();
        let collector = Collector::new().unwrap();
        let exporter = export.exporter(&Resource::builder_empty().build(), collector.clone()).unwrap();
        let mut sender = Sender::new(Arc::default(), exporter, collector);
        sender.waiting.put(span());
        assert!(!sender.send_waiting().await);
        assert!(SECRETS.iter().all(|secret| !sender.why.contains(secret)), "{}", sender.why);
        sender.why
    }

    #[tokio::test]
    async fn of_a_collector_that_nobody_runs_it_is_said_that_it_refuses() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let why = why(&gone.to_string()).await;
        assert!(why.starts_with("the collector is not reached: ") && why.contains("Connection refused"), "{why}");
    }

    /// A collector that answers each request with this, and what it was sent.
    fn answering(answer: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, asked) = mpsc::channel();
        // It ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut asked) = (stream.unwrap(), [0; 8192]);
                let length = stream.read(&mut asked).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                // Only the first is looked at.
                let _unread = tell.send(String::from_utf8_lossy(&asked[..length]).into_owned());
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn the_status_of_a_collector_that_takes_nothing_is_said_and_nothing_that_it_was_sent() {
        let (address, asked) =
            answering("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 16\r\n\r\na-header-of-ours");
        let why = why(&address).await;
        assert!(why.ends_with("status code: 401"), "{why}");
        let asked = asked.recv().unwrap();
        assert!(SECRETS.iter().all(|secret| asked.contains(secret)), "{asked}");
    }

    #[tokio::test]
    async fn of_a_collector_that_goes_away_in_the_middle_it_is_said_that_it_did() {
        let (address, _asked) = answering("HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\nhalf");
        let why = why(&address).await;
        assert!(why.contains("before message completed") || why.contains("end of file"), "{why}");
    }
}
