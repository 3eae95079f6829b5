use std::fmt::Display;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use langflix_pipeline::Error;
use langflix_ports::store::{self, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request was not answered, as RFC 9457 has it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Problem {
    /// What sort of problem: `about:blank`, the status says it all.
    #[serde(rename = "type")]
    sort: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What happened, and what to do.
    detail: String,
    #[serde(skip)]
    header: Option<Box<(header::HeaderName, HeaderValue)>>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Display) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self {
            sort: "about:blank".to_owned(),
            title,
            status: status.as_u16(),
            detail: detail.to_string(),
            header: None,
        }
    }

    pub(super) fn not_found(detail: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn bad(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// A server of the fleet does not answer.
    pub(super) fn unavailable(detail: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(header::RETRY_AFTER, "5")
    }

    pub(super) fn with(self, name: header::HeaderName, value: &'static str) -> Self {
        self.with_value(name, HeaderValue::from_static(value))
    }

    pub(super) fn with_value(self, name: header::HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::NoRun { .. } => Self::not_found(error),
            error if error.passes() => Self::unavailable(error),
            error => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error.kind {
            ErrorKind::NotFound | ErrorKind::InvalidKey => Self::not_found("there is nothing of that name"),
            _ => Self::unavailable(error),
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
