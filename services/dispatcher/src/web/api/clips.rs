use axum::{
    body::{Body, Bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::stream;
use langflix_domain::{Blob, ManifestClip};
use langflix_fleet::view::Problem as Kind;
use langflix_pipeline::{clip_lines, fleet::manifest};

use super::{
    range::{Asked, range_of},
    runs::{no_run, run_of},
};
use crate::web::{App, assets::is_known, problem::Problem};

const VTT: &str = "text/vtt; charset=utf-8";

/// A file of a clip, where its run's manifest has one of that name.
pub(super) async fn file(
    State(app): State<App>,
    path: Result<Path<(String, u32, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((run, number, file)) = path.map_err(|_| Problem::bad("a clip is named by its run and its number"))?;
    let manifest = manifest(app.servers.store.as_ref(), &run_of(&run)?).await?.ok_or_else(no_run)?;
    let clip = manifest.clips.iter().find(|clip| clip.number == number).ok_or_else(no_file)?;
    match file.as_str() {
        "clip.mp4" => stored(&app, clip, "clip.mp4", "video/mp4", &headers).await,
        "poster.jpg" => stored(&app, clip, "poster.jpg", "image/jpeg", &headers).await,
        "source.vtt" => Ok(lines(clip_lines(clip, false).ok_or_else(no_file)?)),
        "target.vtt" if clip.cues.iter().any(|cue| cue.translation.is_some()) => {
            Ok(lines(clip_lines(clip, true).ok_or_else(no_file)?))
        }
        _ => Err(no_file()),
    }
}

fn no_file() -> Problem {
    Problem::not_found("this run has no such file of a clip")
}

fn lines(text: String) -> Response {
    ([(header::CONTENT_TYPE, VTT)], text).into_response()
}

async fn stored(
    app: &App,
    clip: &ManifestClip,
    name: &str,
    content_type: &'static str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let blob = clip.encoded.as_ref().and_then(|encoded| encoded.blobs.get(name)).ok_or_else(no_file)?;
    let etag = format!("\"{}\"", blob.sha256);
    let mut response = match is_known(headers, &etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => part(app, &format!("clips/{}/{name}", clip.id), blob, range_of(headers, &etag, blob.bytes)).await?,
    };
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // A run that is taken up again may have another clip of that number.
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    head.extend(HeaderValue::try_from(etag).ok().map(|etag| (header::ETAG, etag)));
    Ok(response)
}

async fn part(app: &App, key: &str, blob: &Blob, asked: Asked) -> Result<Response, Problem> {
    let (range, status) = match asked {
        Asked::All => (0..blob.bytes, StatusCode::OK),
        Asked::Part(range) => (range, StatusCode::PARTIAL_CONTENT),
        Asked::Beyond => return Err(beyond(blob.bytes)),
    };
    if range.is_empty() {
        return Ok(Body::empty().into_response());
    }
    let reading = app.servers.store.open(key, range.clone()).await?;
    let reading = reading.ok_or_else(|| Problem::not_found("this clip is no longer in the bucket"))?;
    let pieces = stream::try_unfold(reading, |mut reading| async move {
        let piece = reading.next().await?.map(|piece| Bytes::copy_from_slice(piece.as_ref()));
        Ok::<_, langflix_ports::store::Error>(piece.map(|piece| (piece, reading)))
    });
    let mut response = (status, Body::from_stream(pieces)).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let says = format!("bytes {}-{}/{}", range.start, range.end - 1, blob.bytes);
        head.extend(HeaderValue::try_from(says).ok().map(|says| (header::CONTENT_RANGE, says)));
    }
    Ok(response)
}

fn beyond(bytes: u64) -> Problem {
    let problem = Problem::new(Kind::BeyondTheEnd, "the file is shorter");
    match HeaderValue::try_from(format!("bytes */{bytes}")) {
        Ok(says) => problem.with_value(header::CONTENT_RANGE, says),
        Err(_) => problem,
    }
}
