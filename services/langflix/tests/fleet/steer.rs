use std::time::{SystemTime, UNIX_EPOCH};

use langflix_domain::{Failure, FailureKind, Lane, Manifest, RunId, Stage};
use langflix_pipeline::{
    fleet::{Dispatcher, Order, state},
    plan_analysis,
};
use langflix_ports::{queue::Name, store::ArtifactStore as _, tally};
use serde_json::Value;

use crate::{
    by_hand,
    servers::Fleet,
    support::{complaint, episode, said, season},
};

/// Counts nothing: the store tells.
struct NoTally;

#[async_trait::async_trait]
impl tally::Tally for NoTally {
    async fn done(&self, _: &RunId, _: Stage, _: &langflix_domain::TaskId) -> Result<u32, tally::Error> {
        Err(tally::Error { message: "none".to_owned() })
    }

    async fn forget(&self, _: &RunId, _: Stage) -> Result<(), tally::Error> {
        Ok(())
    }
}

fn dispatcher(fleet: &Fleet) -> Dispatcher<'_> {
    Dispatcher {
        store: &fleet.store,
        queue: &fleet.queue,
        tally: &NoTally,
        requests: &fleet.requests,
        in_flight: 32,
        trace: None,
        repeated: false,
        follows: &|_| (),
    }
}

/// The orders of a queue, which are gone from it then.
async fn orders(fleet: &Fleet, name: Name, count: usize) -> Vec<Order> {
    fleet.drain(name, count).await.iter().map(|body| Order::read(body).unwrap()).collect()
}

