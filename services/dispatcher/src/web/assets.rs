use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use langflix_domain::Digest;

use super::{
    App,
    page::{FILES, File},
};

/// The page's files.
pub(super) fn routes() -> Router<App> {
    FILES.iter().fold(Router::new(), |routes, file| {
        let etag = format!("\"{}\"", Digest::of_bytes(file.body.as_bytes()).short());
        routes.route(file.path, get(move |headers: HeaderMap| async move { answer(file, &etag, &headers) }))
    })
}

fn answer(file: &File, etag: &str, headers: &HeaderMap) -> Response {
    let head = [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache"), (header::CONTENT_TYPE, file.content_type)];
    if is_known(headers, etag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head.map(|(name, value)| (name, value.to_owned())), file.body).into_response()
}

/// Whether who asks has what has this tag.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}
