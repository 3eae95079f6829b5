//! The services as programs of their own, and what a test finds in their store and queues.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::PathBuf, process::ExitCode, time::Duration};

use langflix_ports::queue::{Message, Name, Place, Queue as _};
use langflix_runtime::config::Needs;
use serde_json::Value;

use crate::program::{Program, Town};

const PROGRAM: &str = env!("CARGO_BIN_EXE_langflix-dispatcher");
const SERVICE: &str = "TEST_SERVICE";
const DRAIN: Duration = Duration::from_secs(20);
/// What whoever acts has to give.
pub(crate) const TOKEN: &str = "a-token-that-is-hard-to-guess";

/// Becomes the service that the environment names; there is none where the tests are run.
#[test]
fn becomes_a_service() {
    let Ok(name) = std::env::var(SERVICE) else { return };
    let code = match name.as_str() {
        "analysis-worker" => {
            langflix_fleet::begin("analysis-worker", Needs::Model, None, langflix_analysis_worker::serve)
        }
        "encoding-worker" => {
            langflix_fleet::begin("encoding-worker", Needs::Servers, None, langflix_encoding_worker::serve)
        }
        other => panic!("there is no service {other}"),
    };
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}

/// A fleet on servers of its own.
pub(crate) struct Fleet {
    pub(crate) town: Town,
    /// No program runs in it.
    beside: tempfile::TempDir,
}

/// A dispatcher that serves its page.
pub(crate) struct Dispatcher {
    pub(crate) url: String,
    port: u16,
    pub(crate) program: Program,
}

impl Fleet {
    pub(crate) async fn new() -> Self {
        let fleet = Self { town: Town::new().await, beside: tempfile::tempdir().unwrap() };
        fleet.town.declare().await;
        fleet
    }

    /// Starts a dispatcher through whose page whoever has the token may act.
    pub(crate) async fn dispatcher(&self) -> Dispatcher {
        let token = self.beside.path().join("token");
        fs::write(&token, TOKEN).unwrap();
        self.dispatcher_at(free_port(), &[("LANGFLIX__WEB__ACTION_TOKEN_FILE", token.to_str().unwrap())]).await
    }

    /// Starts one through whose page nobody can act.
    pub(crate) async fn onlooker(&self) -> Dispatcher {
        self.dispatcher_at(free_port(), &[]).await
    }

    /// Kills a dispatcher; what is given is where it was.
    pub(crate) fn kill(&self, dispatcher: Dispatcher) -> u16 {
        dispatcher.port
    }

    pub(crate) async fn dispatcher_at(&self, port: u16, more: &[(&str, &str)]) -> Dispatcher {
        let address = format!("127.0.0.1:{port}");
        let settings = [&[("LANGFLIX__WEB__ADDRESS", address.as_str())], more].concat();
        let program = self.town.start(PROGRAM, DRAIN, &settings);
        program.readiness_is(200).await;
        Dispatcher { url: format!("http://{address}/"), port, program }
    }

    /// Starts a worker of this name.
    pub(crate) fn worker(&self, name: &str) -> Program {
        let path = self.beside.path().join(name);
        let test = std::env::current_exe().unwrap();
        let script = format!("#!/bin/sh\nexec '{}' --exact fleet::becomes_a_service --nocapture\n", test.display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.town.start(path.to_str().unwrap(), DRAIN, &[(SERVICE, name)])
    }

    /// Sets a message aside that was tried before.
    pub(crate) async fn park(&self, name: Name, body: Vec<u8>, reason: &str) {
        let queue = self.town.servers().queue;
        queue.publish(name, &Message { attempt: 4, ..Message::new(body) }).await.unwrap();
        let mut consumer = queue.consume(Place::Work(name), 1).await.unwrap();
        consumer.next().await.unwrap().bury(reason).await.unwrap();
        consumer.cancel().await.unwrap();
    }

    /// How many messages lie on a queue.
    pub(crate) async fn lying(&self, queue: &str) -> u32 {
        self.town.servers().queue.counts().await.unwrap().get(queue).map_or(0, |count| count.ready)
    }

    /// Writes over what lies in the bucket, which the store's own adapter never does.
    pub(crate) async fn put(&self, key: &str, content: &Value) {
        let (client, body) = (self.town.s3.client(), serde_json::to_vec(content).unwrap());
        client.put_object().bucket(&self.town.s3.bucket).key(key).body(body.into()).send().await.unwrap();
    }

    /// A file by which a script and this test tell one another that they have got so far.
    pub(crate) fn signal(&self, name: &str) -> Signal {
        Signal(self.beside.path().join(name))
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) struct Signal(PathBuf);

impl Signal {
    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Waits for it, as long as the script is waited for.
    pub(crate) async fn comes(&self) {
        while !self.0.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn give(&self) {
        fs::write(&self.0, "").unwrap();
    }
}
