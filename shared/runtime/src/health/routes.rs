use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::json;

use super::{Condition, Health, heap::heap, measures};

pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/debug/heap", get(heap))
        .with_state(health)
}

async fn livez(State(health): State<Health>) -> impl IntoResponse {
    let silent = health.pulses.silent().await;
    (code(silent.is_empty()), Json(json!({ "alive": silent.is_empty(), "silent": silent })))
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let parts = health.conditions();
    let ready = ready(&parts);
    (code(ready), Json(json!({ "ready": ready, "parts": parts })))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    measures::readiness(&health.conditions());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], health.measures.render())
}

async fn status(State(health): State<Health>) -> impl IntoResponse {
    Json(health.report())
}

pub(super) fn ready(parts: &[Condition]) -> bool {
    parts.iter().all(|part| part.ready)
}

fn code(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
