//! The servers of one test, and the program that is told of them.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use langflix_pipeline::fleet::Requests;
use langflix_ports::{
    queue::{Name, Place, Queue as _},
    store::ArtifactStore as _,
};
use langflix_rabbitmq::RabbitQueue;
use langflix_s3::S3Store;
use langflix_testkit::servers::{self, Rabbit, Redis, S3};

use crate::support::{Said, langflix, said};

/// What no command may print.
pub(crate) const SECRETS: [&str; 2] = ["SK", "X-Amz-Signature"];

/// A fleet's servers, its queues declared.
pub(crate) struct Fleet {
    pub(crate) rabbit: Rabbit,
    pub(crate) redis: Redis,
    pub(crate) s3: S3,
    pub(crate) queue: RabbitQueue,
    pub(crate) store: S3Store,
    /// What its dispatchers have read.
    pub(crate) requests: Requests,
}

impl Fleet {
    pub(crate) async fn new() -> Self {
        let fleet = Self::bare().await;
        fleet.queue.apply_topology().await.unwrap();
        fleet
    }

    /// Without a queue.
    pub(crate) async fn bare() -> Self {
        let (rabbit, redis, s3) = tokio::join!(servers::rabbitmq(), servers::redis(), servers::s3());
        let queue = RabbitQueue::new(langflix_rabbitmq::Settings {
            url: without_user(&rabbit.url),
            username: "guest".to_owned(),
            password: "guest".to_owned(),
            ca_pem: None,
            name: "test".to_owned(),
        });
        let store = S3Store::new(langflix_s3::Settings {
            endpoint: Some(s3.endpoint.clone()),
            bucket: s3.bucket.clone(),
            region: s3.region.clone(),
            path_style: true,
            credentials: langflix_s3::Credentials {
                access_key: s3.access_key.clone(),
                secret_key: s3.secret_key.clone(),
                session_token: None,
            },
            ca_pem: None,
            timeouts: langflix_s3::Timeouts::default(),
        });
        Self { rabbit, redis, s3, queue: queue.unwrap(), store: store.unwrap(), requests: Requests::default() }
    }

    /// The program, configured for these servers.
    pub(crate) fn langflix(&self, args: &[&str]) -> Command {
        let mut command = langflix(args);
        self.configure(&mut command);
        command
    }

    /// Tells a program of these servers.
    pub(crate) fn configure(&self, command: &mut Command) {
        command
            .env("LANGFLIX__RABBITMQ__URL", without_user(&self.rabbit.url))
            .env("LANGFLIX__REDIS__URL", &self.redis.url)
            .env("LANGFLIX__S3__ENDPOINT", &self.s3.endpoint)
            .env("LANGFLIX__S3__BUCKET", &self.s3.bucket)
            .env("LANGFLIX__S3__PATH_STYLE", "true")
            .env("AWS_ACCESS_KEY_ID", &self.s3.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &self.s3.secret_key)
            // A model that needs no network, and none that a key of this machine would choose.
            .env("LANGFLIX__LLM__PROVIDER", "offline")
            .env("LANGFLIX__VIDEO__QUALITY", "fast");
    }

    /// What a command says, which is never a secret.
    pub(crate) fn said(&self, args: &[&str]) -> Said {
        let said = said(&mut self.langflix(args));
        for secret in SECRETS {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:#?}");
        }
        assert!(!said.err.contains("panicked"), "{said:#?}");
        said
    }

    /// What a command says that ends with 0.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let said = self.said(args);
        assert_eq!(said.code, Some(0), "{said:#?}");
        said.out
    }

    /// Submits episodes for a Korean-speaking learner.
    pub(crate) fn ingest(&self, path: &Path, more: &[&str]) -> Said {
        let path = path.to_str().unwrap();
        self.said(&[&["ingest", path, "--language", "ko", "--max-expressions", "2"], more].concat())
    }

    /// The keys that begin so.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        self.store.list(prefix).await.unwrap()
    }

    /// What lies in queues that are not empty.
    pub(crate) async fn lying(&self) -> BTreeMap<String, u32> {
        let counts = self.queue.counts().await.unwrap();
        counts.into_iter().filter(|(_, count)| count.ready > 0).map(|(name, count)| (name, count.ready)).collect()
    }

    /// Waits until just this lies in the queues: a quorum queue counts what came back to it a moment later.
    pub(crate) async fn expect_lying(&self, expected: &[(&str, u32)]) {
        let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.lying().await != expected {
            assert!(Instant::now() < deadline, "{:?} instead of {expected:?}", self.lying().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The bodies of so many messages of a work queue, which are gone from it then.
    pub(crate) async fn drain(&self, name: Name, count: usize) -> Vec<Vec<u8>> {
        let mut consumer = self.queue.consume(Place::Work(name), 1).await.unwrap();
        let mut bodies = Vec::new();
        for _ in 0..count {
            let delivery = consumer.next().await.unwrap();
            bodies.push(delivery.message.body.clone());
            delivery.ack().await.unwrap();
        }
        bodies
    }
}

pub(crate) fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
}
