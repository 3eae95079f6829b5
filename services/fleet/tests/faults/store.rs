//! A store that answers with errors, loses answers, and does not answer, at every step of a run.

use langflix_testkit::proxy::{Act, Http};

use crate::{
    episode::episode,
    role::{Role, STORE_WAITS_MS},
    town::Town,
};

/// What is asked of the store in a run, and by which method.
const STEPS: [(&str, &str); 12] = [
    ("GET", "/request.json"),
    ("PUT", "/analysis/plan.json"),
    ("PUT", "/analysis/outcomes/"),
    ("GET", "outcomes%2F"),
    ("PUT", "/encoding/plan.json"),
    ("PUT", "/clip.mp4"),
    ("PUT", "/poster.jpg"),
    ("PUT", "/clip.json"),
    ("GET", "/clip.json"),
    ("PUT", "/encoding/outcomes/"),
    ("PUT", "/manifest.json"),
    ("DELETE", "/open/"),
];

/// Has `act` happen `times` at each of the steps by one of these methods, and holds that it did and changed nothing.
async fn happens(times: usize, methods: &[&str], act: Act) {
    let (mut town, asked) = (Town::new().await, episode(1));
    let http = Http::before(&town.s3.endpoint);
    town.more.push(("LANGFLIX__S3__ENDPOINT".to_owned(), http.url.clone()));
    town.more.push((STORE_WAITS_MS.to_owned(), "700".to_owned()));
    for (method, target) in STEPS.into_iter().filter(|(method, _)| methods.contains(method)) {
        http.next(times, method, target, act);
    }
    let running = town.start(Role::ALL);
    town.submit(&asked).await;
    let clips = town.ends_well(running, &[asked]).await;
    town.encoded_once(clips);
    assert_eq!(http.left(), 0, "{:?}", http.requests());
}

const ALL: [&str; 3] = ["GET", "PUT", "DELETE"];

#[tokio::test]
async fn s3_fails_at_every_step() {
    happens(2, &ALL, Act::Answer(500, "InternalError")).await;
}

#[tokio::test]
async fn s3_asks_to_slow_down_at_every_step() {
    happens(2, &ALL, Act::Answer(503, "SlowDown")).await;
}

#[tokio::test]
async fn s3_says_at_every_write_that_another_is_going_on() {
    happens(2, &["PUT"], Act::Answer(409, "ConditionalRequestConflict")).await;
}

#[tokio::test]
async fn s3_does_not_answer_in_time_at_any_step() {
    happens(1, &ALL, Act::Stall).await;
}

#[tokio::test]
async fn s3_is_cut_off_at_every_step() {
    happens(2, &ALL, Act::Cut).await;
}

#[tokio::test]
async fn s3_does_what_is_asked_at_every_step_and_the_answer_is_lost() {
    happens(1, &ALL, Act::Lose).await;
}

/// Longer than anybody tries again before the message goes back.
#[tokio::test]
async fn s3_takes_no_outcome_for_a_while() {
    let (mut town, asked) = (Town::new().await, episode(1));
    let http = Http::before(&town.s3.endpoint);
    town.more.push(("LANGFLIX__S3__ENDPOINT".to_owned(), http.url.clone()));
    for stage in ["analysis", "encoding"] {
        http.next(12, "PUT", &format!("/{stage}/outcomes/"), Act::Answer(503, "SlowDown"));
    }
    let running = town.start(Role::ALL);
    town.submit(&asked).await;
    let clips = town.ends_well(running, &[asked]).await;
    assert_eq!(http.left(), 0);
    // What was encoded before is taken as it is.
    town.encoded_once(clips);
}
