use axum::{Json, extract::State};
use langflix_domain::{Lane, RunId};
use langflix_fleet::{Again, Cancelled, again, cancel, view::Problem as Kind};
use schemars::JsonSchema;
use serde::Serialize;

use super::runs::{RunPath, no_run, run_in};
use crate::web::{App, problem::Problem};

/// A run that is being cancelled.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BeingCancelled {
    /// It.
    run: RunId,
    /// That it is.
    cancelled: bool,
}

/// A run that is taken up again.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TakenUp {
    /// It.
    run: RunId,
    /// How much had failed in it, and is done again.
    tasks: usize,
}

pub(super) async fn stop(State(app): State<App>, run: RunPath) -> Result<Json<BeingCancelled>, Problem> {
    let (run, servers) = (run_in(run)?, &app.servers);
    match cancel(servers.store.as_ref(), servers.queue.as_ref(), &run).await? {
        Cancelled::Underway => {
            tracing::info!(%run, "is cancelled by an operator");
            Ok(Json(BeingCancelled { run, cancelled: true }))
        }
        Cancelled::Ended(status) => {
            let detail = format!("{run} has ended {}: there is nothing to cancel", status.as_str());
            Err(Problem::new(Kind::RunEnded, detail))
        }
        Cancelled::NoRun => Err(no_run()),
    }
}

pub(super) async fn take_up(State(app): State<App>, run: RunPath) -> Result<Json<TakenUp>, Problem> {
    let run = run_in(run)?;
    let take_up = |app: App| async move {
        match again(app.servers.store.as_ref(), &app.servers.queue, &run, Lane::Bulk).await? {
            Again::Tasks(tasks) => {
                tracing::info!(%run, tasks, "is taken up again by an operator");
                Ok(Json(TakenUp { run, tasks }))
            }
            Again::BeingCancelled => {
                let detail = format!("{run} is being cancelled: ask again when it has ended");
                Err(Problem::new(Kind::BeingCancelled, detail))
            }
            Again::NoRun => Err(no_run()),
        }
    };
    app.at_shelves(take_up).await
}
