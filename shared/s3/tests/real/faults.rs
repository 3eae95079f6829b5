use std::{fs, time::Duration};

use futures::future::join_all;
use langflix_ports::store::{ArtifactStore as _, ErrorKind, Put};
use langflix_s3::{Settings, Timeouts};

use crate::{
    proxy::{Act, Proxy, Request, at_first},
    support::{bucket, noise, settings, store},
};

#[tokio::test]
async fn a_writer_whose_answer_was_lost_finds_itself() {
    let (proxy, settings) = Proxy::before(&settings().await, at_first("PUT", 1, Act::Lose)).await;
    let store = store(&settings);
    assert_eq!(store.put_if_absent("a", b"x").await.unwrap(), Put::Created);
    assert_eq!((proxy.count("PUT"), proxy.count("HEAD")), (1, 1));
    assert_eq!(store.put_if_absent("a", b"x").await.unwrap(), Put::Exists, "the same bytes of another writer");
}

#[tokio::test]
async fn a_file_whose_answer_was_lost_finds_itself() {
    let (proxy, settings) = Proxy::before(&settings().await, at_first("PUT", 1, Act::Lose)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let content = noise(1 << 20);
    fs::write(file.path(), &content).unwrap();
    let store = store(&settings);
    assert_eq!(store.put_file_if_absent("a", file.path()).await.unwrap(), Put::Created);
    assert_eq!(proxy.count("PUT"), 1, "the file is not sent twice");
    assert!(store.get("a").await.unwrap() == Some(content));
}

#[tokio::test]
async fn a_writer_that_was_cut_off_does_not_take_anothers_work_for_its_own() {
    let settings = settings().await;
    store(&settings).put_if_absent("a", b"x").await.unwrap();
    let (_proxy, through) = Proxy::before(&settings, at_first("PUT", 1, Act::Cut)).await;
    assert_eq!(store(&through).put_if_absent("a", b"x").await.unwrap(), Put::Exists);
}

#[tokio::test]
async fn a_refusal_that_is_lost_because_the_body_was_not_read_is_found_out() {
    let settings = settings().await;
    store(&settings).put_if_absent("a", b"x").await.unwrap();
    let refuses = |request: &Request| match request.is("PUT") {
        true => Act::Interrupt(412, "PreconditionFailed"),
        false => Act::Pass,
    };
    let (proxy, through) = Proxy::before(&settings, refuses).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), noise(32 << 20)).unwrap();
    assert_eq!(store(&through).put_file_if_absent("a", file.path()).await.unwrap(), Put::Exists);
    assert_eq!(proxy.count("PUT"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_meets_itself_between_two_tries_knows_itself() {
    // The first try arrives late: after the second has looked, and before it is refused.
    let (s3, settings) = bucket().await;
    let first = std::sync::Mutex::new(None);
    let late = move |request: &Request| match (request.is("PUT"), request.nth) {
        (true, 0) => {
            let mark = request.head.lines().find_map(|line| line.strip_prefix("x-amz-meta-langflix-writer: "));
            *first.lock().unwrap() = mark.map(str::to_owned);
            Act::Cut
        }
        (true, 1) => {
            let put = s3.client().put_object().bucket(&s3.bucket).key("a");
            let put = put.metadata("langflix-writer", first.lock().unwrap().take().unwrap());
            let put = async { put.send().await.unwrap() };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(put));
            Act::Pass
        }
        _ => Act::Pass,
    };
    let (proxy, through) = Proxy::before(&settings, late).await;
    assert_eq!(store(&through).put_if_absent("a", b"x").await.unwrap(), Put::Created);
    assert_eq!((proxy.count("PUT"), proxy.count("HEAD")), (2, 2));
}

#[tokio::test]
async fn a_wrong_clock_is_set_by_the_servers() {
    let skewed = |request: &Request| match request.nth {
        0 => Act::Answer(403, "RequestTimeTooSkewed"),
        _ => Act::Answer(200, ""),
    };
    let (proxy, through) = Proxy::before(&settings().await, skewed).await;
    store(&through).get("a").await.unwrap();
    let heads = proxy.heads();
    let said: Vec<bool> = heads.iter().map(|head| head.contains("x-amz-date: 20260101T0000")).collect();
    assert_eq!(said, [false, true], "{heads:?}");
}

#[tokio::test]
async fn of_sixteen_writers_whose_answers_are_lost_one_wins() {
    let (_proxy, settings) = Proxy::before(&settings().await, at_first("PUT", 16, Act::Lose)).await;
    let store = store(&settings);
    let contents: Vec<[u8; 1]> = (0..16).map(|n| [n]).collect();
    let puts = join_all(contents.iter().map(|content| store.put_if_absent("a", content))).await;
    let winners: Vec<usize> = (0..16).filter(|at| *puts[*at].as_ref().unwrap() == Put::Created).collect();
    assert_eq!(winners.len(), 1, "{puts:?}");
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(&contents[winners[0]][..]));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_whatever_is_asked() {
    let upstream = settings().await;
    let acts = [
        Act::Answer(409, "ConditionalRequestConflict"),
        Act::Answer(500, "InternalError"),
        Act::Answer(503, "SlowDown"),
        Act::Answer(502, ""),
        Act::Cut,
        Act::Stall,
    ];
    for (at, act) in acts.into_iter().enumerate() {
        let shown = format!("{act:?}");
        let once = move |request: &Request| if request.nth == 0 { act.clone() } else { Act::Pass };
        let (proxy, settings) = Proxy::before(&upstream, once).await;
        let answer = Duration::from_millis(500);
        let timeouts = Timeouts { answer, ..settings.timeouts };
        let (store, key) = (store(&Settings { timeouts, ..settings }), format!("tried/{at}"));
        assert_eq!(store.put_if_absent(&key, b"x").await.unwrap(), Put::Created, "{shown}");
        assert_eq!(store.get(&key).await.unwrap().as_deref(), Some(&b"x"[..]), "{shown}");
        assert_eq!(store.stat(&key).await.unwrap().map(|stat| stat.bytes), Some(1), "{shown}");
        store.delete(&key).await.unwrap();
        let counts = ["PUT", "HEAD", "GET", "DELETE"].map(|method| proxy.count(method));
        assert_eq!(counts, [2, 3, 2, 2], "each once more, and a look before the second PUT: {shown}");
        assert_eq!(store.list(&key).await.unwrap(), [""; 0], "{shown}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_told_as_unavailable_and_by_whom() {
    let (proxy, settings) = Proxy::before(&settings().await, |_| Act::Answer(503, "SlowDown")).await;
    let store = store(&settings);
    let (put, get) = tokio::join!(store.put_if_absent("a", b"x"), store.get("a"));
    let (put, get) = (put.unwrap_err(), get.unwrap_err());
    assert_eq!([put.kind, get.kind], [ErrorKind::Unavailable; 2]);
    assert!(get.message.contains("503 SlowDown") && get.message.contains(&proxy.url), "{get}");
    assert!(put.message.contains("503") && put.message.contains(&proxy.url), "{put}");
    assert_eq!((proxy.count("GET"), proxy.count("PUT") + proxy.count("HEAD")), (7, 7));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = store(&Settings { endpoint: Some(endpoint.clone()), ..settings().await }).get("a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains(&endpoint) && error.message.contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_download_that_is_cut_goes_on_where_it_was() {
    let settings = settings().await;
    let content = noise(3 << 20);
    store(&settings).put_if_absent("a", &content).await.unwrap();
    let cut = |request: &Request| match request.nth {
        0 => Act::CutAfter(1 << 20),
        1 => Act::Cut,
        2 => Act::CutAfter(1 << 20),
        _ => Act::Pass,
    };
    let (proxy, through) = Proxy::before(&settings, cut).await;
    let dir = tempfile::tempdir().unwrap();
    store(&through).download("a", &dir.path().join("made/here")).await.unwrap();
    assert!(fs::read(dir.path().join("made/here")).unwrap() == content);
    let ranges: Vec<bool> = proxy.heads().iter().map(|head| head.contains("range: bytes=")).collect();
    assert_eq!(ranges, [false, true, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_of_what_changes_meanwhile_is_no_mixture() {
    let settings = settings().await;
    let (dir, behind) = (tempfile::tempdir().unwrap(), store(&settings));
    behind.put_if_absent("a", &noise(2 << 20)).await.unwrap();
    let replaces = move |request: &Request| {
        if request.nth == 0 {
            return Act::CutAfter(1 << 20);
        }
        let replace = async {
            behind.delete("a").await.unwrap();
            behind.put_if_absent("a", &[0; 2 << 20]).await.unwrap();
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(replace));
        Act::Pass
    };
    let (_proxy, through) = Proxy::before(&settings, replaces).await;
    let error = store(&through).download("a", &dir.path().join("a")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("changed while it was read"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn nothing_of_a_download_that_fails_is_left() {
    let settings = settings().await;
    store(&settings).put_if_absent("a", &noise(2 << 20)).await.unwrap();
    let denied = |request: &Request| match request.nth {
        0 => Act::CutAfter(1 << 20),
        _ => Act::Answer(403, "AccessDenied"),
    };
    let (_proxy, through) = Proxy::before(&settings, denied).await;
    let dir = tempfile::tempdir().unwrap();
    let error = store(&through).download("a", &dir.path().join("a")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
