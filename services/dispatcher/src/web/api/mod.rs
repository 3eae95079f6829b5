//! What is asked of the API.

mod clips;
mod dead;
mod openapi;
mod range;
mod runs;
mod steer;

use std::sync::LazyLock;

use axum::{
    Json, Router,
    extract::State,
    http::header,
    response::IntoResponse,
    routing::{MethodRouter, get, post},
};
use langflix_domain::Manifest;
use langflix_fleet::{
    dead::Retried,
    view::{Overview, RunDetails},
};
use schemars::SchemaGenerator;
use serde_json::Value;

use super::{App, events::events};
use openapi::{Form, document, schema_of};

/// Something that can be asked for: how it is answered, and how it is described.
struct Endpoint {
    method: Method,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    query: Option<fn(&mut SchemaGenerator) -> Value>,
    body: Option<Form>,
    gives: &'static str,
    answer: Form,
    route: MethodRouter<App>,
}

#[derive(Clone, Copy)]
enum Method {
    Get,
    Post,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }

    fn acts(self) -> bool {
        matches!(self, Self::Post)
    }
}

/// All of the API: nothing is served that is not described.
pub(super) fn routes() -> Router<App> {
    endpoints().into_iter().fold(Router::new(), |routes, endpoint| routes.route(endpoint.path, endpoint.route))
}

/// The document that describes it.
pub(super) fn described() -> String {
    let mut text = serde_json::to_string_pretty(&document(&endpoints())).unwrap_or_default();
    text.push('\n');
    text
}

async fn overview(State(app): State<App>) -> Json<Overview> {
    app.board.look_over().await;
    Json(app.board.overview())
}

async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(described);
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

fn endpoints() -> Vec<Endpoint> {
    let mut all = lookings();
    all.extend(actions());
    all
}

/// What whoever may look may ask for.
fn lookings() -> Vec<Endpoint> {
    let get = |path, id, summary, gives, answer, route| {
        let (method, query, body) = (Method::Get, None, None);
        Endpoint { method, path, id, summary, query, body, gives, answer, route }
    };
    let files = &["video/mp4", "image/jpeg", "text/vtt"];
    vec![
        get(
            "/api/v1/overview",
            "overview",
            "The fleet at a glance",
            "the fleet",
            Form::of::<Overview>(),
            self::get(overview),
        ),
        Endpoint {
            query: Some(schema_of::<runs::Wanted>),
            ..get(
                "/api/v1/runs",
                "runs",
                "Runs by episode",
                "those runs",
                Form::of::<runs::Runs>(),
                self::get(runs::list),
            )
        },
        get(
            "/api/v1/runs/{run}",
            "run",
            "A run and what failed in it",
            "the run",
            Form::of::<RunDetails>(),
            self::get(runs::one),
        ),
        get(
            "/api/v1/runs/{run}/manifest",
            "manifest",
            "What came of a run that has ended",
            "the manifest, as it is stored",
            Form::of::<Manifest>(),
            self::get(runs::whole),
        ),
        get(
            "/api/v1/runs/{run}/clips/{number}/{file}",
            "clipFile",
            "A file of a clip; a range of bytes of a stored one may be asked for",
            "the file",
            Form::File(files),
            self::get(clips::file),
        ),
        Endpoint {
            query: Some(schema_of::<dead::Wanted>),
            ..get(
                "/api/v1/dead",
                "dead",
                "Messages that were set aside, by queue, run and reason",
                "groups of them",
                Form::of::<dead::Groups>(),
                self::get(dead::list),
            )
        },
        get(
            "/api/v1/events",
            "events",
            "What changes, as it changes: events `overview` (as of /api/v1/overview), `runs` (those that are new or have \
             changed; all at first) and, before the stream ends, `gone`",
            "server-sent events",
            Form::Other(&["text/event-stream"]),
            self::get(events),
        ),
        get(
            "/api/v1/openapi.json",
            "openapi",
            "This document",
            "it",
            Form::Other(&["application/json"]),
            self::get(openapi),
        ),
    ]
}

/// What needs the token for actions.
fn actions() -> Vec<Endpoint> {
    let post = |path, id, summary, gives, answer, route| {
        let (method, query, body) = (Method::Post, None, None);
        Endpoint { method, path, id, summary, query, body, gives, answer, route }
    };
    let chosen = Some(Form::of::<dead::Chosen>());
    vec![
        post(
            "/api/v1/runs/{run}/cancel",
            "cancel",
            "End a run: what has no outcome yet ends as cancelled, and what is done stays",
            "it is being cancelled",
            Form::of::<steer::BeingCancelled>(),
            self::post(steer::stop),
        ),
        post(
            "/api/v1/runs/{run}/retry",
            "retry",
            "Do again what failed in a run",
            "how much is done again",
            Form::of::<steer::TakenUp>(),
            self::post(steer::take_up),
        ),
        Endpoint {
            body: chosen,
            ..post(
                "/api/v1/dead/retry",
                "retryDead",
                "Work on messages again that were set aside, at most 5000 of a queue at once",
                "what is done again",
                Form::of::<Retried>(),
                self::post(dead::again),
            )
        },
        Endpoint {
            body: chosen,
            ..post(
                "/api/v1/dead/drop",
                "dropDead",
                "Throw messages away that were set aside, at most 5000 of a queue at once",
                "how many are gone",
                Form::of::<dead::Dropped>(),
                self::post(dead::throw_away),
            )
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set this variable to have the file written anew.
    const UPDATE: &str = "UPDATE_OPENAPI";
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

    #[test]
    fn the_document_in_the_repository_is_that_of_the_api() {
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(FILE, described()).unwrap();
        }
        let kept = std::fs::read_to_string(FILE).unwrap_or_default();
        assert!(
            kept == described(),
            "{FILE} tells of another API: run this test with {UPDATE}=1 and look at the difference"
        );
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = document(&endpoints());
        let text = document.to_string();
        let mut references = 0;
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
            references += 1;
        }
        assert!(references > 20, "{text}");
        for path in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
        {
            assert!(path["operationId"].is_string() && path["summary"].is_string(), "{path}");
        }
    }
}
