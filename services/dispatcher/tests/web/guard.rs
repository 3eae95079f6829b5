//! Who may ask for what, and how much of it.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header};
use serde_json::json;

use crate::{
    program::{Town, until},
    site::{ACT, DRAIN, PROGRAM, Site, VIEW, answer, dry},
};

const BOTH: [(&str, &str); 2] = [("VIEW", VIEW), ("ACTION", ACT)];

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_without_a_token_where_one_is_asked_for() {
    let town = Town::new().await;
    let site = Site::with(&town, &BOTH).await;
    let paths =
        ["/", "/app.js", "/api/v1/overview", "/api/v1/runs", "/api/v1/events", "/api/v1/openapi.json", "/nothing"];
    for path in paths {
        let get = || site.request(Method::GET, path);
        let refused = answer(get()).await;
        refused.problem(401);
        assert!(refused.header("www-authenticate").starts_with("Basic realm=\"LangFlix\""), "{refused:?}");
        let expected = if path == "/nothing" { 404 } else { 200 };
        let given: [fn(RequestBuilder) -> RequestBuilder; 3] = [
            |request| request.bearer_auth(VIEW),
            |request| request.basic_auth("anybody", Some(VIEW)),
            |request| request.bearer_auth(ACT),
        ];
        for give in given {
            assert_eq!(give(get()).send().await.unwrap().status(), expected, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_without_the_token_for_it_or_from_another_page() {
    let town = Town::new().await;
    let site = Site::with(&town, &BOTH).await;
    let run = town.submit(&dry(1)).await;
    let paths =
        [format!("/api/v1/runs/{run}/cancel"), format!("/api/v1/runs/{run}/retry"), "/api/v1/dead/drop".to_owned()];
    for path in &paths {
        let post = || site.request(Method::POST, path).json(&json!({}));
        answer(post()).await.problem(401);
        assert_eq!(answer(post().bearer_auth(VIEW)).await.problem(401), "give the token for actions");
        answer(post().bearer_auth("wrong")).await.problem(401);
        let act = || post().basic_auth("me", Some(ACT));
        answer(act().header("sec-fetch-site", "cross-site")).await.problem(403);
        answer(act().header("sec-fetch-site", "same-site")).await.problem(403);
        answer(act().header(header::ORIGIN, "https://elsewhere.example")).await.problem(403);
        answer(act().header(header::ORIGIN, "null")).await.problem(403);
    }
    assert!(town.servers().store.stat(&format!("runs/{run}/cancelled")).await.unwrap().is_none());
    let origin = site.url.clone();
    let act = site.request(Method::POST, "/api/v1/dead/drop").bearer_auth(ACT).header(header::ORIGIN, origin);
    assert_eq!(answer(act.json(&json!({ "all": true }))).await.body, json!({ "dropped": 0 }));

    let none = Site::with(&town, &[]).await;
    for token in [ACT, VIEW] {
        none.post("/api/v1/dead/drop", token, &json!({})).await.problem(403);
    }
    answer(none.request(Method::POST, "/api/v1/dead/drop")).await.problem(403);
    assert_eq!(none.shows("/api/v1/overview").await["actions"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_tokens_is_put_off() {
    let town = Town::new().await;
    let site = Site::with(&town, &BOTH).await;
    let mut statuses = Vec::new();
    for guess in 0..30 {
        statuses
            .push(site.request(Method::GET, "/").bearer_auth(format!("guess-{guess}")).send().await.unwrap().status());
    }
    assert_eq!(statuses[0], 401);
    let refused = answer(site.request(Method::GET, "/").bearer_auth("one more")).await;
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), "60");
    let right = site.request(Method::GET, "/").bearer_auth(VIEW).send().await.unwrap();
    assert_eq!(right.status(), 200, "who has it is not kept out by who has not");
    assert!(!site.program.said().contains(VIEW) && !site.program.said().contains("guess-1"));
    let said = site.program.said();
    let told: Vec<&str> = said.lines().filter(|line| line.contains("requests to the page were refused")).collect();
    assert!(matches!(*told, [line] if line.contains("wrong_tokens") && line.contains("127.0.0.1")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_keep_the_page_what_it_is() {
    let town = Town::new().await;
    let site = Site::open(&town).await;
    let get = |path: &str| answer(site.request(Method::GET, path));
    let answers = [
        get("/").await,
        get("/app.js").await,
        get("/favicon.svg").await,
        get("/api/v1/runs").await,
        get("/api/v1/nothing").await,
        get("/nothing").await,
        answer(site.request(Method::POST, "/api/v1/dead/drop")).await,
        answer(site.request(Method::DELETE, "/")).await,
        answer(site.request(Method::GET, "/").header(header::HOST, "elsewhere.example")).await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status.as_u16()), [200, 200, 200, 200, 404, 404, 401, 401, 421]);
    for answer in &answers {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{answer:?}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert!(!answer.header("cache-control").is_empty());
    }
    assert_eq!(answers[3].header("cache-control"), "no-store");
    let tag = answers[1].header("etag");
    let known = answer(site.request(Method::GET, "/app.js").header(header::IF_NONE_MATCH, tag)).await;
    assert_eq!((known.status.as_u16(), known.header("x-content-type-options")), (304, "nosniff"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_heads_have_their_bounds() {
    let town = Town::new().await;
    let site = Site::open(&town).await;
    let long = "x".repeat(70_000);
    site.post("/api/v1/dead/drop", ACT, &json!({ "reason": long })).await.problem(413);
    // One that does not say how long it is.
    let head = format!(
        "POST /api/v1/dead/drop HTTP/1.1\r\nAuthorization: Bearer {ACT}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked"
    );
    let body = format!("10000\r\n{0}\r\n10000\r\n{0}\r\n0\r\n\r\n", " ".repeat(0x10000));
    assert_eq!(site.raw_with(&head, &body).await.0, 413);
    let wrong = site.request(Method::POST, "/api/v1/dead/drop").bearer_auth(ACT).body("{}");
    assert_eq!(answer(wrong).await.problem(415), "the body is to come as application/json");
    let broken = site.request(Method::POST, "/api/v1/dead/drop").bearer_auth(ACT);
    answer(broken.header(header::CONTENT_TYPE, "application/json").body("{")).await.problem(400);
    for path in ["/api/v1/runs?season=one", "/api/v1/runs?season=1&season=2", "/api/v1/dead?limit=-1"] {
        let answer = site.get(path).await;
        assert!(answer.problem(400).starts_with("the query may have, each once: "), "{answer:?}");
    }
    let odd = site.get("/api/v1/runs/suits-s01e02-0123abcd/clips/first/clip.mp4").await;
    assert_eq!(odd.problem(400), "a clip is named by its run and its number");
    let (status, _) = site.raw(&format!("GET / HTTP/1.1\r\nCookie: {}", "x".repeat(40_000))).await;
    assert_eq!(status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_are_taken_are_told_to_come_later() {
    let town = Town::new().await;
    let site = Site::open(&town).await;
    let mut put_off = 0;
    for _ in 0..20 {
        let all = (0..50).map(|_| site.request(Method::GET, "/favicon.svg").send());
        let statuses = futures::future::join_all(all).await.into_iter().map(|answer| answer.unwrap().status().as_u16());
        put_off += statuses.filter(|status| *status == 429).count();
    }
    assert!(put_off > 0, "a thousand requests at once are not all answered");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(site.get("/favicon.svg").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_token_takes_nothing_from_those_who_have() {
    let town = Town::new().await;
    let site = Site::with(&town, &BOTH).await;
    let mut put_off = 0;
    for _ in 0..20 {
        let all = (0..50).map(|_| site.request(Method::GET, "/").send());
        let statuses = futures::future::join_all(all).await.into_iter().map(|answer| answer.unwrap().status().as_u16());
        put_off += statuses.filter(|status| *status == 429).count();
        let right = site.request(Method::GET, "/favicon.svg").bearer_auth(VIEW).send().await.unwrap();
        assert_eq!(right.status(), 200);
    }
    assert!(put_off > 500, "{put_off} of a thousand");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_where_the_page_cannot_be_or_is_open_to_all() {
    let town = Town::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = town.start(PROGRAM, DRAIN, &[("LANGFLIX__WEB__ADDRESS", &address)]);
    let says = format!("web.address {address} is in use: give another port");
    until("it says that the port is taken", async || refused.said().contains(&says)).await;
    let open = town.start(PROGRAM, DRAIN, &[("LANGFLIX__WEB__ADDRESS", "0.0.0.0:0")]);
    open.logged("page").await;
    assert!(open.said().contains("whoever reaches the page may look"), "{}", open.said());
    let site = Site::open(&town).await;
    assert!(!site.program.said().contains("whoever reaches the page may look"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_open_streams_are_counted() {
    let town = Town::new().await;
    let site = Site::open(&town).await;
    let stream = site.request(Method::GET, "/api/v1/events").send().await.unwrap();
    let gone = "/api/v1/runs/gone-s01e01-0123abcd";
    for path in ["/", "/app.js", "/api/v1/runs", gone, &format!("{gone}/clips/1/clip.mp4"), "/nothing"] {
        site.get(path).await;
    }
    let measured = async |name: &str, labels: &[&str]| {
        let (_, text) = site.program.get_bytes("/metrics").await.unwrap();
        let text = String::from_utf8(text).unwrap();
        let of = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        text.lines().find(of).map(|line| line.rsplit(' ').next().unwrap().to_owned())
    };
    for (route, status, count) in [
        ("page", 200, "2"),
        ("api", 200, "1"),
        ("api", 404, "1"),
        ("clips", 404, "1"),
        ("other", 404, "1"),
        ("events", 200, "1"),
    ] {
        let labels = [&*format!("route=\"{route}\""), &*format!("status=\"{status}\"")];
        let told = measured("langflix_web_requests_total{", &labels).await;
        assert_eq!(told.as_deref(), Some(count), "{route} {status}");
    }
    assert_eq!(measured("langflix_web_listeners", &[]).await.as_deref(), Some("1"));
    drop(stream);
    until("nobody listens", async || measured("langflix_web_listeners", &[]).await.as_deref() == Some("0")).await;
}
