//! Servers of one's own for a fleet, and what must be true when its work is done.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use langflix_domain::{Digest, EncodedClip, Lane, Manifest, RunId, Stage};
use langflix_fleet::Servers;
use langflix_pipeline::{RunRequest, fleet::submit, outcomes};
use langflix_ports::{queue::Queue, store::ArtifactStore};
use langflix_runtime::config::{FleetConfig, Needs, Sources};
use langflix_testkit::servers::{self, Rabbit, Redis, S3};
use rustix::process::Signal;

use crate::{
    episode::{text, undisturbed},
    fatal::Twice,
    role::{self, Process, Role},
};

const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Town {
    pub(crate) rabbit: Rabbit,
    pub(crate) redis: Redis,
    pub(crate) s3: S3,
    dir: tempfile::TempDir,
    /// What a test sets for the services besides; it goes before.
    pub(crate) more: Vec<(String, String)>,
}

impl Town {
    pub(crate) async fn new() -> Self {
        let (rabbit, redis, s3) = tokio::join!(servers::rabbitmq(), servers::redis(), servers::s3());
        Self { rabbit, redis, s3, dir: tempfile::tempdir().unwrap(), more: Vec::new() }
    }

    /// What the services are told.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.settings().into_iter().chain(self.more.iter().cloned()).collect()
    }

    fn settings(&self) -> Vec<(String, String)> {
        let amqp = self.rabbit.url.replacen("guest:guest@", "", 1);
        let settings = [
            ("LANGFLIX__RABBITMQ__URL", amqp.as_str()),
            ("LANGFLIX__REDIS__URL", &self.redis.url),
            ("LANGFLIX__S3__ENDPOINT", &self.s3.endpoint),
            ("LANGFLIX__S3__BUCKET", &self.s3.bucket),
            ("LANGFLIX__S3__REGION", &self.s3.region),
            ("LANGFLIX__S3__PATH_STYLE", "true"),
            ("AWS_ACCESS_KEY_ID", &self.s3.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.s3.secret_key),
            ("LANGFLIX__FLEET__HEALTH_ADDRESS", "127.0.0.1:0"),
            ("LANGFLIX__FLEET__SILENCE_SECONDS", "20"),
            ("LANGFLIX__FLEET__DRAIN_SECONDS", "20"),
            ("LANGFLIX__PROCESSING__MAX_CONCURRENT_JOBS", "2"),
            ("LANGFLIX__LLM__PROVIDER", "offline"),
            ("LANGFLIX__FLEET__SCRATCH_DIR", self.dir.path().to_str().unwrap()),
            // Far more than are sent: what is wanted is that they are counted.
            ("LANGFLIX__LLM__REQUESTS_PER_MINUTE", "60000"),
            (role::LOGS, self.dir.path().to_str().unwrap()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        settings.into()
    }

    /// The lines of a log.
    fn log(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Each clip that was encoded, as often as it was.
    pub(crate) fn encoded(&self) -> Vec<String> {
        self.log(role::ENCODED)
    }

    /// Holds that so many clips were encoded, and none twice.
    pub(crate) fn encoded_once(&self, clips: usize) {
        self.encoded_again(clips, &[], 0);
    }

    /// The clips of a run that have their outcome.
    pub(crate) async fn recorded(&self, run: &RunId) -> Vec<String> {
        let recorded = outcomes::<EncodedClip>(self.servers().store.as_ref(), run, Stage::Encoding).await.unwrap();
        recorded.keys().map(ToString::to_string).collect()
    }

    /// Holds that so many clips were encoded, those named once, and the others no more than so many times more.
    pub(crate) fn encoded_again(&self, clips: usize, once: &[String], more: usize) {
        let encoded = self.encoded();
        let times = |clip: &String| encoded.iter().filter(|other| *other == clip).count();
        assert!(once.iter().all(|clip| times(clip) == 1), "{once:?}: {encoded:?}");
        let each: BTreeSet<&String> = encoded.iter().collect();
        assert_eq!(each.len(), clips, "{encoded:?}");
        assert!((clips..=clips + more).contains(&encoded.len()), "of {clips} clips: {encoded:?}");
    }

    /// Holds that something was asked, and nothing twice.
    pub(crate) fn asked_once(&self) {
        let asked = self.log(role::ASKED);
        let each: BTreeSet<&String> = asked.iter().collect();
        assert!(!asked.is_empty() && asked.len() == each.len(), "{asked:?}");
    }

    /// Waits until a task of a queue waits to be tried again.
    pub(crate) async fn waits(&self, queue: &str) {
        let (servers, began, waits) = (self.servers(), Instant::now(), format!("{queue}.wait."));
        let waiting = |(name, count): (&String, &langflix_rabbitmq::Count)| name.starts_with(&waits) && count.ready > 0;
        while !servers.queue.counts().await.unwrap().iter().any(waiting) {
            assert!(began.elapsed() < PATIENCE, "nothing waits in {waits}*");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The servers as the test reaches them, whatever lies between them and the services.
    pub(crate) fn servers(&self) -> Servers {
        let sources = Sources { environment: self.settings(), ..Sources::default() };
        let config = FleetConfig::load(&sources, Needs::Servers).unwrap_or_else(|faults| panic!("{faults}"));
        Servers::of(&config, "test").unwrap()
    }

    pub(crate) fn start(&self, roles: impl IntoIterator<Item = Role>) -> Vec<Process> {
        roles.into_iter().map(|role| Process::start(self, role, None)).collect()
    }

    pub(crate) async fn submit(&self, asked: &RunRequest) -> RunId {
        let servers = self.servers();
        servers.queue.apply_topology().await.unwrap();
        let mut queue: Arc<dyn Queue> = servers.queue;
        if self.more.iter().any(|(name, _)| name == role::TWICE) {
            queue = Arc::new(Twice(queue));
        }
        submit(servers.store.as_ref(), queue.as_ref(), asked, Lane::Bulk, None).await.unwrap().0
    }

    /// Waits for the manifest of a run.
    pub(crate) async fn manifest(&self, run: &RunId) -> Manifest {
        let (store, key, began) = (self.servers().store, format!("runs/{run}/manifest.json"), Instant::now());
        loop {
            if let Some(bytes) = store.get(&key).await.unwrap() {
                return serde_json::from_slice(&bytes).unwrap();
            }
            assert!(began.elapsed() < PATIENCE, "{run} has no manifest: {:?}", store.list("").await.unwrap());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until one more task has its outcome.
    pub(crate) async fn moves_on(&self) {
        let store = self.servers().store;
        let outcomes = async || {
            let keys = store.list("runs/").await.unwrap();
            keys.iter().filter(|key| key.contains("/outcomes/")).count()
        };
        let (before, began) = (outcomes().await, Instant::now());
        while outcomes().await <= before {
            assert!(began.elapsed() < PATIENCE, "nothing has come behind {before} outcomes");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Holds that a run is unfinished.
    pub(crate) async fn is_underway(&self) {
        assert!(self.has_open_runs().await, "all runs have ended already");
    }

    /// Whether a run is unfinished.
    pub(crate) async fn has_open_runs(&self) -> bool {
        !self.servers().store.list("open/").await.unwrap().is_empty()
    }

    /// Holds that the run came out as if nothing had happened, with nothing open and nothing left in a queue.
    pub(crate) async fn is_well(&self, asked: &RunRequest) -> Manifest {
        let manifest = self.came_out(asked).await;
        self.is_empty(&[]).await;
        manifest
    }

    /// Holds that the run came out as if nothing had happened: the same manifest, and each recorded clip the one that is
    /// stored.
    pub(crate) async fn came_out(&self, asked: &RunRequest) -> Manifest {
        let run = asked.run().unwrap();
        let manifest = self.manifest(&run).await;
        assert_eq!(text(&manifest), text(&undisturbed(asked).await));
        let store = self.servers().store;
        for (task, recorded) in outcomes::<EncodedClip>(store.as_ref(), &run, Stage::Encoding).await.unwrap() {
            let stored = store.get(&format!("clips/{task}/clip.json")).await.unwrap().unwrap();
            let clip: EncodedClip = serde_json::from_slice(&stored).unwrap();
            for (name, blob) in &clip.blobs {
                let stored = store.get(&format!("clips/{task}/{name}")).await.unwrap().unwrap();
                assert_eq!(Digest::of_bytes(&stored), blob.sha256, "{name} of {task} is another");
            }
            assert_eq!(recorded.result(), Some(&clip));
        }
        manifest
    }

    /// Waits until nothing is open and no message is left but in the queues named.
    pub(crate) async fn is_empty(&self, but: &[&str]) {
        let (servers, began) = (self.servers(), Instant::now());
        loop {
            let open = servers.store.list("open/").await.unwrap();
            let counts = servers.queue.counts().await.unwrap();
            let left: BTreeSet<(&String, u32)> =
                counts.iter().filter(|(_, count)| count.ready > 0).map(|(name, count)| (name, count.ready)).collect();
            let left: Vec<_> = left.into_iter().filter(|(name, _)| !but.contains(&name.as_str())).collect();
            if open.is_empty() && left.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "open: {open:?}, in queues: {left:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Holds that all runs came out as if nothing had happened and that the services leave nothing in a queue; gives the
    /// number of clips.
    pub(crate) async fn ends_well(&self, running: Vec<Process>, asked: &[RunRequest]) -> usize {
        let mut clips = 0;
        for one in asked {
            clips += self.is_well(one).await.clips.len();
        }
        self.rests(running, &[]).await;
        clips
    }

    /// Tells the services to end and holds that nothing lies in a queue then but in those named: a message that was taken
    /// and never settled is back in its queue as soon as whoever took it is gone.
    pub(crate) async fn rests(&self, running: Vec<Process>, but: &[&str]) {
        self.end(running).await;
        let (queue, began) = (self.servers().queue, Instant::now());
        let counts = loop {
            let counts = queue.counts().await.unwrap();
            if counts.values().all(|count| count.consumers == 0) {
                break counts;
            }
            if began.elapsed() > PATIENCE {
                panic!("somebody still takes messages: {:#?}", self.broker().list("consumers").await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let left = counts.iter().filter(|(name, count)| count.ready > 0 && !but.contains(&name.as_str()));
        assert_eq!(left.collect::<Vec<_>>(), []);
    }

    pub(crate) async fn end(&self, mut running: Vec<Process>) {
        running.iter().for_each(|process| process.send(Signal::TERM));
        for process in &mut running {
            let status = process.ended().await;
            assert!(status.success(), "{status}");
        }
    }

    /// Has the broker close the connections of the services whose name contains `service`, one at least.
    pub(crate) async fn cut_connections(&self, service: &str) {
        let (broker, began) = (self.broker(), Instant::now());
        let vhost = self.rabbit.vhost.replace('/', "%2F");
        loop {
            let listed = broker.list(&format!("vhosts/{vhost}/connections")).await;
            let named = |connection: &&serde_json::Value| {
                connection["user_provided_name"].as_str().is_some_and(|name| name.contains(service))
            };
            let found: Vec<&str> = listed.iter().filter(named).filter_map(|found| found["name"].as_str()).collect();
            for name in &found {
                let mut at = broker.0.join("connections/").unwrap();
                at.path_segments_mut().unwrap().pop_if_empty().push(name);
                // It may be gone by now.
                let _gone = reqwest::Client::new().delete(at).send().await.unwrap();
            }
            if !found.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the broker knows of no connection of {service:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// On which nodes the queues have their leaders, once each tells.
    pub(crate) async fn leaders(&self) -> BTreeSet<String> {
        let (broker, began) = (self.broker(), Instant::now());
        loop {
            let queues = broker.list("queues").await;
            let leaders: Option<BTreeSet<String>> =
                queues.iter().map(|queue| Some(queue["leader"].as_str()?.to_owned())).collect();
            match leaders {
                Some(leaders) if !leaders.is_empty() => return leaders,
                _ => assert!(began.elapsed() < PATIENCE, "{queues:#?}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Deletes queues, which are missing then.
    pub(crate) async fn delete_queues(&self, queues: &[&str]) {
        let vhost = self.rabbit.vhost.replace('/', "%2F");
        for queue in queues {
            let at = self.broker().0.join(&format!("queues/{vhost}/{queue}")).unwrap();
            reqwest::Client::new().delete(at).send().await.unwrap().error_for_status().unwrap();
        }
    }

    /// Waits until all queues are there.
    pub(crate) async fn has_queues(&self) {
        let (queue, began) = (self.servers().queue, Instant::now());
        while let Err(error) = queue.counts().await {
            assert!(began.elapsed() < PATIENCE, "{error}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn broker(&self) -> Broker {
        Broker(reqwest::Url::parse(&self.rabbit.api).unwrap().join("/api/").unwrap())
    }

    pub(crate) async fn flush_redis(&self) {
        let client = redis::Client::open(self.redis.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let _flushed: redis::Value = redis::cmd("FLUSHDB").query_async(&mut connection).await.unwrap();
    }
}

/// The broker's management API, with the user and the password in its URL.
struct Broker(reqwest::Url);

impl Broker {
    async fn list(&self, what: &str) -> Vec<serde_json::Value> {
        reqwest::get(self.0.join(what).unwrap()).await.unwrap().json().await.unwrap()
    }
}
