//! A service's real program on real servers, and the others of the fleet beside it.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use langflix_domain::{EpisodeStatus, Lane, Manifest, RunId};
use langflix_fleet::{Servers, Service};
use langflix_pipeline::{RunRequest, fleet::submit};
use langflix_ports::store::ArtifactStore as _;
use langflix_runtime::{
    config::{FleetConfig, Needs, Sources},
    health::Health,
    shutdown::Shutdown,
};
use langflix_testkit::{
    process::Process,
    proxy::{Link, Proxy},
    servers::{self, Rabbit, Redis, S3},
};
use serde_json::Value;

/// Longer than the machine is busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// What an end may take beyond the drain, as the runtime promises.
const BEYOND_DRAIN: Duration = Duration::from_secs(10);
/// What a busy machine adds to that.
const BUSY: Duration = Duration::from_secs(3);

/// The servers of one fleet, and a way to RabbitMQ and S3 that a test may close.
pub(crate) struct Town {
    pub(crate) rabbit: Rabbit,
    pub(crate) redis: Redis,
    pub(crate) s3: S3,
    pub(crate) dir: tempfile::TempDir,
    ways: [Proxy; 2],
}

/// A program that runs; it is killed when this is dropped.
pub(crate) struct Program {
    process: Process,
    log: PathBuf,
    drain: Duration,
}

impl Town {
    pub(crate) async fn new() -> Self {
        let (rabbit, redis, s3) = tokio::join!(servers::rabbitmq(), servers::redis(), servers::s3());
        let amqp = rabbit.url.replacen("guest:guest@", "", 1);
        let ways = [Proxy::before(&amqp), Proxy::before(&s3.endpoint)];
        Self { rabbit, redis, s3, dir: tempfile::tempdir().unwrap(), ways }
    }

    /// What programs that begin from now on find on their way to RabbitMQ and S3, and those that run as well.
    pub(crate) fn servers_are(&self, link: Link) {
        self.ways.iter().for_each(|way| way.set(link));
    }

    /// What they find on their way to S3.
    pub(crate) fn store_is(&self, link: Link) {
        self.ways[1].set(link);
    }

