use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep_until},
};

use super::{
    App,
    board::Listening,
    problem::{ENDS, Problem},
};

/// How many may listen at once.
pub(super) const LISTENERS: usize = 64;
/// Between events of one stream, so that a first look at many runs comes in few.
const BETWEEN: Duration = Duration::from_millis(500);
/// How long a stream says nothing before it says that it is there, so that no proxy takes it for dead, and a page knows
/// when it is: a browser does not tell its page of comments.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Tells where all runs stand, and then what changes.
pub(super) async fn events(State(app): State<App>) -> Result<Response, Problem> {
    let Ok(place) = app.listeners.clone().try_acquire_owned() else {
        return Err(Problem::busy(format_args!("{LISTENERS} listen already, as many as may: ask for /api/v1/runs")));
    };
    let beat = KeepAlive::new().interval(HEARTBEAT).event(Event::default().event("beat").data("{}"));
    let mut response = Sse::new(told(app, place)).keep_alive(beat).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn told(app: App, place: OwnedSemaphorePermit) -> impl Stream<Item = Result<Event, Infallible>> {
    let (listening, mut changes) = (app.board.listen(), app.board.changes());
    // What is known already is told at once.
    changes.mark_changed();
    let listener = Listener {
        app,
        changes,
        ready: VecDeque::new(),
        not_before: Instant::now(),
        overview: String::new(),
        version: None,
        over: false,
        _held: (listening, place),
    };
    stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

/// One stream.
struct Listener {
    app: App,
    changes: watch::Receiver<()>,
    ready: VecDeque<Event>,
    not_before: Instant,
    /// What was told last.
    overview: String,
    /// The last change of a run that was told of; none before the first event.
    version: Option<u64>,
    over: bool,
    _held: (Listening, OwnedSemaphorePermit),
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let (changes, not_before) = (&mut self.changes, self.not_before);
            let changed = async {
                sleep_until(not_before).await;
                changes.changed().await.is_ok()
            };
            let goes_on = tokio::select! {
                biased;
                () = self.app.shutdown.draining() => false,
                changed = changed => changed,
            };
            if goes_on {
                self.collect();
                self.not_before = Instant::now() + BETWEEN;
            } else {
                self.over = true;
                let reason = json!({ "reason": ENDS });
                self.ready.push_back(Event::default().event("gone").data(reason.to_string()));
            }
        }
    }

    /// Makes ready what is new.
    fn collect(&mut self) {
        let board = &self.app.board;
        let overview = board.overview();
        // Before the first look there only seem to be no runs.
        let is_known = board.is_whole() || overview.runs_error.is_some();
        let overview = serde_json::to_string(&overview).unwrap_or_default();
        if is_known && overview != self.overview {
            self.ready.push_back(Event::default().event("overview").data(&overview));
            self.overview = overview;
        }
        let (runs, version) = board.changed(self.version.unwrap_or_default());
        // That there are none is told too, once it is known.
        if !runs.is_empty() || (self.version.is_none() && board.is_whole()) {
            self.ready.push_back(Event::default().event("runs").data(json!({ "runs": runs }).to_string()));
            self.version = Some(version);
        }
    }
}
