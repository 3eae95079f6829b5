use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use langflix_ports::store::{ArtifactStore as _, ErrorKind};
use langflix_s3::S3Store;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::{
    proxy::{Act, Proxy, Request},
    support::{bucket, noise, settings, store},
};

const PART: usize = 8 << 20;

fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("source.mkv");
    fs::write(&path, content).unwrap();
    (dir, path)
}

fn is_part(request: &Request) -> bool {
    request.is("PUT") && request.head.contains("partNumber=")
}

/// Uploads without anybody who looks at the progress.
async fn upload(store: &S3Store, path: &Path) -> Result<langflix_s3::Uploaded, langflix_ports::store::Error> {
    store.upload_source(path, "sources/a", &|_| {}).await
}

async fn content(store: &S3Store) -> Option<Vec<u8>> {
    store.get("sources/a").await.unwrap()
}

#[tokio::test]
async fn a_small_file_goes_out_in_one_request_and_not_twice() {
    let (proxy, settings) = Proxy::before(&settings().await, |_| Act::Pass).await;
    let (store, (_dir, path)) = (store(&settings), file(b"abc"));
    let first = upload(&store, &path).await.unwrap();
    assert_eq!((first.sent, first.stat.bytes), (3, 3));
    assert_eq!(first.stat.etag, "900150983cd24fb0d6963f7d28e17f72");
    let second = upload(&store, &path).await.unwrap();
    assert_eq!((second.sent, second.stat), (0, first.stat));
    assert_eq!(proxy.count("PUT"), 1);
}

#[tokio::test]
async fn an_empty_file_is_a_source_as_well() {
    let (store, (_dir, path)) = (store(&settings().await), file(b""));
    assert_eq!(upload(&store, &path).await.unwrap().stat.bytes, 0);
    assert_eq!(content(&store).await.as_deref(), Some(&b""[..]));
}

#[tokio::test]
async fn a_large_file_goes_out_in_parts_under_an_etag_of_its_content_alone() {
    let (proxy, settings) = Proxy::before(&settings().await, |_| Act::Pass).await;
    let bytes = noise(2 * PART + 5);
    let (store, (_dir, path), there) = (store(&settings), file(&bytes), AtomicU64::new(0));
    let progress = |now: u64| assert!(there.swap(now, Ordering::Relaxed) < now, "progress goes up");
    let first = store.upload_source(&path, "sources/a", &progress).await.unwrap();
    assert_eq!((first.sent, there.into_inner()), (bytes.len() as u64, bytes.len() as u64));
    assert!(first.stat.etag.ends_with("-3"), "{:?}", first.stat);
    assert!(content(&store).await.as_ref() == Some(&bytes));
    let second = upload(&store, &path).await.unwrap();
    assert_eq!((second.sent, &second.stat), (0, &first.stat), "the same file is not sent again");
    assert_eq!(proxy.count("partNumber="), 3);
    let elsewhere = store.upload_source(&path, "sources/b", &|_| {}).await.unwrap();
    assert_eq!(elsewhere.stat, first.stat);
}

#[tokio::test]
async fn another_file_of_the_same_size_replaces_what_is_there() {
    let store = store(&settings().await);
    let ((_one, one), (_two, two)) = (file(b"one"), file(b"two"));
    upload(&store, &one).await.unwrap();
    assert_eq!(upload(&store, &two).await.unwrap().sent, 3);
    assert_eq!(content(&store).await.as_deref(), Some(&b"two"[..]));
}

/// Lets so many parts pass and holds back the others; tells when those passed.
fn holds_after(parts: usize) -> (impl Fn(&Request) -> Act, Arc<Notify>) {
    let (held, passed) = (Arc::new(Notify::new()), Mutex::new(0));
    let tell = held.clone();
    let script = move |request: &Request| {
        if !is_part(request) {
            return Act::Pass;
        }
        let mut passed = passed.lock().unwrap();
        *passed += 1;
        if *passed > parts {
            tell.notify_one();
            return Act::Stall;
        }
        Act::Pass
    };
    (script, held)
}

