//! A run as a collector of spans sees it, and as the logs tell it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use langflix_ports::store::ArtifactStore as _;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Attribute},
    trace::v1::span::SpanKind,
};
use prost::Message as _;
use serde_json::Value;
use tempfile::tempdir;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::{
    servers::Fleet,
    services::Service,
    support::{complete, episode, langflix},
};

const SERVICES: [&str; 3] = ["dispatcher", "analysis-worker", "encoding-worker"];

/// A span as the collector got it.
#[derive(Debug)]
struct Span {
    service: String,
    trace: String,
    id: String,
    parent: String,
    name: String,
    /// As the protocol numbers it.
    kind: i32,
    attributes: BTreeMap<String, String>,
    links: BTreeSet<String>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.clone()?.value? {
        Attribute::StringValue(text) => Some((one.key.clone(), text)),
        other => Some((one.key.clone(), format!("{other:?}"))),
    };
    all.iter().filter_map(text).collect()
}

/// Takes spans, as they come.
async fn collector() -> MockServer {
    let server = MockServer::start().await;
    let spans = Mock::given(matchers::method("POST")).and(matchers::path("/v1/traces"));
    spans.respond_with(ResponseTemplate::new(200)).mount(&server).await;
    server
}

/// All spans that came, of programs of this version alone, each with what the collector asks for.
async fn received(server: &MockServer) -> Vec<Span> {
    let mut spans = Vec::new();
    for request in server.received_requests().await.unwrap() {
        assert_eq!(request.headers["x-key"], "of the collector", "{request:?}");
        let batch = ExportTraceServiceRequest::decode(&*request.body).unwrap();
        for of_program in batch.resource_spans {
            let resource = attributes(&of_program.resource.unwrap().attributes);
            assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
            spans.extend(of_program.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| Span {
                service: resource["service.name"].clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                kind: span.kind,
                attributes: attributes(&span.attributes),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
            }));
        }
    }
    spans
}

fn tell(command: &mut Command, collector: &MockServer, ratio: &str) {
    command
        .env("LANGFLIX__TELEMETRY__OTLP_ENDPOINT", collector.uri())
        .env("LANGFLIX__TELEMETRY__SAMPLE_RATIO", ratio)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=of%20the%20collector");
}

/// An episode from its ingestion to its manifest; the services trace all that they begin themselves.
async fn episode_traced(fleet: &Fleet, collector: &MockServer, ratio: &str, dir: &Path) {
    let services = SERVICES.map(|name| {
        Service::start_with(fleet, name, dir, |mut command| {
            tell(&mut command, collector, "1");
            command
        })
    });
    let video = episode();
    let mut ingest =
        fleet.langflix(&["ingest", video.to_str().unwrap(), "--language", "ko", "--max-expressions", "2", "--wait"]);
    tell(&mut ingest, collector, ratio);
    let said = tokio::task::spawn_blocking(move || complete(&mut ingest)).await.unwrap();
    assert!(!said.err.contains("spans are lost"), "{said:#?}");
    for service in services {
        service.ends().await;
    }
}

/// Every outcome of a stage: what its task is called in logs, and the span that it names.
async fn outcomes(fleet: &Fleet, stage: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for key in fleet.keys("runs/").await.into_iter().filter(|key| key.contains(&format!("/{stage}/outcomes/"))) {
        let outcome: Value = serde_json::from_slice(&fleet.store.get(&key).await.unwrap().unwrap()).unwrap();
        let task = outcome["task"].as_str().unwrap();
        let label = if stage == "encoding" { format!("clip {}", &task[..8]) } else { task.to_owned() };
        let span = outcome["trace"].as_str().unwrap().split('-').nth(2).unwrap();
        found.insert(label, span.to_owned());
    }
    found
}

