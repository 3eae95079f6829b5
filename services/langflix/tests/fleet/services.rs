//! The services as processes of their own: this test binary, started again as one of them.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use langflix_runtime::config::Needs;
use langflix_testkit::process::Process;

use crate::servers::{Fleet, SECRETS};

const SERVICE: &str = "TEST_SERVICE";
/// Longer than the machine is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// Becomes the service that the environment names; there is none where the tests are run.
#[test]
fn becomes_a_service() {
    let Ok(name) = std::env::var(SERVICE) else { return };
    let code = match name.as_str() {
        "dispatcher" => langflix_fleet::begin("dispatcher", Needs::Page, None, langflix_dispatcher::serve),
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

/// A service that runs, killed when this is dropped.
pub(crate) struct Service {
    process: Process,
    log: PathBuf,
}

impl Service {
    /// Starts one; what it keeps and says lies below `dir`.
    pub(crate) fn start(fleet: &Fleet, name: &str, dir: &Path) -> Self {
        Self::start_with(fleet, name, dir, |command| command)
    }

    /// Starts one by a command that `change` made of its own.
    pub(crate) fn start_with(fleet: &Fleet, name: &str, dir: &Path, change: impl FnOnce(Command) -> Command) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "services::becomes_a_service", "--nocapture"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(dir);
        fleet.configure(&mut command);
        command
            .env(SERVICE, name)
            .env("LANGFLIX__FLEET__HEALTH_ADDRESS", "127.0.0.1:0")
            .env("LANGFLIX__FLEET__SCRATCH_DIR", dir.join("scratch"))
            .env("LANGFLIX__FLEET__DRAIN_SECONDS", "20");
        let log = dir.join(format!("{name}.log"));
        Self { process: Process::start(&mut change(command), &log), log }
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Halts it, until it is to go on.
    pub(crate) fn pause(&self) {
        self.process.pause();
    }

    pub(crate) fn resume(&self) {
        self.process.resume();
    }

    /// Waits until it says this.
    pub(crate) async fn says(&self, text: &str) {
        let log = || std::fs::read_to_string(&self.log).unwrap();
        until(async || log().contains(text), || format!("{text:?} is not in {}", log())).await;
    }

    /// Tells it to end, which it does well, and has told no secret. Gives what it has told.
    pub(crate) async fn ends(mut self) -> String {
        self.process.terminate();
        let status = self.process.wait(PATIENCE).await;
        let log = std::fs::read_to_string(&self.log).unwrap();
        assert!(status.success(), "{status}: {log}");
        for secret in SECRETS {
            assert!(!log.contains(secret), "{secret:?} is told: {log}");
        }
        log
    }
}

/// The settings among a command's arguments, as a service gets them.
pub(crate) fn environment(arguments: &[String]) -> impl Iterator<Item = (String, String)> {
    let settings = arguments.iter().filter_map(|argument| argument.split_once('='));
    settings.map(|(key, value)| (format!("LANGFLIX__{}", key.replace('.', "__").to_uppercase()), value.to_owned()))
}

/// The command as another program runs it, which is told of it behind its own arguments.
pub(crate) fn run_by(program: &[&str], command: &Command) -> Command {
    let mut whole = Command::new(program[0]);
    whole.args(&program[1..]).arg(command.get_program()).args(command.get_args()).env_clear();
    whole.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(dir) = command.get_current_dir() {
        whole.current_dir(dir);
    }
    whole
}

/// Waits until something holds.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool, otherwise: impl Fn() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "{}", otherwise());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
