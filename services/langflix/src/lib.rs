#![doc = include_str!("../README.md")]

mod cli;
mod inspect;
pub mod pages;
mod progress;
mod run;
mod show;

use std::{future::Future, process::ExitCode, time::Duration};

use clap::Parser as _;
use langflix_domain::EpisodeStatus;
use langflix_runtime::{
    config::{Config, Flag, Sources},
    telemetry::{self, Verbosity},
};
use tokio::signal::unix::{SignalKind, signal};

use cli::{Cli, Command, ConfigCommand};

const PARTIAL: u8 = 2;
/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;
/// What is still written when a run is stopped gets this long to end.
const GRACE: Duration = Duration::from_millis(500);

/// The command line does not say what to do, or the configuration not how.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Runs the program with this process's arguments, environment and streams.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _gone = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let verbosity = if cli.verbose { Verbosity::Verbose } else { Verbosity::Normal };
    let filter = std::env::var("RUST_LOG").ok();
    if let Err(error) = telemetry::init(&telemetry::Settings::for_stderr(verbosity, filter, false)) {
        eprintln!("error: {error}");
        return USAGE.into();
    }
    let config = match Config::load(&Sources::of_process(cli.config.as_deref(), flags(&cli))) {
        Ok(config) => config,
        Err(faults) => {
            faults.0.iter().for_each(|fault| eprintln!("error: {fault}"));
            return USAGE.into();
        }
    };
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(unless_stopped(dispatch(&cli.command, &config)));
    runtime.shutdown_timeout(GRACE);
    code
}

async fn dispatch(command: &Command, config: &Config) -> ExitCode {
    let ended = match command {
        Command::Run(args) => run::run(args, config).await,
        Command::Inspect(args) => inspect::inspect(args, config).await,
        Command::Config { command: ConfigCommand::Show { json } } => show::show(config, *json),
    };
    match ended {
        Ok(EpisodeStatus::Complete) => ExitCode::SUCCESS,
        Ok(EpisodeStatus::Partial) => PARTIAL.into(),
        Ok(EpisodeStatus::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<Usage>() { USAGE.into() } else { ExitCode::FAILURE }
        }
    }
}

/// Ends with `work`, or drops it as soon as the process is told to stop: children are killed with it, and what was
/// recorded stays.
async fn unless_stopped(work: impl Future<Output = ExitCode>) -> ExitCode {
    let stopped = |kind: SignalKind| async move {
        match signal(kind) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        code = work => code,
        _ = stopped(SignalKind::interrupt()) => interrupted(SignalKind::interrupt()),
        _ = stopped(SignalKind::terminate()) => interrupted(SignalKind::terminate()),
        _ = stopped(SignalKind::hangup()) => interrupted(SignalKind::hangup()),
    }
}

/// The exit code that shells use for a program that a signal ended.
fn interrupted(kind: SignalKind) -> ExitCode {
    eprintln!("stopped: the same command again goes on from here");
    ExitCode::from(128 + u8::try_from(kind.as_raw_value()).unwrap_or_default())
}

/// `1 clip`, `2 clips`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn flags(cli: &Cli) -> Vec<Flag> {
    let own = match &cli.command {
        Command::Run(args) => args.settings(),
        Command::Inspect(_) | Command::Config { .. } => Vec::new(),
    };
    let own = own.into_iter().map(|(key, value, flag)| Flag { key: key.to_owned(), value, label: flag.to_owned() });
    let set = cli.set.iter().map(|(key, value)| Flag {
        key: key.clone(),
        value: value.clone(),
        label: format!("--set {key}"),
    });
    own.chain(set).collect()
}