async fn ended(fleet: &Fleet, run: &RunId) -> Manifest {
    langflix_pipeline::fleet::manifest(&fleet.store, run).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_and_taken_up_again() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &["--dry-run"]);
    let run = by_hand::submitted(&fleet).await.remove(0);
    assert_eq!(orders(&fleet, Name::Episodes, 1).await, [Order::PlanEpisode { run: run.clone() }]);

    let said = fleet.done(&["cancel", "the-long-way-home-s01e01"]);
    assert!(said.starts_with(&format!("{run} is being cancelled: ")), "{said}");
    // Workers leave it alone from now on, though no dispatcher has heard of it.
    let marked = state(&fleet.store, &run).await.unwrap();
    assert!(marked.cancelled && marked.ending.is_none());
    assert!(complaint(&fleet.said(&["retry", run.as_str()])).contains("still being cancelled"));
    assert_eq!(orders(&fleet, Name::Stages, 1).await, [Order::Cancel { run: run.clone() }]);
    dispatcher(&fleet).cancel(&run).await.unwrap();
    let manifest = ended(&fleet, &run).await;
    assert!(manifest.failures.iter().all(|failure| failure.failure.kind == FailureKind::Cancelled));
    let said = fleet.done(&["cancel", run.as_str()]);
    assert_eq!(said, format!("{run} has ended failed: there is nothing to cancel\n"));

    let retried_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let said = fleet.done(&["retry", run.as_str(), "--lane", "interactive"]);
    assert_eq!(said, format!("{run}: {} failed tasks again\n", manifest.failures.len()));
    assert_eq!(orders(&fleet, Name::Episodes, 1).await, [Order::PlanEpisode { run: run.clone() }]);
    let open: Value = serde_json::from_slice(&fleet.store.get(&format!("open/{run}")).await.unwrap().unwrap()).unwrap();
    assert!(open["lane"] == "interactive" && open["submitted_at_ms"].as_u64().unwrap() >= retried_at, "{open}");
    let state = state(&fleet.store, &run).await.unwrap();
    assert_eq!((state.ending.is_some(), state.cancelled, state.analysis.unwrap().done), (false, false, 0));
    let said = fleet.done(&["retry", run.as_str()]);
    assert_eq!(said, format!("{run}: nothing failed in it so far, and it goes on\n"));
    by_hand::finish(&fleet, &run, &episode()).await;
    assert_eq!(fleet.done(&["retry", run.as_str()]), format!("{run}: nothing failed in it\n"));
    fleet.expect_lying(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_though_the_fleet_cannot_be_told() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &["--dry-run"]);
    let run = by_hand::submitted(&fleet).await.remove(0);
    let said = said(fleet.langflix(&["cancel", run.as_str()]).env("LANGFLIX__RABBITMQ__URL", "amqp://127.0.0.1:1"));
    let told = complaint(&said);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(
        told.contains("nobody listens there") && told.contains(&format!("{run} is cancelled all the same")),
        "{told}"
    );
    assert!(state(&fleet.store, &run).await.unwrap().cancelled);
    fleet.done(&["cancel", run.as_str()]);
    assert_eq!(orders(&fleet, Name::Stages, 1).await, [Order::Cancel { run: run.clone() }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_is_tried_again() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &["--dry-run", "--set", "llm.chunk_size=600"]);
    let run = by_hand::submitted(&fleet).await.remove(0);
    dispatcher(&fleet).plan_episode(&run).await.unwrap();
    let tasks = orders(&fleet, Name::AnalysisBulk, 2).await;
    let failure = || Failure { kind: FailureKind::Crashed, message: "its worker ended".to_owned() };
    dispatcher(&fleet).give_up(&tasks[0], failure()).await.unwrap();
    fleet.drain(Name::Episodes, 1).await;
    assert_eq!(fleet.done(&["retry", run.as_str()]), format!("{run}: 1 failed task again\n"));
    assert_eq!(orders(&fleet, Name::Episodes, 1).await, [Order::PlanEpisode { run: run.clone() }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_is_named_and_must_be_there() {
    let fleet = Fleet::new().await;
    for command in ["cancel", "retry"] {
        let said = fleet.said(&[command, "suits-s01e01-0123abcd"]);
        assert_eq!((said.code, complaint(&said).contains("no such run")), (Some(1), true), "{said:#?}");
        let said = fleet.said(&[command, "suits"]);
        assert_eq!((said.code, complaint(&said).contains("no such run")), (Some(1), true), "{said:#?}");
    }
    let said = fleet.said(&["status", "suits", "s01"]);
    assert_eq!((said.code, complaint(&said).contains("a whole number")), (Some(64), true), "{said:#?}");
    fleet.ingest(&episode(), &["--dry-run"]);
    for command in ["cancel", "retry"] {
        // There are such runs, but a season's is not one.
        let said = fleet.said(&[command, "the-long-way-home-s01"]);
        assert_eq!((said.code, complaint(&said).contains("names no run")), (Some(64), true), "{said:#?}");
    }
    for (named, asked) in [
        (&["suits"][..], "suits: "),
        (&["suits-s01e01-0123abcd"], "suits-s01e01-0123abcd: "),
        (&["The Long Way Home", "1", "7"], "The Long Way Home, season 1, episode 7: "),
    ] {
        let said = fleet.said(&[&["status"], named].concat());
        let told = complaint(&said).contains(&format!("{asked}no such run"));
        assert_eq!((said.code, told), (Some(1), true), "{said:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_runs_and_queues() {
    let fleet = Fleet::new().await;
    assert!(fleet.done(&["status"]).starts_with("No run.\n"));
    fleet.ingest(&season(), &["--dry-run"]);
    let runs = by_hand::submitted(&fleet).await;
    by_hand::finish(&fleet, &runs[0], &episode()).await;
    plan_analysis(&fleet.store, &by_hand::asked(&fleet, &runs[1]).await).await.unwrap();
    let text = fleet.done(&["status", "The Long Way Home", "1"]);
    let row = |of: &str| {
        let line = text.lines().find(|line| line.contains(of)).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(row(runs[0].as_str())[..4], ["The Long Way Home S01E01", "ko", runs[0].as_str(), "complete"]);
    assert_eq!(row(runs[1].as_str())[3..5], ["analysis", "bulk"]);
    assert_eq!(row(runs[2].as_str())[3..], ["waiting", "bulk", "-", "-", "-"]);
    assert_eq!(row("episodes.v1"), ["episodes.v1", "3", "0", "0", "0", "0"]);
    assert!(!fleet.done(&["status", "The Long Way Home", "1", "3"]).contains(runs[0].as_str()));

    let json: Value = serde_json::from_str(&fleet.done(&["status", runs[1].as_str(), "--json"])).unwrap();
    let run = &json["runs"][0];
    assert_eq!((&run["run"], json["runs"].as_array().unwrap().len()), (&runs[1].as_str().into(), 1));
    assert_eq!((&run["phase"], &run["status"], &run["lane"]), (&"analysis".into(), &Value::Null, &"bulk".into()));
    assert_eq!((&run["season"], &run["episode"], &run["analysis"]["done"]), (&1.into(), &2.into(), &0.into()));
    assert_eq!(json["queues"][0]["ready"], 3);
    assert_eq!(Lane::Bulk.as_str(), "bulk");

    // One that cannot be read keeps none of the others from being told.
    fleet.store.delete(&format!("runs/{}/manifest.json", runs[0])).await.unwrap();
    fleet.store.put_if_absent(&format!("runs/{}/manifest.json", runs[0]), b"{").await.unwrap();
    let said = fleet.said(&["status"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(runs.iter().all(|run| said.out.contains(run.as_str())) && said.out.contains("unreadable"), "{said:#?}");
    assert!(said.err.contains(&format!("{}: record runs/", runs[0])), "{said:#?}");
}
