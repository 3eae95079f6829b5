use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, Command, value_parser};
use langflix_runtime::{
    config::{FleetConfig, Needs},
    health::Health,
    service::{self, Crew},
    shutdown::Shutdown,
    worker::{End, Intake, Job},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A service as it begins.
pub struct Service {
    /// All that can be configured.
    pub config: FleetConfig,
    /// What it tells of itself.
    pub health: Health,
    /// When to end.
    pub shutdown: Shutdown,
}

/// Runs the service called `name`: reads its arguments, the configuration and the secrets that it needs, tells health, and
/// does `work` to its end.
pub fn run<W>(name: &'static str, needs: Needs, about: &'static str, work: impl FnOnce(Service) -> W) -> ExitCode
where
    W: Future<Output = anyhow::Result<ExitCode>>,
{
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Read settings from FILE instead of langflix.yaml");
    let after = after_help(name);
    let command = Command::new(name).version(VERSION).about(about).arg(config).after_help(after);
    begin(name, needs, command.get_matches().get_one::<PathBuf>("config").map(PathBuf::as_path), work)
}

fn after_help(name: &str) -> String {
    format!(
        "\
Examples:
  With the langflix.yaml of the folder that it is started in, secrets from the environment:
    RABBITMQ_PASSWORD=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… langflix-{name}
  With another file, and one setting that goes before the file's:
    LANGFLIX__FLEET__HEALTH_ADDRESS=127.0.0.1:8081 langflix-{name} --config /etc/langflix.yaml
  Whether it is ready, what it does, what it measures (fleet.health_address):
    curl http://127.0.0.1:8081/readyz http://127.0.0.1:8081/status http://127.0.0.1:8081/metrics

Settings come from langflix.yaml, then from variables such as LANGFLIX__S3__BUCKET, and secrets
from variables or files; the README of langflix-runtime lists them."
    )
}

/// Runs the service called `name` with the settings in the file `config`, or else in `langflix.yaml`, and the environment.
pub fn begin<W>(name: &'static str, needs: Needs, config: Option<&Path>, work: impl FnOnce(Service) -> W) -> ExitCode
where
    W: Future<Output = anyhow::Result<ExitCode>>,
{
    service::block_on(async move {
        // Dropped last, so that all that was done is told.
        let (config, _exporting) = service::begin(name, VERSION, config, needs)?;
        let shutdown = Shutdown::on_signals()?;
        let mut health = Health::new(name, VERSION);
        if config.common.telemetry.heap_profile {
            health = health.with_heap_profile().await;
        }
        let address = config.fleet.health_address;
        let listening = health.listen(address).await.map_err(|error| {
            anyhow::anyhow!("fleet.health_address {address}: {error}: give another port, or port 0 for any")
        })?;
        tracing::info!(service = name, version = VERSION, health = %listening.address(), "begins");
        let ended = work(Service { config, health, shutdown }).await;
        langflix_rabbitmq::farewell().await;
        ended
    })
}

/// Has `crew` take messages until it is told to end.
pub fn take<H, F>(crew: &mut Crew, health: &Health, shutdown: &Shutdown, intake: Intake, handler: H)
where
    H: Fn(Job) -> F + Send + Sync + 'static,
    F: Future<Output = End> + Send + 'static,
{
    let (name, health, shutdown) = (intake.name, health.clone(), shutdown.clone());
    crew.spawn(name, async move { intake.run(&health, &shutdown, handler).await });
}
