use super::{
    address::address,
    files::{Files, Place},
};
use crate::config::{Secret, kind, reader::Reader};

/// What programs tell of themselves, and to whom.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// The collector that spans are sent to; `None` where they are not.
    pub otlp_endpoint: Option<String>,
    /// What the collector wants to be sent beside them, as `name=value,name=value`, the values percent-encoded.
    pub otlp_headers: Option<Secret>,
    /// How many of the runs that begin here are traced, of 1.
    pub sample_ratio: f64,
    /// Whether a service's events are JSON; `None` for where no person looks on.
    pub json_logs: Option<bool>,
    /// Whether a service keeps a profile of its heap.
    pub heap_profile: bool,
}

impl Telemetry {
    pub(in crate::config) fn read(read: &mut Reader, files: &mut Files) -> Self {
        let otlp_endpoint = read.value(
            "telemetry.otlp_endpoint",
            address(&["http", "https"], "http://collector:4318", |_| true).optional(),
            None,
            "the OpenTelemetry collector that spans are sent to over HTTP, at `/v1/traces` below this; unset: none",
        );
        let file = read.value(
            "telemetry.otlp_headers_file",
            kind::path().optional(),
            None,
            "a file that holds headers for the collector, as `name=value,name=value` with percent-encoded values; those of `OTEL_EXPORTER_OTLP_HEADERS` hold where both name one",
        );
        let sample_ratio = read.value(
            "telemetry.sample_ratio",
            kind::number(0.0..=1.0),
            0.1,
            "how many of the runs that begin here are traced, of 1; a run is traced whole or not at all",
        );
        let json_logs = read.value(
            "telemetry.log_format",
            kind::choice([("json", true), ("text", false)]).or_word("auto"),
            None,
            "what services log: `json`, one object a line, or `text`; `auto`: JSON unless a terminal shows it",
        );
        let heap_profile = read.value(
            "telemetry.heap_profile",
            kind::switch(),
            false,
            "keep a profile of a service's heap, which `/debug/heap` at `fleet.health_address` gives to callers of the same host",
        );
        let otlp_headers = files.secret(
            read,
            Place {
                key: "telemetry.otlp_headers",
                file_key: "telemetry.otlp_headers_file",
                file,
                variable: Some("OTEL_EXPORTER_OTLP_HEADERS"),
                needed: true,
            },
        );
        Self { otlp_endpoint, otlp_headers, sample_ratio, json_logs, heap_profile }
    }
}
