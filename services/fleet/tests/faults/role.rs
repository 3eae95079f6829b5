//! A service as a process of its own: this test binary, started again with a role to play.

use std::{
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use langflix_encoding_worker::{Desk, S3Sources, Tools};
use langflix_fleet::{Servers, Service};
use langflix_llm::for_fleet;
use langflix_pipeline::InPlace;
use langflix_ports::media::SourceAccess;
use langflix_runtime::config::{Fallback, Needs};
use langflix_s3::{S3Store, Settings, Timeouts};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    asked::Asked,
    episode::{Stub, model},
    fatal::{Step, Twice, fatal},
    town::Town,
};

const ROLE: &str = "TEST_ROLE";
const STEP: &str = "TEST_STEP";
/// Set where every message is published twice.
pub(crate) const TWICE: &str = "TEST_TWICE";
/// The folder of the logs.
pub(crate) const LOGS: &str = "TEST_LOGS";
/// The log of what was encoded, and of what was asked.
pub(crate) const ENCODED: &str = "encoded";
pub(crate) const ASKED: &str = "asked";
/// What the clips of an encoder have, where they are to differ.
pub(crate) const MARK: &str = "TEST_ENCODER_MARK";
/// Set where sources come from the store, rather than from nowhere.
pub(crate) const COPIES: &str = "TEST_COPIES";
/// How long the store may take to answer, in milliseconds, where it is not the usual.
pub(crate) const STORE_WAITS_MS: &str = "TEST_STORE_WAITS_MS";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dispatcher,
    Analysis,
    Encoding,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Dispatcher, Self::Analysis, Self::Encoding];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dispatcher => "dispatcher",
            Self::Analysis => "analysis-worker",
            Self::Encoding => "encoding-worker",
        }
    }
}

/// Plays the role that the environment names; there is none where the tests are run.
#[test]
fn plays_its_role() {
    let Ok(name) = std::env::var(ROLE) else { return };
    let role = Role::ALL.into_iter().find(|role| role.name() == name).unwrap();
    let code =
        langflix_fleet::begin(role.name(), Needs::Servers, None, async |service: Service| play(role, service).await);
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}

async fn play(role: Role, service: Service) -> anyhow::Result<ExitCode> {
    let mut servers = Servers::of(&service.config, role.name())?;
    if let Ok(ms) = std::env::var(STORE_WAITS_MS) {
        let timeouts = Timeouts { answer: Duration::from_millis(ms.parse()?), ..Timeouts::default() };
        servers.store = Arc::new(S3Store::new(Settings { timeouts, ..langflix_fleet::s3(&service.config.s3) })?);
    }
    if !servers.wait(&service.health, &service.shutdown, role == Role::Dispatcher).await {
        return Ok(ExitCode::SUCCESS);
    }
    let mut ports = match std::env::var(STEP) {
        Ok(step) => fatal(servers.ports(), &Step::parse(&step)),
        Err(_) => servers.ports(),
    };
    if std::env::var_os(TWICE).is_some() {
        ports.queue = Arc::new(Twice(ports.queue));
    }
    match role {
        Role::Dispatcher => {
            let (health, shutdown) = (service.health.clone(), service.shutdown.clone());
            let keeping = servers.keep_topology(&health, &shutdown);
            Ok(tokio::join!(langflix_dispatcher::dispatch(service, ports), keeping).0)
        }
        Role::Analysis => {
            let asked = Arc::new(Asked { log: log(ASKED), model: model() });
            let model = servers.shared_model(&service.config, |settings, fleet| for_fleet(asked, settings, fleet));
            Ok(langflix_analysis_worker::analyse(service, ports, model).await)
        }
        Role::Encoding => {
            let mark = std::env::var(MARK).unwrap_or_default();
            let encoder = Stub { log: log(ENCODED), mark };
            let scratch = langflix_encoding_worker::scratch(&service.config)?;
            let slots = langflix_encoding_worker::in_software(&service.config);
            let desk = Desk::without_gpu(&service.config.gpu, Fallback::Software, slots, service.health.part("gpu"));
            let flights = Arc::new(servers.flights());
            let sources: Arc<dyn SourceAccess> = match std::env::var_os(COPIES) {
                Some(_) => Arc::new(S3Sources::new(servers.store, service.config.s3.bucket.clone(), scratch.clone())),
                None => Arc::new(InPlace),
            };
            let tools = Tools { encoder: Arc::new(encoder), sources, scratch, desk, flights };
            Ok(langflix_encoding_worker::encode(service, ports, tools).await)
        }
    }
}

fn log(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(LOGS).unwrap()).join(name)
}

/// A running service, killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    role: Role,
}

impl Process {
    pub(crate) fn start(town: &Town, role: Role, step: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "role::plays_its_role", "--nocapture"]).env(ROLE, role.name());
        command.envs(town.environment()).stdin(Stdio::null()).process_group(0);
        if let Some(step) = step {
            command.env(STEP, step);
        }
        Self { child: command.spawn().unwrap(), role }
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has stopped itself.
    pub(crate) async fn sleeps(&self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let sleeps = async {
            // The state is the first field after the name.
            while !std::fs::read_to_string(&stat).unwrap().rsplit(") ").next().unwrap().starts_with('T') {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), sleeps).await.unwrap();
    }

    /// Wakes it as often as it stops itself, tells it to end, and waits until it has: what it slept on is done then.
    pub(crate) async fn wakes_and_ends(&mut self) -> ExitStatus {
        self.send(Signal::TERM);
        let wake = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    break status;
                }
                self.send(Signal::CONT);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wake).await.unwrap()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let wait = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    break status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), wait).await;
        ended.unwrap_or_else(|_| panic!("the {} has not ended", self.role.name()))
    }

    pub(crate) async fn was_killed(&mut self) {
        let status = self.ended().await;
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "the {} ended otherwise: {status}", self.role.name());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
