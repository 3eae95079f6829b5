//! Servers of a test's own, for it to stop, start, kill and pause.
//!
//! Each keeps its ports and its folder as long as its handle lives, and is gone with it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{Ports, http};
use crate::process::Process;

/// Starting takes a fifth of this on a busy machine with two cores.
const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(30);
/// The secret that RabbitMQ's nodes and tools share.
const COOKIE: &str = "langflix";

/// A Redis server; what it holds is lost when it ends.
#[derive(Debug)]
pub struct Redis {
    /// `redis://host:port`.
    pub url: String,
    /// What is started and stopped.
    pub server: Server,
}

/// A RabbitMQ node with the management plugin; its durable queues outlive its restarts.
#[derive(Debug)]
pub struct Rabbit {
    /// `amqp://user:password@host:port`, with the virtual host `/`.
    pub url: String,
    /// `http://user:password@host:port`, of the management API.
    pub api: String,
    /// What is started and stopped.
    pub server: Server,
    /// By which Erlang's nodes find each other; none finds this one if it is in no cluster.
    _mapper: Arc<Server>,
}

impl Rabbit {
    /// Has `rabbitmqctl` do something with the node, which is in no cluster.
    ///
    /// # Panics
    /// Where it does not.
    pub fn ctl(&self, command: &[&str]) {
        // Nodes are reached at the third of a node's ports, where no port mapper is asked.
        let straight = format!("-start_epmd false -dist_listen false -erl_epmd_port {}", self.server.ports.port(2));
        let mut ctl = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
        ctl.env("RABBITMQ_CTL_ERL_ARGS", straight);
        ctl.args(["--node", "langflix@localhost", "--erlang-cookie", COOKIE]);
        let output = ctl.args(command).output().unwrap_or_else(|error| panic!("rabbitmqctl: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    }

    /// How often it has closed the channel of whoever kept a message too long.
    ///
    /// # Panics
    /// Where its log cannot be read.
    #[must_use]
    pub fn closed_channels(&self) -> usize {
        let path = self.server.folder.path().join("log/langflix@localhost.log");
        let log = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        log.matches("has timed out waiting for delivery acknowledgement").count()
    }

    /// From now on it closes the channel of whoever keeps a message for so long without settling it.
    ///
    /// # Panics
    /// Where it does not take that.
    pub fn close_channels_after(&self, limit: Duration) {
        let settings = [("consumer_timeout", limit.as_millis()), ("channel_tick_interval", 500)]
            .map(|(name, value)| format!("ok = application:set_env(rabbit, {name}, {value})"));
        self.ctl(&["eval", &format!("{}.", settings.join(", "))]);
    }
}

/// Starts a Redis server.
///
/// # Panics
/// Where it does not start.
pub async fn redis() -> Redis {
    let (folder, ports) = (folder(), Ports::claim());
    let port = ports.port(0);
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(folder.path());
    let mut server = Server { process: None, command, sign: Sign::Listens(port), folder, ports };
    server.start().await;
    Redis { url: format!("redis://127.0.0.1:{port}"), server }
}

/// Starts a RabbitMQ node. `settings` are lines of `rabbitmq.conf` that override those of `scripts/lib/rabbitmq-node`.
///
/// [`Ports::claim`] gives ports for further listeners.
///
/// # Panics
/// Where it does not start.
pub async fn rabbitmq(settings: &str) -> Rabbit {
    let mut node = node("langflix", settings, port_mapper().await);
    node.server.start().await;
    node
}

/// Starts nodes of RabbitMQ that form a cluster, in which `settings` hold for each. Each may be stopped apart from the
/// others.
///
/// # Panics
/// Where one does not start.
pub async fn rabbitmq_cluster(nodes: usize, settings: &str) -> Vec<Rabbit> {
    let mapper = port_mapper().await;
    let mut settings = format!("{settings}\ncluster_formation.peer_discovery_backend = classic_config\n");
    for number in 1..=nodes {
        settings += &format!("cluster_formation.classic_config.nodes.{number} = node{number}@localhost\n");
    }
    let mut nodes: Vec<Rabbit> =
        (1..=nodes).map(|number| node(&format!("node{number}"), &settings, mapper.clone())).collect();
    for node in &mut nodes {
        node.server.launch();
    }
    for node in &mut nodes {
        node.server.ready().await;
    }
    nodes
}

/// A node that is yet to be started.
fn node(name: &str, settings: &str, mapper: Arc<Server>) -> Rabbit {
    let (folder, ports) = (folder(), Ports::claim());
    write(&folder.path().join("conf.d/test.conf"), settings);
    // Nodes talk to those that have the same secret.
    let cookie = folder.path().join("home/.erlang.cookie");
    write(&cookie, COOKIE);
    let private = fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400));
    private.unwrap_or_else(|error| panic!("{}: {error}", cookie.display()));
    let [amqp, management, distribution] = [0, 1, 2].map(|number| ports.port(number));
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lib/rabbitmq-node"));
    command.arg(name).arg(folder.path());
    command.args([amqp, management, distribution, mapper.ports.port(0)].map(|port| port.to_string()));
    let api = format!("http://guest:guest@127.0.0.1:{management}");
    // The management API is up some time before clients are let in.
    let sign = Sign::Answers(format!("{api}/api/health/checks/port-listener/{amqp}"));
    let server = Server { process: None, command, sign, folder, ports };
    Rabbit { url: format!("amqp://guest:guest@127.0.0.1:{amqp}"), api, server, _mapper: mapper }
}

async fn port_mapper() -> Arc<Server> {
    let (folder, ports) = (folder(), Ports::claim());
    let mut command = Command::new("epmd");
    command.args(["-address", "127.0.0.1", "-port", &ports.port(0).to_string()]);
    let mut mapper = Server { process: None, command, sign: Sign::Listens(ports.port(0)), folder, ports };
    mapper.start().await;
    Arc::new(mapper)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for a server: {error}"))
}

fn write(path: &Path, text: &str) {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A server that may be started again, on the same ports and in the same folder.
#[derive(Debug)]
pub struct Server {
    /// The first field, for it must end before the folder is deleted and the ports are free for others.
    process: Option<Process>,
    command: Command,
    sign: Sign,
    folder: TempDir,
    ports: Ports,
}

/// By what one knows that a server is up.
#[derive(Debug)]
enum Sign {
    Listens(u16),
    Answers(String),
}

impl Server {
    /// Starts it, and waits until it is up.
    ///
    /// # Panics
    /// Where it runs, or does not start.
    pub async fn start(&mut self) {
        self.launch();
        self.ready().await;
    }

    /// Stops it in order (SIGTERM), and waits until it has ended.
    ///
    /// # Panics
    /// Where it does not run, or does not end.
    pub async fn stop(&mut self) {
        let process = self.process();
        process.terminate();
        process.wait(STOP).await;
        self.process = None;
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Halts it (SIGSTOP): its connections stay open, and nothing answers.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn pause(&mut self) {
        self.process().pause();
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Panics
    /// Where it does not run.
    pub fn resume(&mut self) {
        self.process().resume();
    }

    fn launch(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        self.process = Some(Process::start(&mut self.command, self.folder.path().join("out")));
    }

    async fn ready(&mut self) {
        let until = Instant::now() + START;
        while !self.sign.shows().await {
            let process = self.process();
            assert!(process.ended().is_none(), "the server has ended: {}", process.output());
            assert!(Instant::now() < until, "the server is not up after {START:?}: {}", process.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().unwrap_or_else(|| panic!("the server does not run"))
    }
}

impl Sign {
    async fn shows(&self) -> bool {
        match self {
            Self::Listens(port) => TcpStream::connect(("127.0.0.1", *port)).await.is_ok(),
            Self::Answers(url) => http().get(url).send().await.is_ok_and(|answer| answer.status().is_success()),
        }
    }
}
