use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::header,
    response::{IntoResponse as _, Response},
};
use langflix_domain::{EpisodeStatus, RunId, slug};
use langflix_fleet::view::{Problem as Kind, Run, RunDetails};
use langflix_pipeline::fleet::{manifest, manifest_so_far, state, stored_manifest};
use langflix_ports::store::check_key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::web::{App, problem::Problem};

/// Most runs of one answer.
const MOST: usize = 1000;
/// What is told whoever asks for anything else.
const ASKED: &str = "the query may have, each once: show, season and episode (whole numbers up to 65535), status (open, \
     complete, partial or failed), after (a run), limit (a whole number from 1 to 1000)";

/// Which runs are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Of this show, by its name or as keys write it.
    show: Option<String>,
    /// Of this season.
    season: Option<u16>,
    /// Of this episode.
    episode: Option<u16>,
    /// That stand so.
    status: Option<Standing>,
    /// That come behind this one.
    after: Option<String>,
    /// So many at the most, 1 to 1000.
    limit: Option<usize>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// It has not ended.
    Open,
    /// It ended complete.
    Complete,
    /// It ended partial.
    Partial,
    /// It ended failed.
    Failed,
    /// What is recorded of it cannot be read.
    Unreadable,
}

/// Some runs in the order of show, season, episode and name.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Runs {
    /// These.
    runs: Vec<Arc<Run>>,
    /// What `after` is to be for those that follow; null where none do.
    next: Option<RunId>,
}

impl Wanted {
    fn takes(&self, run: &Run) -> bool {
        let standing = match run.status {
            None if !run.is_open() => Standing::Unreadable,
            None => Standing::Open,
            Some(EpisodeStatus::Complete) => Standing::Complete,
            Some(EpisodeStatus::Partial) => Standing::Partial,
            Some(EpisodeStatus::Failed) => Standing::Failed,
        };
        self.show.as_ref().is_none_or(|show| slug(show) == run.show)
            && self.season.is_none_or(|season| season == run.season)
            && self.episode.is_none_or(|episode| episode == run.episode)
            && self.status.is_none_or(|wanted| wanted == standing)
    }
}

pub(super) async fn list(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Runs>, Problem> {
    let Query(wanted) = wanted.map_err(|_| Problem::bad(ASKED))?;
    let limit = wanted.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad(format_args!("limit: a whole number from 1 to {MOST}")));
    }
    let mut runs = app.board.runs().await?;
    if let Some(after) = &wanted.after {
        let after = run_of(after)?;
        let at = runs.iter().position(|run| run.run == after);
        let at = at.ok_or_else(|| Problem::bad("after: there is no such run"))?;
        runs.drain(..=at);
    }
    runs.retain(|run| wanted.takes(run));
    let next = if runs.len() > limit { runs.get(limit - 1).map(|run| run.run.clone()) } else { None };
    runs.truncate(limit);
    Ok(Json(Runs { runs, next }))
}

pub(super) async fn one(State(app): State<App>, run: RunPath) -> Result<Json<RunDetails>, Problem> {
    let (run, store) = (run_in(run)?, app.servers.store.as_ref());
    let state = state(store, &run).await?;
    if !state.is_known() {
        return Err(no_run());
    }
    app.board.put(&state);
    let manifest = match &state.ending {
        Some(_) => manifest(store, &run).await?,
        None => manifest_so_far(store, &run).await?,
    };
    Ok(Json(RunDetails::of(&state, manifest.as_ref(), app.prices.as_ref())))
}

pub(super) async fn whole(State(app): State<App>, run: RunPath) -> Result<Response, Problem> {
    let manifest = stored_manifest(app.servers.store.as_ref(), &run_in(run)?).await?;
    let manifest =
        manifest.ok_or_else(|| Problem::new(Kind::NotEnded, "there is no such run, or it has not ended yet"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], manifest).into_response())
}

/// The run that a path names.
pub(super) type RunPath = Result<Path<String>, PathRejection>;

/// The run that a path names, where it can be one.
pub(super) fn run_in(path: RunPath) -> Result<RunId, Problem> {
    let Path(run) = path.map_err(|_| no_run())?;
    run_of(&run)
}

pub(super) fn run_of(text: &str) -> Result<RunId, Problem> {
    RunId::parse(text).filter(|run| check_key(run.as_str()).is_ok()).ok_or_else(no_run)
}

pub(super) fn no_run() -> Problem {
    Problem::new(Kind::NoRun, "there is no such run")
}
