use langflix_domain::{Failure, FailureKind, RunId, Stage};
use langflix_pipeline::{analyse_chunk, fleet::Order, outcomes, plan_analysis};
use langflix_ports::queue::{Message, Name, Place, Queue as _};
use serde_json::Value;

use crate::{
    by_hand,
    servers::Fleet,
    support::{complaint, episode},
};

/// Parks a message that was tried before.
async fn park(fleet: &Fleet, name: Name, body: Vec<u8>, reason: &str) {
    fleet.queue.publish(name, &Message { attempt: 4, ..Message::new(body) }).await.unwrap();
    let mut consumer = fleet.queue.consume(Place::Work(name), 1).await.unwrap();
    consumer.next().await.unwrap().bury(reason).await.unwrap();
    consumer.cancel().await.unwrap();
}

fn plan(run: &str) -> Vec<u8> {
    Order::PlanEpisode { run: RunId::parse(run).unwrap() }.message(None).unwrap().body
}

/// Two messages of a run and one that cannot be read.
async fn with_dead() -> Fleet {
    let fleet = Fleet::new().await;
    park(&fleet, Name::Episodes, plan("suits-s01e02-0123abcd"), "no such run").await;
    park(&fleet, Name::Stages, plan("suits-s01e02-0123abcd"), "no such run").await;
    park(&fleet, Name::Stages, b"\x82garbage".to_vec(), "the message cannot be read").await;
    fleet
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_listed_and_shown_and_stays() {
    let fleet = with_dead().await;
    let all = [("episodes.v1.parked", 1), ("stages.v1.parked", 2)];
    fleet.expect_lying(&all).await;
    insta::assert_snapshot!(fleet.done(&["dead", "list"]));
    insta::assert_snapshot!(fleet.done(&["dead", "show", "--queue", "stages.v1"]));
    let json: Value = serde_json::from_str(&fleet.done(&["dead", "show", "--run", "suits", "--json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!((&json[0]["queue"], &json[0]["attempt"]), (&"episodes.v1.parked".into(), &4.into()));
    assert_eq!((&json[0]["run"], &json[0]["task"]), (&"suits-s01e02-0123abcd".into(), &"plan".into()));
    assert_eq!(fleet.done(&["dead", "list", "--reason", "disk"]), "No such message.\n");
    fleet.expect_lying(&all).await;
    assert_eq!(fleet.said(&["dead", "list", "--queue", "nowhere"]).code, Some(64));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retried_goes_back_as_if_it_had_never_been_tried() {
    let fleet = with_dead().await;
    assert_eq!(fleet.done(&["dead", "retry", "--queue", "stages.v1"]), "2 messages back in the work queues\n");
    fleet.expect_lying(&[("episodes.v1.parked", 1), ("stages.v1", 2)]).await;
    let mut consumer = fleet.queue.consume(Place::Work(Name::Stages), 1).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    assert_eq!((delivery.message.attempt, &delivery.message.reason), (0, &None));
    delivery.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_gone_and_nothing_is_dropped_unasked() {
    let fleet = with_dead().await;
    let unasked = fleet.said(&["dead", "drop", "--run", "suits-s01e02"]);
    assert_eq!((unasked.code, complaint(&unasked).contains("--yes")), (Some(64), true), "{unasked:#?}");
    fleet.expect_lying(&[("episodes.v1.parked", 1), ("stages.v1.parked", 2)]).await;
    assert_eq!(fleet.done(&["dead", "drop", "--run", "suits-s01e02", "--yes"]), "2 messages dropped\n");
    fleet.expect_lying(&[("stages.v1.parked", 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_failed_for_good_is_done_again_by_a_new_plan() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &["--dry-run"]);
    fleet.drain(Name::Episodes, 1).await;
    let run = by_hand::submitted(&fleet).await.remove(0);
    let asked = by_hand::asked(&fleet, &run).await;
    let plan = plan_analysis(&fleet.store, &asked).await.unwrap();
    let refusing = Refusing(asked.settings.model.clone(), asked.settings.model_name.clone());
    let failure = analyse_chunk(&fleet.store, &refusing, &asked, &plan.tasks[0]).await.unwrap();
    let Some(Failure { kind: FailureKind::Auth, message }) = failure else { panic!("{failure:?}") };
    let tasks = u32::try_from(plan.tasks.len()).unwrap();
    let task = plan.tasks[0].clone();
    let task = langflix_pipeline::fleet::TaskOrder { run: run.clone(), tasks, task, then: None, footage: None };
    let body = Order::AnalyseChunk(task).message(None).unwrap().body;
    park(&fleet, Name::AnalysisBulk, body, &message).await;

    let said = fleet.done(&["dead", "retry"]);
    assert_eq!(said, "1 run planned anew for 1 failed task\n");
    fleet.expect_lying(&[("episodes.v1", 1)]).await;
    let orders = fleet.drain(Name::Episodes, 1).await;
    assert_eq!(Order::read(&orders[0]).unwrap(), Order::PlanEpisode { run: run.clone() });
    let recorded = outcomes::<serde_json::Value>(&fleet.store, &run, Stage::Analysis).await.unwrap();
    assert!(recorded.is_empty(), "the failure is forgotten");
}

/// A model whose key is refused.
struct Refusing(langflix_domain::Digest, String);

#[async_trait::async_trait]
impl langflix_ports::llm::LanguageModel for Refusing {
    fn name(&self) -> &str {
        &self.1
    }

    fn fingerprint(&self) -> &langflix_domain::Digest {
        &self.0
    }

    async fn ask(
        &self,
        _: &langflix_domain::AnalysisRequest,
        _: &[langflix_domain::RejectedItem],
    ) -> Result<langflix_ports::llm::Answer, langflix_ports::llm::Error> {
        Err(langflix_ports::llm::Error {
            kind: langflix_ports::llm::ErrorKind::Auth,
            provider: self.1.clone(),
            message: "the key is refused".to_owned(),
            usage: langflix_domain::Usage::default(),
        })
    }
}
