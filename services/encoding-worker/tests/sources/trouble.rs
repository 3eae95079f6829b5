//! What goes wrong while a source is read by its URL.

use futures::future::join_all;
use langflix_domain::FailureKind;
use langflix_ports::media::{Error, MediaProbe as _, SourceAccess as _};
use langflix_testkit::{
    proxy::{Act, Http, Link, Proxy},
    video::Recipe,
};

use crate::place::{KEY, Place, ffmpeg, tells_no_url};

/// A failure of the store, which may pass.
fn passes(error: &Error, shows: &str) {
    assert_eq!((error.kind, error.transient), (FailureKind::Store, true), "{error}");
    assert!(error.message.contains(shows), "{error}");
    tells_no_url(error);
}

#[tokio::test]
async fn refusals_have_their_kind_and_name_no_url() {
    let place = Place::with(&Recipe::long_gop()).await;
    let url = place.sources(None, 0).open(place.wanted(1)).await.unwrap().location;
    let cut = async |url: &str| place.cut_at(&ffmpeg(), url, langflix_domain::Span::from_millis(6200, 7400)).await;
    let forged = format!("{}0000", &url[..url.len() - 4]);
    passes(&cut(&forged).await.unwrap_err(), "403 Forbidden");
    passes(&ffmpeg().probe(&forged).await.unwrap_err(), "403 Forbidden");
    place.s3.client().delete_object().bucket(&place.s3.bucket).key(KEY).send().await.unwrap();
    for error in [cut(&url).await.unwrap_err(), ffmpeg().probe(&url).await.unwrap_err()] {
        assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{error}");
        assert!(error.message.contains("404 Not Found"), "{error}");
        tells_no_url(&error);
    }
}

#[tokio::test]
async fn a_source_that_is_denied_fails_its_clips_and_a_store_that_denies_all_is_waited_for() {
    let place = Place::with(&Recipe::long_gop()).await;
    let http = Http::before(&place.s3.endpoint);
    http.next(usize::MAX / 2, "HEAD", "film", Act::Answer(403, "AccessDenied"));
    let denied = async |room| place.sources(Some(&http.url), room).open(place.wanted(60)).await.err().unwrap();
    for room in [0, u64::MAX] {
        let error = denied(room).await;
        assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{error}");
        assert!(error.message.contains(&place.source) && error.message.contains("check the keys"), "{error}");
    }
    http.next(1, "GET", "list-type", Act::Answer(403, "AccessDenied"));
    let error = denied(0).await;
    assert_eq!(error.kind, FailureKind::Store, "{error}");
}

#[tokio::test]
async fn a_store_that_stays_away_fails_the_clip_for_now() {
    let place = Place::with(&Recipe::long_gop()).await;
    let (http, proxy) = (Http::before(&place.s3.endpoint), Proxy::before(&place.s3.endpoint));
    let busy = place.sources(Some(&http.url), 0).open(place.wanted(1)).await.unwrap();
    let away = place.sources(Some(&proxy.url), 0).open(place.wanted(1)).await.unwrap();
    http.next(usize::MAX / 2, "GET", "film", Act::Answer(503, "SlowDown"));
    proxy.set(Link::Refused);
    let ffmpeg = ffmpeg();
    let (busy, away) = tokio::join!(place.cut(&ffmpeg, &busy), place.cut(&ffmpeg, &away));
    passes(&busy.unwrap_err(), "503 SlowDown");
    passes(&away.unwrap_err(), "Connection refused");
}

/// ffmpeg ends well where the connection is lost for good in the middle, with a part of the clip, or with bounds that
/// were chosen on a part of the sound.
#[tokio::test]
async fn a_store_that_goes_away_while_it_is_read_never_gives_another_clip() {
    for recipe in [Recipe::long_gop(), Recipe::hevc_10_bit(), Recipe::transport_stream()] {
        let place = Place::with(&recipe).await;
        let from_file = place.clip_of_the_file().await;
        let http = Http::before(&place.s3.endpoint);
        let opened = place.sources(Some(&http.url), 0).open(place.wanted(1)).await.unwrap();
        place.cut(&ffmpeg(), &opened).await.unwrap();
        let asked = http.requests().len();
        // From one of its requests on nothing passes for a while, then all does.
        let (place, from_file, file) = (&place, &from_file, recipe.file);
        let fails = join_all((0..asked.min(12)).map(|good| async move {
            let http = Http::before(&place.s3.endpoint);
            let opened = place.sources(Some(&http.url), 0).open(place.wanted(1)).await.unwrap();
            http.next(good, "GET", "film", Act::CutAnswer(u64::MAX));
            http.next(5, "GET", "film", Act::CutAnswer(0));
            let cut = place.cut(&ffmpeg(), &opened).await;
            match &cut {
                Ok(clip) => assert_eq!(clip, from_file, "{file} after {good}"),
                Err(error) => passes(error, ""),
            }
            cut.is_err()
        }));
        let failed = fails.await.into_iter().filter(|fails| *fails).count();
        assert!(failed > 0, "{}: nothing was lost", recipe.file);
    }
}
