use std::{fmt::Display, time::Duration};

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use langflix_fleet::view::Problem as Kind;
use langflix_pipeline::Error;
use langflix_ports::{
    seldom::Seldom,
    store::{self, ErrorKind},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::App;

/// Why nothing more comes of a dispatcher that was told to end.
pub(super) const ENDS: &str = "this dispatcher ends: ask again, another one answers";

/// Why a request was not answered, as RFC 9457 has it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// What sort of problem.
    #[serde(rename = "type")]
    kind: Kind,
    /// That in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What happened, and what to do.
    detail: String,
    #[serde(skip)]
    header: Option<Box<(header::HeaderName, HeaderValue)>>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Display) -> Self {
        Self { kind, title: kind.title(), status: kind.status(), detail: detail.to_string(), header: None }
    }

    pub(super) fn not_found(detail: impl Display) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    pub(super) fn bad(detail: impl Display) -> Self {
        Self::new(Kind::BadRequest, detail)
    }

    /// A server of the fleet does not answer.
    pub(super) fn unavailable(detail: impl Display) -> Self {
        Self::new(Kind::Unavailable, detail).with(header::RETRY_AFTER, "5")
    }

    /// Others are answered now.
    pub(super) fn busy(detail: impl Display) -> Self {
        Self::new(Kind::Busy, detail).with(header::RETRY_AFTER, "5")
    }

    pub(super) fn with(self, name: header::HeaderName, value: &'static str) -> Self {
        self.with_value(name, HeaderValue::from_static(value))
    }

    pub(super) fn with_value(self, name: header::HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }
}

/// What the addresses of the kinds of problems lead to.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/problems/{kind}", get(about))
}

async fn about(Path(name): Path<String>) -> Result<String, Problem> {
    let kind = Kind::at(&format!("/problems/{name}")).ok_or_else(|| Problem::not_found("there is no such problem"))?;
    Ok(format!("{} ({})\n\n{}\n", kind.title(), kind.status(), kind.meaning()))
}

/// What the page tells of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Server {
    Store,
    Queues,
    Redis,
}

impl Server {
    /// What callers are told where it fails them. Where it is and how it failed is for those who read the log, which is told
    /// once a minute.
    pub(super) fn fails(self, error: &dyn Display) -> String {
        static SAYS: [Seldom; 3] = [const { Seldom::every(Duration::from_secs(60)) }; 3];
        let name = match self {
            Self::Store => "the store",
            Self::Queues => "RabbitMQ",
            Self::Redis => "Redis",
        };
        if SAYS[self as usize].is_time() {
            tracing::warn!(server = name, %error, "fails the page");
        }
        format!("{name} does not answer as it should: the dispatcher's log says more")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::NoRun { .. } => Self::new(Kind::NoRun, error),
            error if error.passes() => Self::unavailable(Server::Queues.fails(&error)),
            error => Self::new(Kind::Failed, Server::Store.fails(&error)),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error.kind {
            ErrorKind::NotFound | ErrorKind::InvalidKey => Self::not_found("there is nothing of that name"),
            _ => Self::unavailable(Server::Store.fails(&error)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let header = self.header.take();
        let mut response = (status, Json(self)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().extend(header.map(|header| *header));
        response
    }
}
