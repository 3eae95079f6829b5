use std::{collections::HashMap, time::Duration};

use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, SpanExporter as _},
};

use super::{
    Error,
    collector::Collector,
    outbox::{Outbox, SENT_WITHIN},
};
use crate::config::{Secret, Telemetry};

/// How long the end of a process waits for its last spans to be sent, and for what is said of those that are not.
const LAST_WITHIN: Duration = Duration::from_secs(3);
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

    /// Has the spans of this process sent.
    pub(super) fn begin(&self) -> Result<Exporting, Error> {
        let resource = Resource::builder()
            .with_service_name(self.program.clone())
            .with_attribute(KeyValue::new("service.version", self.version))
            .build();
        let collector = Collector::new().map_err(|error| Error::Export(error.to_string()))?;
        let outbox = Outbox::open(self.exporter(&resource, collector.clone())?, collector)?;
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(self.sample_ratio))))
            .with_max_links_per_span(LINKS)
            .with_resource(resource)
            .with_span_processor(outbox)
            .build();
        global::set_tracer_provider(provider.clone());
        Ok(Exporting(Some(provider)))
    }

    pub(super) fn exporter(&self, resource: &Resource, collector: Collector) -> Result<SpanExporter, Error> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
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
