use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use langflix_fleet::{
    dead::{DeadFilter, DeadGroup, Found, Retried, drop_all, retry},
    view::Problem as Kind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::web::{App, guard::too_long, problem::Problem};

/// Most messages of a shelf that are looked at for one answer.
const MOST: usize = 5000;
/// Most groups of one answer.
const MOST_GROUPS: usize = 1000;
/// What is told whoever asks for anything else.
const ASKED: &str = "the query may have, each once: queue, run, reason, limit (a whole number from 1 to 1000)";

/// Which messages are wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Only what came from this queue, such as analysis.bulk.v1, or from its .dead or .parked.
    queue: Option<String>,
    /// Only what belongs to this run, or to runs whose names begin like this.
    run: Option<String>,
    /// Only what has this text in its reason.
    reason: Option<String>,
    /// So many groups at the most, 1 to 1000.
    limit: Option<usize>,
}

/// Which messages are to be dealt with: those that have all that is named, of which there is at least one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    /// Only what came from this queue, such as analysis.bulk.v1, or from its .dead or .parked.
    queue: Option<String>,
    /// Only what belongs to this run, or to runs whose names begin like this.
    run: Option<String>,
    /// Only what has this text in its reason.
    reason: Option<String>,
    /// That all may be meant: `true` is asked for where nothing else is named.
    #[serde(default)]
    all: bool,
}

impl Chosen {
    fn filter(self) -> Option<DeadFilter> {
        let [queue, run, reason] = [self.queue, self.run, self.reason].map(|text| text.filter(|text| !text.is_empty()));
        let filter = DeadFilter { queue, run, reason };
        (self.all || filter != DeadFilter::default()).then_some(filter)
    }
}

/// Messages that were set aside.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Groups {
    /// Those that are alike, counted.
    groups: Vec<DeadGroup>,
    /// Whether there are more than were looked at, or are told.
    truncated: bool,
}

/// What came of dropping messages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Dropped {
    /// How many were thrown away.
    dropped: usize,
}

pub(super) async fn list(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Groups>, Problem> {
    let Query(wanted) = wanted.map_err(|_| Problem::bad(ASKED))?;
    let limit = wanted.limit.unwrap_or(MOST_GROUPS);
    if !(1..=MOST_GROUPS).contains(&limit) {
        return Err(Problem::bad(format_args!("limit: a whole number from 1 to {MOST_GROUPS}")));
    }
    let filter = DeadFilter { queue: wanted.queue, run: wanted.run, reason: wanted.reason };
    let places = filter.places().map_err(Problem::bad)?;
    let count = |app: App| async move { Ok(filter.count(&app.servers.queue, &places, MOST).await?) };
    let (mut groups, more) = app.at_shelves(count).await?;
    let truncated = more || groups.len() > limit;
    groups.truncate(limit);
    Ok(Json(Groups { groups, truncated }))
}

pub(super) async fn again(State(app): State<App>, chosen: Choice) -> Result<Json<Retried>, Problem> {
    let filter = filter_of(chosen)?;
    let take_up = |app: App| async move {
        let found = look(&app, &filter).await?;
        let retried = retry(app.servers.store.as_ref(), &app.servers.queue, &found).await?;
        tracing::info!(runs = retried.runs_planned, messages = retried.republished, "messages are taken up again");
        Ok(Json(retried))
    };
    app.at_shelves(take_up).await
}

pub(super) async fn throw_away(State(app): State<App>, chosen: Choice) -> Result<Json<Dropped>, Problem> {
    let filter = filter_of(chosen)?;
    let throw_away = |app: App| async move {
        let dropped = drop_all(&app.servers.queue, &look(&app, &filter).await?).await?;
        tracing::info!(messages = dropped, "messages are thrown away");
        Ok(Json(Dropped { dropped }))
    };
    app.at_shelves(throw_away).await
}

type Choice = Result<Json<Chosen>, JsonRejection>;

fn filter_of(chosen: Choice) -> Result<DeadFilter, Problem> {
    let Json(chosen) = chosen.map_err(|error| unreadable(error.status()))?;
    chosen.filter().ok_or_else(|| Problem::bad("name a queue, a run or a reason, or say \"all\": true"))
}

fn unreadable(status: StatusCode) -> Problem {
    match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(Kind::NotJson, "the body is to come as application/json"),
        StatusCode::PAYLOAD_TOO_LARGE => too_long(),
        status => {
            let kind = if status == StatusCode::UNPROCESSABLE_ENTITY { Kind::BadBody } else { Kind::BadRequest };
            Problem::new(kind, "the body is no JSON object with queue, run and reason (texts) or all (true)")
        }
    }
}

async fn look(app: &App, filter: &DeadFilter) -> Result<Vec<Found>, Problem> {
    let places = filter.places().map_err(Problem::bad)?;
    Ok(filter.look(&app.servers.queue, &places, MOST).await?)
}
