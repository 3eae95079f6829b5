#![doc = include_str!("../README.md")]

mod bench;
mod cli;
mod fleet;
mod inspect;
pub mod pages;
mod plan;
mod progress;
mod run;
mod say;
mod show;

use std::{
    future::Future,
    process::ExitCode,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use clap::Parser as _;
use langflix_domain::EpisodeStatus;
use langflix_llm::BuildError;
use langflix_runtime::{
    config::{Config, Faults, Flag, FleetConfig, Needs, Sources},
    telemetry::{self, Export, Verbosity},
};
use tokio::signal::unix::{SignalKind, signal};

use cli::{Cli, Command, ConfigCommand, Output};

const PARTIAL: u8 = 2;
/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;
/// What is still written when a run is stopped gets this long to end.
const GRACE: Duration = Duration::from_millis(500);

/// The command line does not say what to do, or the configuration not how.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Several things are wrong, each of which is said.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub(crate) struct Several(pub(crate) Vec<String>);

/// Runs the program with this process's arguments, environment and streams.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _gone = error.print();
            if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
                // What clap says of it goes on with advice on lines of its own.
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
                let _unread = say::out!("{}", serde_json::json!({ "event": "failed", "error": first }));
            }
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let output = cli.command.output();
    let verbosity = match output {
        _ if cli.verbose => Verbosity::Verbose,
        Output::Quiet => Verbosity::Quiet,
        Output::Text | Output::Json => Verbosity::Normal,
    };
    let filter = std::env::var("RUST_LOG").ok();
    let sources = Sources::of_process(cli.config.as_deref(), flags(&cli));
    let settings = telemetry::Settings {
        export: export(&cli.command, &sources),
        ..telemetry::Settings::for_stderr(verbosity, filter, false)
    };
    let _exporting = match telemetry::init(&settings) {
        Ok(exporting) => exporting,
        Err(error) => {
            say::error(error);
            return USAGE.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say::error(format_args!("the runtime does not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let parting = Parting::default();
    let work = ended(&cli.command, &sources, &parting);
    let code = runtime.block_on(unless_stopped(work, || parting.say(output)));
    runtime.shutdown_timeout(GRACE);
    code
}

/// Where the spans of a command go that begins a run. What is wrong with the configuration is said by the command.
fn export(command: &Command, sources: &Sources) -> Option<Export> {
    let begins = matches!(command, Command::Run(_) | Command::Ingest(_));
    let config = begins.then(|| Config::load(sources).ok()).flatten()?;
    Export::of(&config.telemetry, "langflix", env!("CARGO_PKG_VERSION"))
}

/// What is said when the user stops the program.
#[derive(Debug)]
pub(crate) struct Parting(Mutex<&'static str>);

impl Default for Parting {
    fn default() -> Self {
        Self(Mutex::new("stopped: the same command again goes on from here"))
    }
}

impl Parting {
    pub(crate) fn set(&self, text: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn say(&self, output: Output) {
        let text = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !text.is_empty() {
            say::err!("{text}");
        }
        if output == Output::Json {
            let _unread = say::out!("{}", serde_json::json!({ "event": "stopped" }));
        }
    }
}

/// The exit code of a command, whose error is said.
async fn ended(command: &Command, sources: &Sources, parting: &Parting) -> ExitCode {
    let complain = |error: &dyn std::fmt::Display| {
        say::error(error);
        if command.output() == Output::Json {
            let _unread = say::out!("{}", serde_json::json!({ "event": "failed", "error": error.to_string() }));
        }
    };
    let error = match dispatch(command, sources, parting).await {
        Ok(EpisodeStatus::Complete) => return ExitCode::SUCCESS,
        Ok(EpisodeStatus::Partial) => return PARTIAL.into(),
        Ok(EpisodeStatus::Failed) => return ExitCode::FAILURE,
        Err(error) => error,
    };
    if let Some(Faults(faults)) = error.downcast_ref() {
        faults.iter().for_each(|fault| complain(fault));
        return USAGE.into();
    }
    match error.downcast_ref() {
        Some(Several(errors)) => errors.iter().for_each(|error| complain(error)),
        None => complain(&format_args!("{error:#}")),
    }
    if error.is::<Usage>() || error.is::<BuildError>() { USAGE.into() } else { ExitCode::FAILURE }
}

async fn dispatch(command: &Command, sources: &Sources, parting: &Parting) -> anyhow::Result<EpisodeStatus> {
    let alone = || Config::load(sources).inspect(warn);
    match command {
        Command::Run(args) => run::run(args, &alone()?).await,
        Command::Bench(args) => bench::bench(args, &alone()?, parting).await,
        Command::Plan(args) => plan::plan(args, &alone()?),
        Command::Inspect(args) => inspect::inspect(args, &alone()?).await,
        Command::Config { command: ConfigCommand::Show { json } } => show::show(&alone()?, *json),
        Command::Doctor(args) => fleet::doctor(args, sources).await,
        Command::Status(args) if let Some(api) = &args.api => {
            fleet::status(args, &fleet::Api::new(api, args.token_file.as_deref())?, parting).await
        }
        command => {
            let config = FleetConfig::load(sources, Needs::Servers)?;
            warn(&config.common);
            fleet::command(command, &config, parting).await
        }
    }
}

fn warn(config: &Config) {
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}

/// Ends with `work`, or drops it as soon as the process is told to stop: children are killed with it, and what was
/// recorded stays.
async fn unless_stopped(work: impl Future<Output = ExitCode>, part: impl FnOnce()) -> ExitCode {
    let stopped = |kind: SignalKind| async move {
        match signal(kind) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    let kind = tokio::select! {
        code = work => return code,
        _ = stopped(SignalKind::interrupt()) => SignalKind::interrupt(),
        _ = stopped(SignalKind::terminate()) => SignalKind::terminate(),
        _ = stopped(SignalKind::hangup()) => SignalKind::hangup(),
    };
    part();
    interrupted(kind)
}

/// The exit code that shells use for a program that a signal ended.
fn interrupted(kind: SignalKind) -> ExitCode {
    ExitCode::from(128 + u8::try_from(kind.as_raw_value()).unwrap_or_default())
}

/// `1 clip`, `2 clips`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn flags(cli: &Cli) -> Vec<Flag> {
    let own = match &cli.command {
        Command::Run(args) => args.settings(),
        Command::Ingest(args) => args.settings(),
        Command::Fetch(args) => args.settings(),
        Command::Plan(args) => args.settings(),
        Command::Bench(args) => args.settings(),
        _ => Vec::new(),
    };
    let own = own.into_iter().map(|(key, value, flag)| Flag { key: key.to_owned(), value, label: flag.to_owned() });
    let set = cli.set.iter().map(|(key, value)| Flag {
        key: key.clone(),
        value: value.clone(),
        label: format!("--set {key}"),
    });
    own.chain(set).collect()
}