    fn settings(&self, amqp: &str, s3: &str) -> Vec<(String, String)> {
        let settings = [
            ("LANGFLIX__RABBITMQ__URL", amqp),
            ("LANGFLIX__REDIS__URL", &self.redis.url),
            ("LANGFLIX__S3__ENDPOINT", s3),
            ("LANGFLIX__S3__BUCKET", &self.s3.bucket),
            ("LANGFLIX__S3__REGION", &self.s3.region),
            ("LANGFLIX__S3__PATH_STYLE", "true"),
            ("AWS_ACCESS_KEY_ID", &self.s3.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.s3.secret_key),
            ("LANGFLIX__FLEET__HEALTH_ADDRESS", "127.0.0.1:0"),
            ("LANGFLIX__FLEET__SILENCE_SECONDS", "60"),
            ("LANGFLIX__LLM__PROVIDER", "offline"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Starts the program `path`, which drains for so long, with more settings. Programs of one name share a folder.
    pub(crate) fn start(&self, path: &str, drain: Duration, more: &[(&str, &str)]) -> Program {
        let number = std::fs::read_dir(self.dir.path()).unwrap().count();
        let folder = self.dir.path().join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new(path);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(&folder);
        command.envs(self.settings(&self.ways[0].url, &self.ways[1].url));
        command.env("LANGFLIX__FLEET__DRAIN_SECONDS", drain.as_secs().to_string());
        command.env("LANGFLIX__FLEET__SCRATCH_DIR", folder.join("scratch")).envs(more.iter().copied());
        let log = folder.join("log");
        Program { process: Process::start(&mut command, &log), log, drain }
    }

    /// The servers as the test reaches them, whatever the programs find.
    pub(crate) fn servers(&self) -> Servers {
        Servers::of(&self.config(), "test").unwrap()
    }

    pub(crate) fn config(&self) -> FleetConfig {
        let amqp = self.rabbit.url.replacen("guest:guest@", "", 1);
        let environment = self.settings(&amqp, &self.s3.endpoint);
        FleetConfig::load(&Sources { environment, ..Sources::default() }, Needs::Servers)
            .unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// What a service of this process begins with; it ends with the test.
    pub(crate) fn service(&self, name: &'static str) -> Service {
        Service { config: self.config(), health: Health::new(name, "0"), shutdown: Shutdown::default() }
    }

    /// Declares what has to be there.
    pub(crate) async fn declare(&self) {
        self.servers().queue.apply_topology().await.unwrap();
    }

    pub(crate) async fn submit(&self, asked: &RunRequest) -> RunId {
        let servers = self.servers();
        submit(servers.store.as_ref(), servers.queue.as_ref(), asked, Lane::Bulk, None).await.unwrap().0
    }

    /// The outcomes that are recorded, of all runs.
    pub(crate) async fn outcomes(&self) -> usize {
        let keys = self.servers().store.list("runs/").await.unwrap();
        keys.iter().filter(|key| key.contains("/outcomes/")).count()
    }

    /// The runs whose analysis is planned.
    pub(crate) async fn planned(&self) -> usize {
        let keys = self.servers().store.list("runs/").await.unwrap();
        keys.iter().filter(|key| key.ends_with("/analysis/plan.json")).count()
    }

    /// Waits until a run is complete.
    pub(crate) async fn completes(&self, run: &RunId) -> Manifest {
        let (store, key) = (self.servers().store, format!("runs/{run}/manifest.json"));
        until(&format!("{run} has a manifest"), async || store.get(&key).await.unwrap().is_some()).await;
        let manifest: Manifest = serde_json::from_slice(&store.get(&key).await.unwrap().unwrap()).unwrap();
        assert_eq!((manifest.status, &manifest.failures[..]), (EpisodeStatus::Complete, &[][..]));
        manifest
    }

    /// Waits until nothing is open and no message is left.
    pub(crate) async fn is_empty(&self) {
        let servers = self.servers();
        until("all is settled", async || {
            let open = servers.store.list("open/").await.unwrap();
            let counts = servers.queue.counts().await.unwrap();
            open.is_empty() && counts.values().all(|count| count.ready == 0)
        })
        .await;
    }
}

impl Program {
    /// What it answers at `path`: the status and the body; nothing where it does not listen.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, Value)> {
        let (status, body) = self.get_bytes(path).await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// The same, where the body is no text.
    pub(crate) async fn get_bytes(&self, path: &str) -> Option<(u16, Vec<u8>)> {
        let address = format!("http://{}{path}", self.address().await);
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let answer = client.get(address).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.bytes().await.ok()?.into()))
    }

    /// Where it listens, as its log tells.
    async fn address(&self) -> String {
        self.logged("health").await
    }

    /// A field of the log that is there sooner or later.
    pub(crate) async fn logged(&self, field: &str) -> String {
        let mut found = None;
        until(&format!("it says {field}"), async || {
            let log = std::fs::read_to_string(&self.log).unwrap();
            let mut events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            found = events.find_map(|event| find(&event, field));
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// Waits until `/readyz` answers so, and gives the body.
    pub(crate) async fn readiness_is(&self, status: u16) -> Value {
        let mut body = Value::Null;
        until(&format!("/readyz is {status}"), async || {
            let (found, said) = self.get("/readyz").await.unwrap_or_else(|| panic!("{}", self.said()));
            body = said;
            found == status
        })
        .await;
        body
    }

    /// Waits until it says why an intake takes no more, and counts itself among those that `what` keeps from it; it is alive
    /// meanwhile.
    pub(crate) async fn is_closed(&self, intake: &str, what: &str, why: &str) {
        until(why, async || self.readiness_is(503).await["parts"].to_string().contains(why)).await;
        self.is_alive().await;
        let (_, metrics) = self.get("/metrics").await.unwrap();
        let closed = format!("langflix_intake_closed{{intake=\"{intake}\",why=\"{what}\"}} 1");
        assert!(metrics.as_str().unwrap().contains(&closed), "{metrics}");
    }

    /// Holds that it is alive.
    pub(crate) async fn is_alive(&self) {
        let (status, body) = self.get("/livez").await.unwrap_or_else(|| panic!("{}", self.said()));
        assert_eq!(status, 200, "{body}");
    }

    /// How many tasks it says it works on.
    pub(crate) async fn running(&self) -> usize {
        let (_, status) = self.get("/status").await.unwrap_or_else(|| panic!("{}", self.said()));
        status["running"].as_array().unwrap_or_else(|| panic!("{status}")).len()
    }

    /// Waits until it works on so many tasks.
    pub(crate) async fn works_on(&self, tasks: usize) {
        until(&format!("it works on {tasks} tasks"), async || self.running().await == tasks).await;
    }

    /// Tells it to end (SIGTERM) while it works on something; it says at once that it is not ready, and is alive.
    pub(crate) async fn is_told_to_end(&mut self) -> Instant {
        let told = Instant::now();
        self.process.terminate();
        until("it says that it ends", async || {
            self.readiness_is(503).await["parts"].to_string().contains("was told to end")
        })
        .await;
        self.is_alive().await;
        told
    }

    /// Halts it: its connections stay open, and it says nothing.
    pub(crate) fn pause(&self) {
        self.process.pause();
    }

    /// Tells it to end (SIGTERM) while it has nothing to do.
    pub(crate) fn is_told_to_rest(&mut self) -> Instant {
        self.process.terminate();
        Instant::now()
    }

    /// Holds that it ends well, not later than it may.
    pub(crate) async fn ends(&mut self, told: Instant) {
        let status = self.process.wait(PATIENCE).await;
        let lasted = told.elapsed();
        assert!(status.success(), "{status}: {}", self.said());
        assert!(lasted < self.drain + BEYOND_DRAIN + BUSY, "{lasted:?}: {}", self.said());
    }

    /// All that it said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

/// Holds that the program `path` is alive whatever its servers do, and ready just while they answer; `named` are the parts
/// that it waits for at its beginning.
pub(crate) async fn probes_tell_how_it_is(path: &str, named: [&str; 2]) {
    let town = Town::new().await;
    town.servers_are(Link::Refused);
    let mut program = town.start(path, Duration::from_secs(20), &[]);
    let waits_for = async |name: &str| {
        until(&format!("it waits for {name}"), async || {
            let body = program.readiness_is(503).await;
            let parts = body["parts"].as_array().unwrap();
            let part = parts.iter().find(|part| part["name"] == name);
            let why = part.and_then(|part| part["waits"].as_str());
            why.is_some_and(|why| why != "has not begun yet")
        })
        .await;
        program.is_alive().await;
    };
    for name in named {
        waits_for(name).await;
    }
    town.declare().await;
    town.servers_are(Link::Whole);
    program.readiness_is(200).await;
    program.is_alive().await;

    town.store_is(Link::Silent);
    let body = program.readiness_is(503).await;
    assert!(body["parts"].to_string().contains("no answer for 5s"), "{body}");
    program.is_alive().await;
    town.store_is(Link::Whole);
    program.readiness_is(200).await;

    town.servers_are(Link::Refused);
    let body = program.readiness_is(503).await;
    assert!(body["parts"].to_string().contains(".queue"), "{body}");
    program.is_alive().await;
    town.servers_are(Link::Whole);
    program.readiness_is(200).await;

    let told = program.is_told_to_rest();
    program.ends(told).await;
    let said = program.said();
    assert!(!said.contains(&town.s3.secret_key) && !said.contains("guest:guest"), "{said}");
}

/// A field of an event, wherever it stands.
fn find(event: &Value, name: &str) -> Option<String> {
    let found = event.get(name).or_else(|| event.get("fields")?.get(name))?;
    found.as_str().map(str::to_owned)
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
