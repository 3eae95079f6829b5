//! What is answered is what the document says.

use std::sync::Arc;

use langflix_domain::RunId;
use langflix_fleet::view::Problem;
use langflix_pipeline::fleet::Order;
use langflix_ports::{
    queue::{Message, Name, Place, Queue as _},
    store::ArtifactStore as _,
};
use serde_json::{Value, json};

use crate::{
    episode::model,
    program::{Town, until},
    site::{ACT, Answer, Site, dry, ended},
};

/// Holds answers to the schemas of the document.
struct Described(Value);

impl Described {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("../../openapi.json")).unwrap())
    }

    #[track_caller]
    fn holds(&self, at: &str, value: &Value) {
        let mut schema = self.0.clone();
        schema["$ref"] = json!(format!("#{at}"));
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let faults: Vec<String> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{at}: {faults:?}: {value}");
    }

    #[track_caller]
    fn answer(&self, method: &str, path: &str, value: &Value) {
        let path = path.replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        self.holds(&format!("/paths/{path}/{method}/responses/200/content/application~1json/schema"), value);
    }

    #[track_caller]
    fn problem(&self, answer: &Answer, status: u16) {
        answer.problem(status);
        self.holds("/components/schemas/Problem", &answer.body);
    }
}

/// Sets a message aside.
pub(crate) async fn park(town: &Town, name: Name, order: Order, reason: &str) {
    let queue = town.servers().queue;
    let mut consumer = queue.consume(Place::Work(name), 1).await.unwrap();
    queue.publish(name, &Message { attempt: 4, ..order.message(None).unwrap() }).await.unwrap();
    consumer.next().await.unwrap().bury(reason).await.unwrap();
    consumer.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let (town, described) = (Town::new().await, Described::read());
    town.declare().await;
    let (run, manifest) = ended(&town, 1, b"content").await;
    let no_run = RunId::parse("gone-s01e01-0123abcd").unwrap();
    park(&town, Name::EncodingBulk, Order::Cancel { run: no_run }, "nobody is to work on this").await;
    let site = Site::open(&town).await;
    let open = town.submit(&dry(2)).await;

    let overview = site.shows("/api/v1/overview").await;
    described.answer("get", "/api/v1/overview", &overview);
    assert_eq!(overview["actions"], true);
    assert_eq!((&overview["queues_error"], overview["queues"].as_array().unwrap().len()), (&Value::Null, 6));
    let runs = site.shows("/api/v1/runs").await;
    described.answer("get", "/api/v1/runs", &runs);
    let details = site.shows(&format!("/api/v1/runs/{run}")).await;
    described.answer("get", "/api/v1/runs/{run}", &details);
    assert_eq!((&details["status"], &details["clips"]), (&json!("complete"), &json!(manifest.clips.len())));
    let going_on = site.shows(&format!("/api/v1/runs/{open}")).await;
    described.answer("get", "/api/v1/runs/{run}", &going_on);
    assert_eq!([&details["show_name"], &going_on["show_name"]], ["The Show"; 2]);
    let whole = site.shows(&format!("/api/v1/runs/{run}/manifest")).await;
    described.answer("get", "/api/v1/runs/{run}/manifest", &whole);
    assert_eq!(whole, serde_json::to_value(&manifest).unwrap());
    let dead = site.shows("/api/v1/dead").await;
    described.answer("get", "/api/v1/dead", &dead);
    assert_eq!(dead["groups"][0]["reason"], "nobody is to work on this");
    assert_eq!(site.shows("/api/v1/openapi.json").await, described.0);

    until("the season of the open run has a pace", async || {
        let overview = site.shows("/api/v1/overview").await;
        described.answer("get", "/api/v1/overview", &overview);
        overview["seasons"][0]["show"] == "the-show"
    })
    .await;

    let given = site.post("/api/v1/dead/retry", ACT, &json!({ "queue": "stages.v1" })).await;
    described.answer("post", "/api/v1/dead/retry", &given.body);
    let given = site.post("/api/v1/dead/drop", ACT, &json!({ "all": true })).await;
    described.answer("post", "/api/v1/dead/drop", &given.body);
    assert_eq!(given.body["dropped"], 1);
    let given = site.post(&format!("/api/v1/runs/{open}/retry"), ACT, &json!({})).await;
    described.answer("post", "/api/v1/runs/{run}/retry", &given.body);
    assert_eq!(given.body["tasks"], 0);
    let given = site.post(&format!("/api/v1/runs/{open}/cancel"), ACT, &json!({})).await;
    described.answer("post", "/api/v1/runs/{run}/cancel", &given.body);

    described.problem(&site.get("/api/v1/nothing").await, 404);
    let gone = site.get("/api/v1/runs/gone-s01e01-0123abcd").await;
    described.problem(&gone, 404);
    assert_eq!(gone.body["type"], "/problems/no-run");
    described.problem(&site.get("/api/v1/runs/gone-s01e01-0123abcd/manifest").await, 404);
    described.problem(&site.get("/api/v1/runs?limit=0").await, 400);
    described.problem(&site.get("/api/v1/runs?season=one").await, 400);
    described.problem(&site.get("/api/v1/runs?seasons=1").await, 400);
    described.problem(&site.get("/api/v1/runs?after=gone-s01e01-0123abcd").await, 400);
    described.problem(&site.get("/api/v1/dead?queue=nothing").await, 400);
    described.problem(&site.post("/api/v1/overview", ACT, &json!({})).await, 405);
    described.problem(&site.post(&format!("/api/v1/runs/{run}/cancel"), ACT, &json!({})).await, 409);
    described.problem(&site.post("/api/v1/dead/drop", ACT, &json!({ "queues": "all" })).await, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_a_run_is_told_while_it_goes_on() {
    let town = Town::new().await;
    town.declare().await;
    let (site, run) = (Site::open(&town).await, town.submit(&dry(1)).await);
    until("its chunks are planned", async || town.planned().await == 1).await;
    let at = format!("/api/v1/runs/{run}");
    assert_eq!(site.shows(&at).await["failures"], json!([]));
    let failed = json!({ "kind": "auth", "message": "the provider does not take the key" });
    let recorded = json!({ "task": "chunk-0001", "outcome": { "failed": failed } });
    let key = format!("runs/{run}/analysis/outcomes/chunk-0001.json");
    town.servers().store.put_if_absent(&key, &serde_json::to_vec(&recorded).unwrap()).await.unwrap();

    let details = site.shows(&at).await;
    let [failure] = &details["failures"].as_array().unwrap()[..] else { panic!("{details}") };
    assert_eq!(
        [&failure["task"], &failure["kind"], &failure["message"]],
        [&recorded["task"], &failed["kind"], &failed["message"]]
    );
    assert_eq!((&details["status"], &details["analysis"]["done"]), (&Value::Null, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_come_by_episode_in_parts_and_by_what_is_asked_for() {
    let town = Town::new().await;
    for number in [3, 1, 2] {
        ended(&town, number, b"content").await;
    }
    let site = Site::open(&town).await;
    let open = town.submit(&dry(4)).await;
    let episodes = async |query: &str| {
        let runs = site.shows(&format!("/api/v1/runs?{query}")).await;
        let numbers: Vec<u64> =
            runs["runs"].as_array().unwrap().iter().map(|run| run["episode"].as_u64().unwrap()).collect();
        (numbers, runs["next"].as_str().map(str::to_owned))
    };
    until("all runs are seen", async || episodes("").await.0 == [1, 2, 3, 4]).await;
    let (first, next) = episodes("limit=3").await;
    assert_eq!(first, [1, 2, 3]);
    assert_eq!(episodes(&format!("limit=3&after={}", next.unwrap())).await, (vec![4], None));
    assert_eq!(episodes("status=open").await.0, [4]);
    assert_eq!(episodes("status=complete&episode=2").await.0, [2]);
    assert_eq!(episodes("show=The%20Show&season=1&limit=1000").await.0, [1, 2, 3, 4]);
    assert!(episodes("show=the-show&season=2").await.0.is_empty());
    let one = site.shows(&format!("/api/v1/runs/{open}")).await;
    assert_eq!((&one["lane"], &one["status"]), (&json!("bulk"), &Value::Null));
    assert!(one["submitted_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_shown_while_it_is_there_and_what_it_works_on() {
    let town = Town::new().await;
    let (mut first, second) = (Site::open(&town).await, Site::open(&town).await);
    let workers = async |site: &Site| site.shows("/api/v1/overview").await["workers"].as_array().unwrap().clone();
    until("both dispatchers are there", async || workers(&second).await.len() == 2).await;
    let service = town.service("analysis-worker");
    let (roster, health, ends) = (town.servers().roster(), service.health.clone(), service.shutdown.clone());
    let (ports, shutdown) = (town.servers().ports(), service.shutdown.clone());
    let working = tokio::spawn(async move {
        let work = langflix_analysis_worker::analyse(service, ports, Arc::new(model()));
        langflix_fleet::present(&roster, &health, || None, work).await
    });
    until("a worker is there too", async || workers(&second).await.len() == 3).await;
    until("it says that it takes messages", async || {
        let all = workers(&second).await;
        let worker = all.into_iter().find(|worker| worker["service"] == "analysis-worker").unwrap();
        assert!(worker["seen_seconds_ago"].as_u64().unwrap() < 60, "{worker}");
        let parts = worker["parts"].as_array().unwrap();
        !parts.is_empty() && parts.iter().all(|part| part["ready"] == true)
    })
    .await;
    ends.signal();
    working.await.unwrap();
    drop(shutdown);
    let told = first.program.is_told_to_rest();
    first.program.ends(told).await;
    until("who has ended is not there", async || workers(&second).await.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_problem_is_called_by_leads_to_what_it_means() {
    let (town, described) = (Town::new().await, Described::read());
    let site = Site::open(&town).await;
    let kinds = described.0.pointer("/components/schemas/ProblemType/oneOf").unwrap().as_array().unwrap();
    assert_eq!(kinds.len(), Problem::ALL.len());
    for kind in kinds {
        let about = site.shows(kind["const"].as_str().unwrap()).await;
        assert!(about.as_str().unwrap().contains(kind["description"].as_str().unwrap()), "{about}");
    }
    site.get("/problems/none").await.problem(404);
}
