//! Sources that are copied.

use std::{fs, path::Path, process::Command, sync::Arc};

use futures::future::join_all;
use langflix_domain::{FailureKind, SourceRead};
use langflix_encoding_worker::S3Sources;
use langflix_local::Scratch;
use langflix_ports::media::SourceAccess as _;
use langflix_testkit::{proxy::Http, video::Recipe};

use crate::place::{KEY, Place, film, tells_no_url};

fn downloads(http: &Http) -> usize {
    http.requests().iter().filter(|request| request.starts_with("GET ") && request.contains("film")).count()
}

#[tokio::test]
async fn all_slots_share_one_copy_that_is_used_whatever_is_needed_later() {
    let place = Place::with(&Recipe::long_gop()).await;
    let http = Http::before(&place.s3.endpoint);
    let sources = place.sources(Some(&http.url), place.info.bytes);
    let opened = join_all((0..8).map(|_| sources.open(place.wanted(60)))).await;
    for opened in opened {
        let opened = opened.unwrap();
        assert_eq!(opened.read, SourceRead::Copy);
        assert_eq!(fs::read(&opened.location).unwrap(), fs::read(&place.film).unwrap());
    }
    assert_eq!(downloads(&http), 1);
    let asked = http.requests().len();
    let later = sources.open(place.wanted(0)).await.unwrap();
    assert_eq!((later.read, http.requests().len()), (SourceRead::Copy, asked));
    sources.close(place.wanted(0), later).await.unwrap();
    // A worker that is started again finds it.
    drop(sources);
    let again = place.sources(Some(&http.url), place.info.bytes).open(place.wanted(0)).await.unwrap();
    assert_eq!((again.read, downloads(&http)), (SourceRead::Copy, 1));
}

#[tokio::test]
async fn what_does_not_fit_beside_the_copies_in_use_is_read_by_ranges() {
    let place = Place::with(&Recipe::long_gop()).await;
    let other = "again.film";
    let identity = place.store(None).upload_source(&place.film, other, &|_| ()).await.unwrap().stat.identity();
    let source = format!("s3://{}/{other}", place.s3.bucket);
    let wanted = langflix_ports::media::Wanted { source: &source, identity: &identity, ..place.wanted(60) };
    let sources = place.sources(None, place.info.bytes + 10);
    let held = sources.open(place.wanted(60)).await.unwrap();
    assert_eq!(sources.open(wanted).await.unwrap().read, SourceRead::Ranges);
    drop(held);
    assert_eq!(sources.open(wanted).await.unwrap().read, SourceRead::Copy);
}

#[tokio::test]
async fn a_source_that_is_not_what_the_run_was_made_from_is_neither_read_nor_kept() {
    let mut place = Place::with(&Recipe::long_gop()).await;
    let (ranges, copies) = (place.sources(None, 0), place.sources(None, u64::MAX));
    let opened = ranges.open(place.wanted(60)).await.unwrap();
    place.store(None).upload_source(&film(&Recipe::webm()), KEY, &|_| ()).await.unwrap();
    let closed = ranges.close(place.wanted(60), opened).await.unwrap_err();
    for error in
        [closed, ranges.open(place.wanted(60)).await.err().unwrap(), copies.open(place.wanted(60)).await.err().unwrap()]
    {
        assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{error}");
        let changed = format!("{}: it was changed after the run was submitted: submit the episode again", place.source);
        assert_eq!(error.message, changed);
    }
    place.s3.client().delete_object().bucket(&place.s3.bucket).key(KEY).send().await.unwrap();
    let gone = copies.open(place.wanted(60)).await.err().unwrap();
    assert_eq!((gone.kind, gone.transient), (FailureKind::Input, false), "{gone}");
    assert!(gone.message.ends_with("it is gone: put it back and retry the run"), "{gone}");
    place.source = "s3://another/film.mkv".to_owned();
    let elsewhere = copies.open(place.wanted(60)).await.err().unwrap();
    assert_eq!(elsewhere.kind, FailureKind::Input, "{elsewhere}");
    assert!(elsewhere.message.contains(&place.s3.bucket), "{elsewhere}");
}

/// A file system of two megabytes, until it is dropped.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// `None` where this user may not mount anything.
    fn at(dir: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(dir).output();
        mounted.is_ok_and(|mount| mount.status.success()).then_some(Self(dir))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_full_disk_is_the_stores_failure_may_pass_and_leaves_nothing_half_written() {
    let place = Place::with(&Recipe::long_gop()).await;
    let dir = tempfile::tempdir().unwrap();
    let Some(_small) = Small::at(dir.path()) else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let scratch = Scratch::open(dir.path(), u64::MAX).unwrap();
    scratch.hold("idle", 10, |path| async { fs::write(path, [0; 10]) }).await.unwrap();
    let sources = S3Sources::new(Arc::new(place.store(None)), place.s3.bucket.clone(), scratch.clone());
    let ballast = dir.path().join("others");
    fs::write(&ballast, vec![0; (2 << 20) - 100_000]).unwrap();
    let error = sources.open(place.wanted(60)).await.err().unwrap();
    assert_eq!((error.kind, error.transient), (FailureKind::Store, true), "{error}");
    assert!(error.message.contains("No space left"), "{error}");
    tells_no_url(&error);
    assert!(scratch.get("idle").is_none(), "what nobody holds makes room for others");
    for folder in ["incoming", "copies"] {
        assert_eq!(fs::read_dir(dir.path().join("part-0").join(folder)).unwrap().count(), 0, "{folder}");
    }
    fs::remove_file(ballast).unwrap();
    assert_eq!(sources.open(place.wanted(60)).await.unwrap().read, SourceRead::Copy);
}
