//! What is asked of the API.

mod runs;

use axum::{Json, Router, extract::State, routing::get};
use langflix_fleet::view::Overview;

use super::{App, events::events};

/// All of the API.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/overview", get(overview))
        .route("/api/v1/runs", get(runs::list))
        .route("/api/v1/runs/{run}", get(runs::one))
        .route("/api/v1/events", get(events))
}

async fn overview(State(app): State<App>) -> Json<Overview> {
    app.board.look_over().await;
    Json(app.board.overview())
}
