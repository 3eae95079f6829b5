use std::sync::Arc;

use langflix_measures::{End, Reason};
use langflix_ports::queue::{Name, Place};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

/// The answer to a GET as status code, header lines and body.
async fn get(address: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

async fn json_of(address: SocketAddr, path: &str) -> (u16, Value) {
    let (code, _, body) = get(address, path).await;
    (code, serde_json::from_str(&body).unwrap())
}

async fn listening() -> (Health, Listening) {
    let health = Health::new("langflix-test", "1.2.3");
    let listening = health.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    (health, listening)
}

#[tokio::test]
async fn a_service_is_ready_when_all_its_parts_are_and_tells_what_each_waits_for() {
    let (health, listening) = listening().await;
    let (queue, store) = (health.part("queue"), health.part("store"));
    queue.ready();
    store.waits("no such bucket: create it");
    let waiting = json!([
        { "name": "queue", "ready": true },
        { "name": "store", "ready": false, "waits": "no such bucket: create it" },
    ]);
    let expected = json!({ "ready": false, "parts": waiting });
    assert_eq!(json_of(listening.address(), "/readyz").await, (503, expected));
    store.ready();
    let (code, body) = json_of(listening.address(), "/readyz").await;
    assert_eq!((code, &body["ready"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_service_lives_while_its_work_answers() {
    let (health, listening) = listening().await;
    assert_eq!(json_of(listening.address(), "/livez").await, (200, json!({ "alive": true, "silent": [] })));
    let beating = health.clone();
    let work = tokio::spawn(async move { beating.beating("intake", std::future::pending::<()>()).await });
    assert_eq!(json_of(listening.address(), "/livez").await.0, 200);
    work.abort();
    let _ = work.await;
    assert_eq!(json_of(listening.address(), "/livez").await, (503, json!({ "alive": false, "silent": ["intake"] })));
}

#[tokio::test]
async fn the_status_names_the_service_and_what_runs() {
    let (health, listening) = listening().await;
    let queue: Arc<str> = "encoding.bulk.v1".into();
    let entry = health.running().enter(&queue, 1);
    entry.concerns("suits-s01e02-0123abcd", "clip-3");
    let (code, status) = json_of(listening.address(), "/status").await;
    assert_eq!((code, &status["name"], &status["version"]), (200, &json!("langflix-test"), &json!("1.2.3")));
    let running = &status["running"][0];
    assert_eq!(
        (&running["queue"], &running["task"], &running["attempt"]),
        (&json!(&*queue), &json!("clip-3"), &json!(1))
    );
}

#[tokio::test]
async fn measures_are_told_as_prometheus_reads_them() {
    let (_health, listening) = listening().await;
    let tasks = TaskMeasures::of(Place::Work(Name::Episodes));
    tasks.began(None);
    tasks.began(None);
    tasks.ended(End::Retry, Reason::Store, Duration::from_millis(1500));
    intake_open("planning", true);
    let (code, head, body) = get(listening.address(), "/metrics").await;
    assert!(code == 200 && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    for line in [
        r#"langflix_tasks_total{queue="episodes.v1",stage="dispatch",end="retry",reason="store"} 1"#,
        r#"langflix_task_seconds_bucket{queue="episodes.v1",le="1"} 0"#,
        r#"langflix_task_seconds_bucket{queue="episodes.v1",le="2"} 1"#,
        r#"langflix_tasks_running{queue="episodes.v1"} 1"#,
        r#"langflix_intake_open{intake="planning"} 1"#,
        "langflix_ready 1",
        r#"langflix_build_info{name="langflix-test",version="1.2.3"} 1"#,
        "# HELP langflix_tasks_total Tasks that ended, by how their messages were settled and why",
    ] {
        assert!(body.lines().any(|told| told == line), "{line}\n{body}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_an_error_and_a_dropped_listener_frees_it() {
    let (health, first) = listening().await;
    let address = first.address();
    assert_eq!(health.listen(address).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    drop(first);
    // The task that held it ends when it is next run.
    tokio::task::yield_now().await;
    health.listen(address).await.unwrap();
}

#[tokio::test]
async fn many_requests_that_are_half_sent_do_not_keep_a_service_from_telling_that_it_lives() {
    let (_health, listening) = listening().await;
    let mut held = Vec::new();
    for _ in 0..4 * BOUNDS.connections {
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
        held.push(stream);
    }
    let beyond = held.len() + 1 - BOUNDS.connections;
    let answered = async {
        assert_eq!(json_of(listening.address(), "/livez").await.0, 200);
        for stream in &mut held[..beyond] {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    };
    // Sooner than others end for want of their heads.
    tokio::time::timeout(BOUNDS.head_within / 2, answered).await.unwrap();
}
