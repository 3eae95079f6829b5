use std::{
    error::Error,
    fmt::Write as _,
    iter::successors,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// What sends requests to the collector. It keeps why one did not get there: of that, the exporter says no more than "network
/// error". Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    why: Arc<Mutex<Option<String>>>,
}

impl Collector {
    /// # Errors
    /// Where no client can be made.
    pub(super) fn new() -> reqwest::Result<Self> {
        // A header that another server gets to see is told to a stranger.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, why: Arc::default() })
    }

    /// Why the last request did not get there; once.
    pub(super) fn take_why(&self) -> Option<String> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.client.send_bytes(request).await;
        let why = sent.as_ref().err().map(|error| chain(&**error));
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = why;
        sent
    }
}

/// The error and what caused it, without the address: its path may be a secret of the collector's.
fn chain(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut text = match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "the collector took too long".to_owned(),
        Some(error) if error.is_connect() => "the collector is not reached".to_owned(),
        Some(_) => "the request failed".to_owned(),
        None => error.to_string(),
    };
    for cause in successors(error.source(), |&cause| cause.source()) {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {cause}");
    }
    text
}