/// What a service logged of tasks that ended.
fn logged(dir: &Path, service: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(dir.join(format!("{service}.log"))).unwrap();
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event.get("elapsed_ms").is_some()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_follows_an_episode_through_all_processes() {
    let (fleet, collector, dir) = (Fleet::new().await, collector().await, tempdir().unwrap());
    episode_traced(&fleet, &collector, "1", dir.path()).await;
    let spans = received(&collector).await;
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();

    let roots: Vec<&Span> = spans.iter().filter(|span| span.parent.is_empty()).collect();
    assert_eq!(
        (roots.len(), roots[0].name.as_str(), roots[0].service.as_str()),
        (1, "ingest", "langflix"),
        "{roots:#?}"
    );
    let (trace, run) = (&roots[0].trace, &roots[0].attributes["run"]);
    for span in &spans {
        assert_eq!(&span.trace, trace, "{span:#?}");
        let kind = if span.name.starts_with("task ") { SpanKind::Consumer } else { SpanKind::Internal };
        assert_eq!(span.kind, kind as i32, "{span:#?}");
        assert!(span.parent.is_empty() || by_id.contains_key(span.parent.as_str()), "its parent is missing: {span:#?}");
    }

    // Each message leads to the next, and each task to what was done for it.
    let links = |span: &Span| -> BTreeSet<String> {
        let steps = spans.iter().filter(|step| step.parent == span.id && step.name == "fan_in");
        steps.flat_map(|step| step.links.iter().cloned()).collect()
    };
    let task = |name: &str| {
        let found = spans.iter().filter(|span| span.name.starts_with("task ") && span.attributes["task"] == name);
        // That a stage has ended may be said twice, and only one takes the step.
        found.max_by_key(|span| links(span).len()).unwrap_or_else(|| panic!("{name} is missing: {spans:#?}"))
    };
    let above = |span: &Span| by_id[span.parent.as_str()].attributes.get("task").cloned().unwrap_or_default();
    let below = |span: &Span| -> BTreeSet<&str> {
        spans.iter().filter(|other| other.parent == span.id).map(|other| other.name.as_str()).collect()
    };
    let [chunks, clips] = [outcomes(&fleet, "analysis").await, outcomes(&fleet, "encoding").await];
    assert!(chunks.len() > 1 && clips.len() == 2, "{chunks:?} {clips:?}");
    assert_eq!(task("plan").parent, roots[0].id);
    for (name, id) in &chunks {
        let chunk = by_id[id.as_str()];
        assert_eq!((&chunk.attributes["task"], above(chunk).as_str()), (name, "plan"));
        assert!(below(chunk).is_superset(&["outcome"].into()), "{:?}", below(chunk));
        assert_eq!((chunk.service.as_str(), chunk.attributes["end"].as_str()), ("langflix-analysis-worker", "done"));
        assert_eq!(chunk.name, "task analysis.bulk.v1");
    }
    assert!(chunks.contains_key(&above(task("end of analysis"))));
    for (name, id) in &clips {
        let clip = by_id[id.as_str()];
        assert_eq!((&clip.attributes["task"], above(clip).as_str()), (name, "end of analysis"));
        assert!(below(clip).is_superset(&["source", "encode", "upload", "outcome"].into()), "{:?}", below(clip));
        assert_eq!((clip.service.as_str(), clip.name.as_str()), ("langflix-encoding-worker", "task encoding.bulk.v1"));
    }
    assert!(clips.contains_key(&above(task("end of encoding"))));

    // The steps that end a stage follow from all of its tasks.
    for (name, of) in [("end of analysis", &chunks), ("end of encoding", &clips)] {
        assert_eq!(links(task(name)), of.values().cloned().collect(), "{:#?}", task(name));
        assert_eq!(task(name).service, "langflix-dispatcher");
    }

    // And each task is one line that names its trace.
    for (service, names) in [("analysis-worker", &chunks), ("encoding-worker", &clips)] {
        let lines = logged(dir.path(), service);
        let told: BTreeSet<&str> = lines.iter().map(|line| line["task"].as_str().unwrap()).collect();
        assert_eq!((lines.len(), told), (names.len(), names.keys().map(String::as_str).collect()), "{lines:#?}");
        for line in &lines {
            assert_eq!(
                (line["run"].as_str().unwrap(), line["trace"].as_str().unwrap()),
                (run.as_str(), trace.as_str())
            );
            assert_eq!((&line["level"], &line["end"]), (&"INFO".into(), &"done".into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_sampled_where_it_begins_is_traced_by_nobody() {
    let (fleet, collector, dir) = (Fleet::new().await, collector().await, tempdir().unwrap());
    episode_traced(&fleet, &collector, "0", dir.path()).await;
    assert_eq!(received(&collector).await.len(), 0);
    let lines = logged(dir.path(), "analysis-worker");
    let traces: BTreeSet<&str> = lines.iter().map(|line| line["trace"].as_str().unwrap()).collect();
    assert_eq!(traces.len(), 1, "its lines belong together all the same: {lines:#?}");
}

/// The names of the spans from the root down to each span of a run without servers.
async fn run_alone(ratio: &str) -> BTreeSet<Vec<String>> {
    let (collector, dir) = (collector().await, tempdir().unwrap());
    let (video, out) = (episode(), dir.path().to_str().unwrap());
    let mut run =
        langflix(["run", video.to_str().unwrap(), "--language", "ko", "--max-expressions", "1", "--out", out]);
    tell(&mut run, &collector, ratio);
    let said = tokio::task::spawn_blocking(move || complete(&mut run)).await.unwrap();
    assert!(!said.err.contains("spans are lost"), "{said:#?}");
    let spans = received(&collector).await;
    let way = |span: &Span| {
        let above = |of: &&Span| spans.iter().find(|span| span.id == of.parent);
        let mut names: Vec<String> = std::iter::successors(Some(span), above).map(|span| span.name.clone()).collect();
        names.reverse();
        names
    };
    spans.iter().map(way).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_servers_is_one_trace_too_or_none() {
    let ways = run_alone("1").await;
    let way = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let steps = ["outcome", "source", "encode", "upload"].map(|step| way(&["run", "task", step]));
    let others = [way(&["run"]), way(&["run", "plan"]), way(&["run", "task"]), way(&["run", "fan_in"])];
    assert!(ways.is_superset(&steps.into_iter().chain(others).collect()), "{ways:?}");
    assert!(ways.iter().all(|way| way[0] == "run"), "{ways:?}");
    assert_eq!(run_alone("0").await, BTreeSet::new());
}
