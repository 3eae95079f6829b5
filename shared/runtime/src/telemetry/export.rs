use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use opentelemetry::{Context, KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::FilterFn, registry::LookupSpan};

use super::Error;
use crate::config::{Secret, Telemetry};

/// Spans that wait to be sent; what comes beyond them is lost.
const QUEUE: usize = 8192;
/// Spans sent at once.
const BATCH: usize = 512;
/// How long spans wait for others to be sent with.
const GATHERED_WITHIN: Duration = Duration::from_secs(5);
/// How long a collector may take for one batch.
const SENT_WITHIN: Duration = Duration::from_secs(10);
/// How long the last spans of a process may take, and how long its end waits for that.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);
const LAST_WITHIN: Duration = Duration::from_secs(3);
/// How often it is told that spans are lost.
const BETWEEN_LINES: Duration = Duration::from_secs(60);
/// A stage of a run has not more tasks than that; its end links to all of them.
const LINKS: u32 = 10_000;

/// Where spans go, and which.
#[derive(Clone, Debug)]
pub struct Export {
    program: String,
    version: &'static str,
    endpoint: String,
    headers: Option<Secret>,
    sample_ratio: f64,
}

/// What sends spans until it is dropped, which takes a few seconds at most.
#[derive(Debug, Default)]
#[must_use = "the last spans are sent when this is dropped"]
pub struct Exporting(Option<SdkTracerProvider>);

impl Export {
    /// What `config` says of the spans of the program of that name and version; `None` where they go nowhere.
    pub fn of(config: &Telemetry, program: &str, version: &'static str) -> Option<Self> {
        Some(Self {
            program: program.to_owned(),
            version,
            endpoint: config.otlp_endpoint.clone()?,
            headers: config.otlp_headers.clone(),
            sample_ratio: config.sample_ratio,
        })
    }

    /// The layer that spans of our crates leave through.
    pub(super) fn layer<S>(&self) -> Result<(impl Layer<S> + use<S>, Exporting), Error>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let resource = Resource::builder()
            .with_service_name(self.program.clone())
            .with_attribute(KeyValue::new("service.version", self.version))
            .build();
        let outbox = Outbox::open(self.exporter(&resource)?)?;
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(self.sample_ratio))))
            .with_max_links_per_span(LINKS)
            .with_resource(resource)
            .with_span_processor(outbox)
            .build();
        let ours =
            FilterFn::new(|it| it.is_span() && it.target().starts_with("langflix") && *it.level() <= Level::DEBUG);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("langflix"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_level(false)
            // Nothing else here asks OpenTelemetry for the current span.
            .with_context_activation(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::DEBUG));
        Ok((layer, Exporting(Some(provider))))
    }

    fn exporter(&self, resource: &Resource) -> Result<SpanExporter, Error> {
        // A header that another server gets to see is told to a stranger.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.map_err(|error| Error::Export(error.to_string()))?)
            .with_endpoint(format!("{}/v1/traces", self.endpoint))
            .with_headers(self.headers.as_ref().map(|headers| pairs(headers.expose())).unwrap_or_default())
            .with_timeout(SENT_WITHIN)
            .build();
        let mut exporter = exporter.map_err(|error| Error::Export(error.to_string()))?;
        exporter.set_resource(resource);
        Ok(exporter)
    }
}

/// `name=value,name=value` with percent-encoded values, as OpenTelemetry writes headers.
fn pairs(text: &str) -> HashMap<String, String> {
    let decoded = |value: &str| percent_encoding::percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), decoded(value))).collect()
}

impl Drop for Exporting {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // Where the last spans do not get away in time, the sender says so itself.
            let _late = provider.shutdown_with_timeout(LAST_WITHIN);
        }
    }
}

/// Ended spans on their way to a thread of their own, which sends them. Whoever ends a span never waits.
#[derive(Debug)]
struct Outbox {
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

    fn lose(&self, spans: usize) {
        self.lost.fetch_add(spans as u64, Ordering::Relaxed);
    }
}

impl Outbox {
    fn open(exporter: SpanExporter) -> Result<Self, Error> {
        let waiting = Arc::new(Waiting::default());
        let (end, ended) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Export(error.to_string()))?;
        let sender = Sender { waiting: Arc::clone(&waiting), exporter, under_way: 0, why: String::new(), told: None };
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
    /// Spans that are being sent.
    under_way: usize,
    /// Why spans were lost.
    why: String,
    told: Option<Instant>,
}

impl Sender {
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
            let mut all = self.waiting.spans();
            let count = all.len().min(BATCH);
            let rest = all.split_off(count);
            let batch = mem::replace(&mut *all, rest);
            drop(all);
            if batch.is_empty() {
                return true;
            }
            self.under_way = count;
            let sent = timeout(SENT_WITHIN, self.exporter.export(batch)).await;
            self.under_way = 0;
            if let Err(error) = sent.unwrap_or(Err(OTelSdkError::Timeout(SENT_WITHIN))) {
                self.why = error.to_string();
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
    use super::*;

    #[test]
    fn headers_are_read_as_opentelemetry_writes_them() {
        let expected = [("authorization", "Basic a=b,c"), ("x-team", "ours")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs("authorization=Basic%20a=b%2Cc, x-team = ours,nothing"), expected.into());
        assert!(pairs("").is_empty());
    }
}
