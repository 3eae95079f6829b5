use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_s3::primitives::ByteStream;
use langflix_ports::store::{ArtifactStore, ErrorKind};
use langflix_s3::{Credentials, Found, Settings, Stat};
use langflix_testkit::{nasty::nasty, store::store_contract};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::{
    proxy,
    support::{bucket, settings, store},
};

#[tokio::test]
async fn a_bucket_keeps_what_a_store_promises() {
    store_contract(&store(&settings().await)).await;
}

#[tokio::test]
async fn size_and_etag_are_told_and_change_with_the_content() {
    let store = store(&settings().await);
    store.put_if_absent("a", b"abc").await.unwrap();
    store.put_if_absent("b", b"abd").await.unwrap();
    let abc = Stat { bytes: 3, etag: "900150983cd24fb0d6963f7d28e17f72".into() };
    assert_eq!(store.stat("a").await.unwrap().as_ref(), Some(&abc));
    assert_ne!(store.stat("b").await.unwrap(), Some(abc));
    assert_eq!(store.stat("nothing").await.unwrap(), None);
    assert_eq!(store.stat("../a").await.unwrap_err().kind, ErrorKind::InvalidKey);
}

#[tokio::test]
async fn what_others_put_into_a_bucket_is_listed_as_it_lies_there() {
    let (s3, settings) = bucket().await;
    let client = s3.client();
    // A control character, which XML cannot hold; a folder as consoles make one; a name with a plus sign.
    let keys = ["Suits/", "Suits/S01 E01+.mkv", "Suits/S01/\u{1}.srt"];
    for key in keys {
        let body = ByteStream::from_static(b"abc");
        client.put_object().bucket(&settings.bucket).key(key).body(body).send().await.unwrap();
    }
    let stat = Stat { bytes: 3, etag: "900150983cd24fb0d6963f7d28e17f72".into() };
    let found = keys.map(|key| Found { key: key.into(), stat: stat.clone() });
    assert_eq!(store(&settings).list_details("Suits").await.unwrap(), found);
    assert_eq!(store(&settings).list("Suits/").await.unwrap(), keys);
}

#[tokio::test]
async fn a_presigned_url_reads_its_key_by_range_until_it_expires_and_no_other() {
    let store = store(&settings().await);
    store.put_if_absent("shows/a b+쇼.mkv", b"0123456789").await.unwrap();
    store.put_if_absent("shows/other", b"other").await.unwrap();
    let url = store.presign("shows/a b+쇼.mkv", Duration::from_secs(60)).await.unwrap();
    let whole = proxy::get(url.expose(), "").await;
    assert!(whole.starts_with("HTTP/1.1 200") && whole.ends_with("0123456789"), "{whole}");
    let part = proxy::get(url.expose(), "range: bytes=3-5\r\n").await;
    assert!(part.starts_with("HTTP/1.1 206") && part.ends_with("345"), "{part}");
    let other = url.expose().replace("a%20b%2B%EC%87%BC.mkv", "other");
    assert!(other != url.expose(), "{url}");
    let denied = proxy::get(&other, "").await;
    assert!(denied.starts_with("HTTP/1.1 403"), "{denied}");
    let short = store.presign("shows/other", Duration::from_secs(1)).await.unwrap();
    while proxy::get(short.expose(), "").await.starts_with("HTTP/1.1 200") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let error = store.presign("a", Duration::from_secs(8 * 24 * 3600)).await.unwrap_err();
    assert!(error.to_string().contains("within a week"), "{error}");
}

#[tokio::test]
async fn a_missing_bucket_is_named_and_is_no_missing_key() {
    let store = store(&Settings { bucket: "not-there".into(), ..settings().await });
    let errors = [
        store.get("a").await.unwrap_err(),
        store.put_if_absent("a", b"x").await.unwrap_err(),
        store.list("").await.unwrap_err(),
        store.delete("a").await.unwrap_err(),
        store.check().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("no bucket \"not-there\""), "{error}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_what_was_asked_and_what_came_of_it() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let store = store(&settings().await);
    store.put_if_absent("a", b"x").await.unwrap();
    store.put_if_absent("a", b"x").await.unwrap();
    store.get("b").await.unwrap();
    store.list("").await.unwrap();
    let told = recorder.handle().render();
    for (operation, outcome, count) in [
        ("put_object", "ok", 1),
        ("put_object", "precondition", 1),
        ("get_object", "missing", 1),
        ("list_objects", "ok", 1),
    ] {
        let line = format!("langflix_s3_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} {count}");
        assert!(told.contains(&line), "{line} in {told}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_shows_how_a_request_or_a_url_is_signed() {
    let log = Log::default();
    let to = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(move || to.clone());
    let _logging = tracing::subscriber::set_default(subscriber.finish());
    let credentials =
        Credentials { access_key: "AK".into(), secret_key: "hunter2".into(), session_token: Some("token3".into()) };
    let store = store(&Settings { credentials, ..settings().await });
    let url = store.presign("a", Duration::from_secs(60)).await.unwrap();
    let _denied = tokio::join!(store.put_if_absent("a", b"the text"), store.get("a"), store.list(""), store.check());
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("DEBUG"), "{log}");
    for secret in ["hunter2", "token3", "Signature=", "the text"] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty() && url.expose().contains("Signature="), "{secret}: {lines:#?}");
    }
}

#[tokio::test]
async fn wrong_keys_are_told_as_such_and_never_printed() {
    let credentials =
        Credentials { access_key: "AK".into(), secret_key: "hunter2".into(), session_token: Some("token3".into()) };
    let wrong = store(&Settings { credentials, ..settings().await });
    let errors = [
        wrong.get("a").await.unwrap_err(),
        wrong.put_if_absent("a", b"x").await.unwrap_err(),
        wrong.list("").await.unwrap_err(),
        wrong.stat("a").await.unwrap_err(),
        wrong.check().await.unwrap_err(),
    ];
    let url = wrong.presign("a", Duration::from_secs(60)).await.unwrap();
    assert!(errors[0].to_string().contains("check access key and secret"), "{}", errors[0]);
    for text in [format!("{errors:?}"), format!("{wrong:?} {url} {url:?}")] {
        let secrets = ["hunter2", "token3", "Signature=", "AWS4"];
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
    }
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    }
}

#[tokio::test]
async fn a_nasty_key_is_refused_or_is_text_in_its_url() {
    let store = store(&settings().await);
    let mut read = 0;
    for (number, text) in nasty().iter().enumerate() {
        let key = format!("nasty/{number}/{}", text.replace('/', "|"));
        let url = match store.presign(&key, Duration::from_secs(60)).await {
            Ok(url) => url,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::InvalidKey, "{key:?}");
                continue;
            }
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
        assert!(url.expose().chars().all(allowed), "{url}");
        let (path, query) = url.expose().split_once('?').unwrap();
        assert!(path.contains(&format!("/nasty/{number}/")) && query.contains("X-Amz-Signature="), "{url}");
        // Servers differ in what characters they take; what they take comes back by its URL.
        if store.put_if_absent(&key, number.to_string().as_bytes()).await.is_ok() {
            let got = proxy::get(url.expose(), "").await;
            assert!(got.starts_with("HTTP/1.1 200") && got.ends_with(&format!("\r\n\r\n{number}")), "{key:?}: {got}");
            read += 1;
        }
    }
    assert!(read > 20, "{read} were taken");
}
