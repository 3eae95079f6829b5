//! Sources that are read where they lie.

use langflix_domain::{SourceRead, Span};
use langflix_media::Ffmpeg;
use langflix_ports::media::{MediaProbe as _, SourceAccess as _};
use langflix_testkit::{
    proxy::{Act, Http, Tls},
    video::Recipe,
};

use crate::{
    meter::Meter,
    place::{KEY, Place, ffmpeg, tells_no_url},
};

#[tokio::test]
async fn the_very_same_clip_comes_by_ranges_from_a_copy_and_from_the_file() {
    for recipe in [Recipe::long_gop(), Recipe::hevc_10_bit(), Recipe::transport_stream(), Recipe::avi()] {
        let place = Place::with(&recipe).await;
        let sources = place.sources(None, place.info.bytes);
        let (few, most) = (place.sources(None, 0), place.wanted(60));
        let ranges = few.open(most).await.unwrap();
        let copy = sources.open(most).await.unwrap();
        assert_eq!((ranges.read, copy.read), (SourceRead::Ranges, SourceRead::Copy), "{}", recipe.file);
        let (by_ranges, by_copy) = (place.cut(&ffmpeg(), &ranges).await.unwrap(), place.cut(&ffmpeg(), &copy).await);
        few.close(most, ranges).await.unwrap();
        let from_file = place.clip_of_the_file().await;
        assert_eq!((&by_ranges, &by_copy.unwrap()), (&from_file, &from_file), "{}", recipe.file);
    }
}

#[tokio::test]
async fn a_url_is_probed_as_the_file_is() {
    for recipe in [Recipe::long_gop(), Recipe::three_tracks(), Recipe::transport_stream(), Recipe::variable_rate()] {
        let place = Place::with(&recipe).await;
        let url = place.sources(None, 0).open(place.wanted(1)).await.unwrap().location;
        assert_eq!(ffmpeg().probe(&url).await.unwrap(), place.info, "{}", recipe.file);
    }
}

/// A minute of noise at 20 Mbit/s.
fn large() -> Recipe {
    let args = "-f lavfi -i testsrc2=s=640x360:r=24,noise=alls=60:allf=t -f lavfi -i sine=440 -t 60 -c:v libx264 \
                -preset ultrafast -b:v 20M -maxrate 20M -bufsize 20M -g 48 -pix_fmt yuv420p -c:a aac large.mkv";
    let steps = vec![args.split_whitespace().map(str::to_owned).collect()];
    Recipe { file: "large.mkv", rate: (24, 1), seconds: 60, steps }
}

#[tokio::test]
async fn a_clip_of_a_large_film_reads_a_small_part_of_it() {
    let place = Place::with(&large()).await;
    assert!(place.info.bytes > 100_000_000, "{}", place.info.bytes);
    let meter = Meter::before(&place.s3.endpoint);
    let sources = place.sources(Some(&meter.url), u64::MAX);
    let opened = sources.open(place.wanted(2)).await.unwrap();
    assert_eq!(opened.read, SourceRead::Ranges);
    place.cut_at(&ffmpeg(), &opened.location, Span::from_millis(40_000, 41_000)).await.unwrap();
    let (read, all) = (meter.bytes(), place.info.bytes);
    // The film has 2.5 MB a second: two seconds twice, and four times the way to them.
    assert!((10_000_000..all / 3).contains(&read), "{read} of {all}");
}

#[tokio::test]
async fn a_connection_that_is_lost_for_a_moment_changes_nothing() {
    let place = Place::with(&Recipe::long_gop()).await;
    let http = Http::before(&place.s3.endpoint);
    let sources = place.sources(Some(&http.url), 0);
    let opened = sources.open(place.wanted(1)).await.unwrap();
    for act in [Act::Cut, Act::Answer(503, "SlowDown"), Act::CutAnswer(100_000), Act::Answer(500, "InternalError")] {
        http.next(2, "GET", "film", act);
        assert_eq!(place.cut(&ffmpeg(), &opened).await.unwrap(), place.clip_of_the_file().await, "{act:?}");
    }
    assert_eq!(http.left(), 0);
    assert!(http.requests().iter().any(|request| request.contains("X-Amz-Signature")), "{:?}", http.requests());
}

#[tokio::test]
async fn a_server_is_trusted_by_the_given_authority_and_no_other() {
    let place = Place::with(&Recipe::long_gop()).await;
    let tls = Tls::before(&place.s3.endpoint);
    let settings =
        langflix_s3::Settings { ca_pem: Some(tls.authority.clone().into_bytes()), ..place.settings(Some(&tls.url)) };
    let store = langflix_s3::S3Store::new(settings).unwrap();
    let url = store.presign(KEY, std::time::Duration::from_secs(600)).await.unwrap();
    let cut = async |ffmpeg: &Ffmpeg| place.cut_at(ffmpeg, url.expose(), Span::from_millis(6200, 7400)).await;
    let trusting = ffmpeg().with_authorities(tls.authority.as_bytes()).unwrap();
    assert_eq!(cut(&trusting).await.unwrap(), place.clip_of_the_file().await);
    let strangers = Tls::before(&place.s3.endpoint).authority;
    for other in [ffmpeg(), ffmpeg().with_authorities(strangers.as_bytes()).unwrap()] {
        let error = cut(&other).await.unwrap_err();
        assert!(error.message.contains("s3.ca_file"), "{error}");
        assert!(error.transient);
        tells_no_url(&error);
    }
}
