//! What every request goes through before it is answered, and every answer before it is sent.

use std::{net::IpAddr, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use langflix_fleet::view::Problem as Kind;
use langflix_measures::{Asked, WEB_REQUESTS};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::{
    App, api, assets,
    page::FILES,
    problem::{self, Problem},
    tokens::{May, given},
};

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// The longest body of a request, in bytes.
pub(super) const LONGEST_BODY: usize = 64 << 10;
/// How long an answer may take to begin.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Nothing from elsewhere, and no script or style in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// All that is served, behind all that guards it.
pub(super) fn guarded(app: App) -> Router {
    let nothing = async |uri: Uri| Problem::not_found(format_args!("there is nothing at {}", shown(&uri)));
    let otherwise = async |method: Method, uri: Uri| {
        let detail = format!("{} cannot be asked to {method}", shown(&uri));
        Problem::new(Kind::MethodNotAllowed, detail)
    };
    Router::new()
        .merge(assets::routes())
        .merge(api::routes())
        .merge(problem::routes())
        .fallback(nothing)
        .method_not_allowed_fallback(otherwise)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(app.clone(), check))
        .layer(from_fn_with_state(app.clone(), bound))
        .layer(from_fn(dress))
        .layer(from_fn(count))
        .with_state(app)
}

/// A path as it is repeated.
fn shown(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}

/// Counts every answer.
async fn count(request: Request, next: Next) -> Response {
    let asked = asked(request.uri().path());
    let response = next.run(request).await;
    WEB_REQUESTS.add((asked, response.status().as_str().to_owned().into()), 1);
    response
}

fn asked(path: &str) -> Asked {
    match path {
        "/api/v1/events" => Asked::Events,
        path if path.starts_with("/api/v1/runs/") && path.contains("/clips/") => Asked::Clips,
        path if path.starts_with("/api/") => Asked::Api,
        path if FILES.iter().any(|file| file.path == path) => Asked::Page,
        _ => Asked::Other,
    }
}

/// Gives every answer the headers that keep the page what it is.
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Takes no more than can be worked on.
async fn bound(State(app): State<App>, request: Request, next: Next) -> Response {
    let (may, wrong) = may(&app, request.headers());
    if !app.limits.takes(may >= May::Look) {
        app.limits.refusals.count(peer_of(&request), wrong);
        let problem = Problem::new(Kind::TooMany, "more requests a second than are taken");
        return problem.with(header::RETRY_AFTER, "1").into_response();
    }
    let Ok(_place) = app.limits.worked_on.try_acquire() else {
        return Problem::busy("as many requests as are taken at once are being worked on").into_response();
    };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > LONGEST_BODY) {
        return too_long().into_response();
    }
    match timeout(ANSWERED_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            Problem::unavailable(format_args!("no answer within {} s", ANSWERED_WITHIN.as_secs())).into_response()
        }
    }
}

/// What is told whoever sends more than is read.
pub(super) fn too_long() -> Problem {
    Problem::new(Kind::TooLong, format_args!("a body may have {LONGEST_BODY} bytes at most"))
}

/// Lets through who may ask for this.
async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let acts = !matches!(*request.method(), Method::GET | Method::HEAD);
    match permitted(&app, &request, acts) {
        Ok(()) if acts => {
            // So that the log tells of what is done who did it.
            let peer = peer_of(&request).map(tracing::field::display);
            let logged = tracing::info_span!("action", peer);
            next.run(request).instrument(logged).await
        }
        Ok(()) => next.run(request).await,
        Err(problem) => {
            app.limits.refusals.count(peer_of(&request), may(&app, request.headers()).1);
            problem.into_response()
        }
    }
}

fn peer_of(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Peer>().map(|peer| peer.0)
}

/// What whoever asks may do, and whether the token is a wrong one.
fn may(app: &App, headers: &HeaderMap) -> (May, bool) {
    let Some(token) = given(headers) else { return (app.tokens.without(), false) };
    let may = app.tokens.may(&token);
    (may, may == May::Nothing)
}

fn permitted(app: &App, request: &Request, acts: bool) -> Result<(), Problem> {
    let headers = request.headers();
    if app.tokens.let_all_look() && app.address.ip().is_loopback() && !is_near(headers) {
        let detail = "this address is for this machine alone: ask for it as 127.0.0.1 or localhost, or have a token asked \
                      for with web.view_token_file";
        return Err(Problem::new(Kind::OtherHost, detail));
    }
    let (may, wrong) = may(app, headers);
    if may == May::Nothing || (acts && may < May::Act) {
        return Err(refused(app, request, wrong, acts));
    }
    if acts && is_of_another_page(headers) {
        return Err(Problem::new(Kind::OtherSite, "this was asked for by a page of another address"));
    }
    Ok(())
}

fn refused(app: &App, request: &Request, wrong: bool, acts: bool) -> Problem {
    if wrong && !peer_of(request).is_some_and(|peer| app.limits.forgives(peer)) {
        let detail = "too many wrong tokens came from this address: wait a minute";
        return Problem::new(Kind::TooManyWrongTokens, detail).with(header::RETRY_AFTER, "60");
    }
    if acts && !app.tokens.allow_actions() {
        return Problem::new(Kind::ActionsOff, "nothing is done here: no web.action_token_file is configured");
    }
    let (kind, detail) = match (wrong, acts) {
        (true, _) => (Kind::WrongToken, "this token is not the right one"),
        (false, true) => (Kind::TokenNeeded, "give the token for actions"),
        (false, false) => (Kind::TokenNeeded, "give a token"),
    };
    // A browser asks its user for the one; the page asks for the other itself.
    let scheme = if acts { "Bearer realm=\"LangFlix\"" } else { "Basic realm=\"LangFlix\", charset=\"UTF-8\"" };
    Problem::new(kind, detail).with(header::WWW_AUTHENTICATE, scheme)
}

/// Whether a request names this machine by an address or as `localhost`. A page of somebody else's may give its own name
/// this machine's address, and read what is served there.
fn is_near(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok()
}

/// Whether a browser says that another page had it ask: it would give a password by itself.
fn is_of_another_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => text(header::ORIGIN).is_some_and(|origin| {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_none() || host != text(header::HOST)
        }),
    }
}