#[tokio::test]
async fn an_upload_that_is_broken_off_goes_on_and_sends_only_what_is_missing() {
    let (s3, settings) = bucket().await;
    let bytes = noise(6 * PART + 5);
    let (_dir, path) = file(&bytes);
    let (script, held) = holds_after(3);
    let (proxy, through) = Proxy::before(&settings, script).await;
    let (first, from) = (store(&through), path.clone());
    let first = tokio::spawn(async move { upload(&first, &from).await });
    // Four are on their way at a time: the first three are answered once all that follow are held.
    while proxy.count("partNumber=") < 7 {
        held.notified().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let (proxy, through) = Proxy::before(&settings, |_| Act::Pass).await;
    let there = AtomicU64::new(0);
    let progress = |now: u64| there.store(now, Ordering::Relaxed);
    let done = store(&through).upload_source(&path, "sources/a", &progress).await.unwrap();
    assert_eq!(proxy.count("partNumber="), 4, "seven parts less three that lay there");
    assert_eq!((done.sent, there.into_inner()), ((3 * PART + 5) as u64, bytes.len() as u64));
    assert!(content(&store(&settings)).await == Some(bytes));
    let left = s3.client().list_multipart_uploads().bucket(&settings.bucket).send().await.unwrap();
    assert_eq!(left.uploads().len(), 0, "the upload that was broken off is the one that was completed");
}

#[tokio::test]
async fn parts_of_another_version_are_sent_again() {
    let settings = settings().await;
    let mut bytes = noise(5 * PART);
    let (_dir, path) = file(&bytes);
    let (script, held) = holds_after(2);
    let (proxy, through) = Proxy::before(&settings, script).await;
    let first = store(&through);
    tokio::select! {
        done = upload(&first, &path) => panic!("it is held back: {done:?}"),
        () = async { while proxy.count("partNumber=") < 5 { held.notified().await } } => {}
    }
    bytes.reverse();
    fs::write(&path, &bytes).unwrap();
    let done = upload(&store(&settings), &path).await.unwrap();
    assert_eq!(done.sent, bytes.len() as u64);
    assert!(content(&store(&settings)).await == Some(bytes));
}

#[tokio::test]
async fn an_upload_whose_completion_was_lost_is_found_complete() {
    let lost = Mutex::new(false);
    let loses = move |request: &Request| {
        let completes = request.is("POST") && request.head.contains("uploadId=");
        if completes && !std::mem::replace(&mut *lost.lock().unwrap(), true) { Act::Lose } else { Act::Pass }
    };
    let (proxy, through) = Proxy::before(&settings().await, loses).await;
    let bytes = noise(2 * PART);
    let (_dir, path) = file(&bytes);
    let done = upload(&store(&through), &path).await.unwrap();
    assert_eq!((done.sent, proxy.count("partNumber=")), (bytes.len() as u64, 2));
    assert!(content(&store(&through)).await == Some(bytes));
}

#[tokio::test]
async fn an_upload_that_others_gave_up_is_begun_anew() {
    let gone = Mutex::new(false);
    let script = move |request: &Request| {
        let first = is_part(request) && !std::mem::replace(&mut *gone.lock().unwrap(), true);
        if first { Act::Answer(404, "NoSuchUpload") } else { Act::Pass }
    };
    let (_proxy, through) = Proxy::before(&settings().await, script).await;
    let bytes = noise(2 * PART);
    let (_dir, path) = file(&bytes);
    upload(&store(&through), &path).await.unwrap();
    assert!(content(&store(&through)).await == Some(bytes));
}

#[tokio::test]
async fn a_part_that_fails_is_sent_again() {
    for act in [Act::Answer(503, "SlowDown"), Act::Answer(400, "BadDigest"), Act::Lose, Act::Cut] {
        let failed = Mutex::new(false);
        let script = move |request: &Request| {
            let first = is_part(request) && !std::mem::replace(&mut *failed.lock().unwrap(), true);
            if first { act.clone() } else { Act::Pass }
        };
        let (proxy, through) = Proxy::before(&settings().await, script).await;
        let bytes = noise(2 * PART);
        let (_dir, path) = file(&bytes);
        upload(&store(&through), &path).await.unwrap();
        assert_eq!(proxy.count("partNumber="), 3);
        assert!(content(&store(&through)).await == Some(bytes));
    }
}

#[tokio::test]
async fn a_file_that_grows_meanwhile_is_no_source_yet() {
    let (_dir, path) = file(&noise(2 * PART));
    let growing = path.clone();
    let grows = move |request: &Request| {
        if is_part(request) {
            fs::OpenOptions::new().append(true).open(&growing).unwrap().write_all(b"more").unwrap();
        }
        Act::Pass
    };
    let (_proxy, through) = Proxy::before(&settings().await, grows).await;
    let error = upload(&store(&through), &path).await.unwrap_err();
    assert!(error.message.contains("source.mkv") && error.message.contains("changes"), "{error}");
    assert_eq!(content(&store(&through)).await, None);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_named() {
    let store = store(&settings().await);
    let error = upload(&store, Path::new("/nowhere/source.mkv")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("/nowhere/source.mkv"), "{error}");
}
