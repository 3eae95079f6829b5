//! What operators do.

use std::time::Duration;

use langflix_pipeline::fleet::Order;
use langflix_ports::{queue::Name, store::ArtifactStore as _};
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use crate::{
    answers::park,
    program::{Town, until},
    site::{ACT, Site, dry},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_and_taken_up_again() {
    let town = Town::new().await;
    let site = Site::open(&town).await;
    let run = town.submit(&dry(1)).await;
    let path = format!("/api/v1/runs/{run}");
    until("it is planned", async || town.planned().await == 1).await;
    let given = site.post(&format!("{path}/cancel"), ACT, &json!({})).await;
    assert_eq!(given.body, json!({ "run": run, "cancelled": true }));
    let said = site.program.said();
    let told = said.lines().find(|line| line.contains("is cancelled by an operator"));
    assert!(told.is_some_and(|line| line.contains(r#""peer":"127.0.0.1""#)), "{said}");
    until("it has ended", async || site.shows(&path).await["phase"] == "ended").await;
    for _ in 0..2 {
        park(&town, Name::EncodingBulk, Order::PlanEpisode { run: run.clone() }, "it failed").await;
    }
    let other = dry(2).run().unwrap();
    park(&town, Name::EncodingBulk, Order::PlanEpisode { run: other.clone() }, "it failed").await;
    let ended = site.shows(&path).await;
    assert_eq!((&ended["status"], &ended["cancelled"]), (&json!("failed"), &json!(true)));
    assert_eq!(ended["failures"][0]["kind"], "cancelled");
    let given = site.post(&format!("{path}/retry"), ACT, &json!({})).await;
    assert_eq!(given.body, json!({ "run": run, "tasks": ended["failures"].as_array().unwrap().len() }));
    until("it is under way", async || site.shows(&path).await["status"].is_null()).await;
    let aside = site.shows("/api/v1/dead").await;
    assert_eq!((&aside["groups"][0]["run"], aside["groups"].as_array().unwrap().len()), (&json!(other), 1), "{aside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_messages_are_dealt_with_that_are_named() {
    let town = Town::new().await;
    town.declare().await;
    let run = dry(1).run().unwrap();
    for (name, reason) in [(Name::AnalysisBulk, "first"), (Name::AnalysisBulk, "second"), (Name::EncodingBulk, "first")]
    {
        park(&town, name, Order::PlanEpisode { run: run.clone() }, reason).await;
    }
    let site = Site::open(&town).await;
    let groups =
        async |query: &str| site.shows(&format!("/api/v1/dead?{query}")).await["groups"].as_array().unwrap().len();
    assert_eq!((groups("").await, groups("queue=analysis.bulk.v1").await, groups("reason=second").await), (3, 2, 1));
    assert_eq!(groups(&format!("run={run}")).await, 3);
    assert_eq!(groups("run=other").await, 0);
    assert_eq!(site.shows("/api/v1/dead?limit=1").await["truncated"], true);
    for nothing in [json!({}), json!({ "all": false }), json!({ "run": null, "reason": "" })] {
        for path in ["/api/v1/dead/drop", "/api/v1/dead/retry"] {
            let refused = site.post(path, ACT, &nothing).await;
            assert_eq!(refused.problem(400), "name a queue, a run or a reason, or say \"all\": true");
        }
    }
    assert_eq!(groups("").await, 3);
    let dropped = site.post("/api/v1/dead/drop", ACT, &json!({ "queue": "analysis.bulk.v1", "reason": "first" })).await;
    assert_eq!(dropped.body, json!({ "dropped": 1 }));
    assert_eq!(groups("").await, 2);
    // There is no such run: its message goes back to where it came from.
    let again = site.post("/api/v1/dead/retry", ACT, &json!({ "queue": "encoding.bulk.v1.parked" })).await;
    assert_eq!(again.body, json!({ "runs_planned": 0, "tasks": 0, "republished": 1 }));
    assert_eq!(town.servers().queue.counts().await.unwrap()["encoding.bulk.v1"].ready, 1);
    assert_eq!(groups("").await, 1);
    assert!(town.servers().store.list("open/").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_before_the_answer_hides_nothing_from_the_next() {
    let town = Town::new().await;
    town.declare().await;
    for episode in 1..=40 {
        park(&town, Name::AnalysisBulk, Order::PlanEpisode { run: dry(episode).run().unwrap() }, "it failed").await;
    }
    let site = Site::open(&town).await;
    for round in 0..12 {
        let asked = site.request(Method::GET, "/api/v1/dead").send();
        // At another moment of the look each time.
        let gone = timeout(Duration::from_millis(round * 20), asked).await;
        let aside = site.shows("/api/v1/dead").await;
        assert_eq!(aside["groups"].as_array().unwrap().len(), 40, "round {round}, gone: {}", gone.is_err());
    }
}
