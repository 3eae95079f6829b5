//! What can be said on the command line.

mod bench;
mod episodes;
mod fleet;
mod plan;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use bench::BenchArgs;
pub(crate) use episodes::{EpisodeArgs, Output, RunArgs};
pub(crate) use fleet::{
    DeadCommand, DoctorArgs, FetchArgs, IngestArgs, RetryArgs, RunNameArgs, StatusArgs, TopologyCommand,
};
pub(crate) use plan::PlanArgs;

/// Where help shows what every command takes: behind its own options.
const COMMON: usize = 900;

/// Learn a language from the shows you love: expressions worth learning, each with the clip in which it is said.
#[derive(Debug, Parser)]
#[command(name = "langflix", version, max_term_width = 100, args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Read settings from FILE instead of langflix.yaml.
    #[arg(long, global = true, value_name = "FILE", display_order = COMMON)]
    pub(crate) config: Option<PathBuf>,

    /// Set any configuration key, as in `llm.chunk_size=1000`; may be repeated. `langflix config show` lists the keys.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value, display_order = COMMON)]
    pub(crate) set: Vec<(String, String)>,

    /// Say more: each repair in a subtitle file, and what goes on inside.
    #[arg(long, short, global = true, display_order = COMMON)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find the expressions of an episode or a season and cut a clip for each.
    #[command(after_help = episodes::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Hand episodes to the fleet, uploading what is not there yet.
    #[command(after_help = fleet::INGEST_EXAMPLES)]
    Ingest(Box<IngestArgs>),
    /// Show where the fleet's runs stand, and its queues.
    #[command(after_help = fleet::STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Bring the results of a run here, laid out as `langflix run` does.
    #[command(after_help = fleet::FETCH_EXAMPLES)]
    Fetch(FetchArgs),
    /// Look at the messages that were set aside, and take them up again.
    #[command(after_help = fleet::DEAD_EXAMPLES)]
    Dead {
        #[command(subcommand)]
        command: DeadCommand,
    },
    /// End a run of the fleet.
    #[command(after_help = fleet::CANCEL_EXAMPLES)]
    Cancel(RunNameArgs),
    /// Do again what failed in a run of the fleet.
    #[command(after_help = fleet::RETRY_EXAMPLES)]
    Retry(RetryArgs),
    /// Look at the queues that the fleet needs, or declare them.
    #[command(after_help = fleet::TOPOLOGY_EXAMPLES)]
    Topology {
        #[command(subcommand)]
        command: TopologyCommand,
    },
    /// Check the configuration, every server that the fleet needs, and the encoder.
    #[command(after_help = fleet::DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Tell how many nodes finish so many episodes in time, and what that costs.
    #[command(after_help = plan::PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Measure this machine's encoders and the provider, and tell what would be set.
    #[command(after_help = bench::BENCH_EXAMPLES)]
    Bench(BenchArgs),
    /// Show what the program understands of subtitle and video files.
    #[command(after_help = "Example:\n  langflix inspect Show.S01E01.mkv Show.S01E01.srt --json")]
    Inspect(InspectArgs),
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting, its value and where it came from. Secrets are never printed.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Subtitle or video files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Command {
    /// How progress and errors are told.
    pub(crate) fn output(&self) -> Output {
        match self {
            Self::Run(args) => args.output(),
            Self::Ingest(args) => args.output(),
            Self::Fetch(args) => args.output(),
            Self::Bench(args) if args.json => Output::Json,
            _ => Output::Text,
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.trim().is_empty());
    pair.map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| format!("'{text}' is no KEY=VALUE, such as llm.chunk_size=1000"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_for_keys_and_keep_their_name() {
        let cli = Cli::try_parse_from(["langflix", "run", "x.mkv", "--language", "ko", "--burn=both"]).unwrap();
        let Command::Run(args) = cli.command else { panic!("not a run") };
        let expected = [("run.language", "ko", "--language"), ("video.burn", "both", "--burn")];
        assert_eq!(args.settings(), expected.map(|(key, value, flag)| (key, value.to_owned(), flag)));
    }
}
