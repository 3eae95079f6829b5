use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use langflix_domain::Lane;

use super::episodes::{EpisodeArgs, Output, OutputArgs, Setting, number};

pub(super) const INGEST_EXAMPLES: &str = "\
Examples:
  A season from this machine; wait until the fleet is done with it:
    langflix ingest seasons/Suits --language ko --wait
  Videos that lie in the bucket already:
    langflix ingest s3://media/Suits/S01 --target-subs-suffix .ko
  One episode that somebody waits for, before all seasons:
    langflix ingest Show.S01E01.mkv --language ko --lane interactive

Nothing is submitted unless every episode can be read. The same episodes with the same settings
again are no new work, and an upload that was stopped goes on.

Exit codes: 0 all submitted (with --wait: all complete), 2 some, 1 none, 64 wrong usage.";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  langflix status
  langflix status Suits 1 --watch
  langflix status suits-s01e02 --json
  By the page of a dispatcher, without the keys of the fleet's servers:
    langflix status --api http://127.0.0.1:8090 --token-file view-token";

pub(super) const FETCH_EXAMPLES: &str = "\
Examples:
  The newest run of an episode, of each episode of a season, one run by its whole name:
    langflix fetch suits-s01e02 --out output
    langflix fetch suits-s01
    langflix fetch suits-s01e02-1f2e3d4c

Exit codes: 0 complete, 2 partial (the manifest lists what failed), 1 failed or not ended yet,
64 wrong usage.";

pub(super) const DEAD_EXAMPLES: &str = "\
Examples:
  langflix dead list
  langflix dead show --run suits-s01e02
  langflix dead retry --queue analysis.bulk.v1 --reason 'newer'
  langflix dead drop --run suits-s01e02-1f2e3d4c --yes";

pub(super) const CANCEL_EXAMPLES: &str = "\
Example:
  langflix cancel suits-s01e02

What has no outcome yet gets one that says so, and the run ends; what is done stays.
`langflix retry` takes it up again.";

pub(super) const RETRY_EXAMPLES: &str = "\
Examples:
  langflix retry suits-s01e02
  langflix retry suits-s01e02 --lane interactive

Only what failed is done again; what succeeded stays, and nothing is paid for twice.";

pub(super) const TOPOLOGY_EXAMPLES: &str = "\
Examples:
  langflix topology show
  langflix topology apply";

pub(super) const DOCTOR_EXAMPLES: &str = "\
Example:
  langflix doctor --json

Exit codes: 0 nothing fails, 1 something does.";

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// Videos (mkv, mp4, mov, avi, webm, ts, m4v), folders of them, or `s3://` prefixes in the fleet's bucket.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) episodes: EpisodeArgs,

    /// How urgent it is: interactive goes before bulk. A run that is under way stays in its lane.
    #[arg(long, value_enum, default_value_t = LaneArg::Bulk)]
    lane: LaneArg,
    /// Wait until the fleet is done with all of them.
    #[arg(long)]
    pub(crate) wait: bool,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LaneArg {
    Interactive,
    Bulk,
}

impl LaneArg {
    fn lane(self) -> Lane {
        match self {
            Self::Interactive => Lane::Interactive,
            Self::Bulk => Lane::Bulk,
        }
    }
}

impl IngestArgs {
    pub(crate) fn output(&self) -> Output {
        self.output.output()
    }

    pub(crate) fn lane(&self) -> Lane {
        self.lane.lane()
    }

    pub(crate) fn settings(&self) -> Vec<Setting> {
        self.episodes.settings()
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The show's name, a season's (suits-s01), an episode's (suits-s01e02) or a run's.
    pub(crate) show: Option<String>,
    /// The season.
    #[arg(value_parser = number)]
    pub(crate) season: Option<u16>,
    /// The episode.
    #[arg(value_parser = number)]
    pub(crate) episode: Option<u16>,
    /// Go on showing it, on one screen, until stopped by Ctrl-C; where there is no terminal, a line when something was
    /// done.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print JSON; with --watch one object a line, whenever something changed.
    #[arg(long)]
    pub(crate) json: bool,
    /// Ask the page of a dispatcher rather than the fleet's own servers.
    #[arg(long, value_name = "URL")]
    pub(crate) api: Option<String>,
    /// The file that holds the token which that page asks for.
    #[arg(long, value_name = "FILE", requires = "api")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// A run's name, or the newest run of an episode (suits-s01e02), of a season's (suits-s01) or of a show's.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Folder for the results [default: output].
    #[arg(long, value_name = "DIR")]
    out: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

impl FetchArgs {
    pub(crate) fn output(&self) -> Output {
        self.output.output()
    }

    pub(crate) fn settings(&self) -> Vec<Setting> {
        self.out.clone().map(|out| ("run.output", out, "--out")).into_iter().collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunNameArgs {
    /// A run's name, or an episode's as in suits-s01e02: its newest run.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// A run's name, or an episode's as in suits-s01e02: its newest run.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// How urgent it is where the run has ended: interactive goes before bulk. One that goes on stays in its lane.
    #[arg(long, value_enum, default_value_t = LaneArg::Bulk)]
    lane: LaneArg,
}

impl RetryArgs {
    pub(crate) fn lane(&self) -> Lane {
        self.lane.lane()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// Count them by queue, run and reason.
    #[command(after_help = "Example:\n  langflix dead list --reason 'no such run'")]
    List(DeadListArgs),
    /// Show each one.
    #[command(after_help = "Example:\n  langflix dead show --run suits-s01e02 --json")]
    Show(DeadListArgs),
    /// Work on them again, as if they had never been tried.
    #[command(after_help = "Example:\n  langflix dead retry --queue analysis.bulk.v1")]
    Retry(DeadFilter),
    /// Throw them away. What they asked for stays undone.
    #[command(after_help = "Example:\n  langflix dead drop --run suits-s01e02 --yes")]
    Drop {
        #[command(flatten)]
        filter: DeadFilter,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeadListArgs {
    #[command(flatten)]
    pub(crate) filter: DeadFilter,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeadFilter {
    /// Only what came from this queue, such as analysis.bulk.v1, or from its .dead or .parked.
    #[arg(long)]
    queue: Option<String>,
    /// Only what belongs to this run, or to runs whose names begin like this.
    #[arg(long)]
    run: Option<String>,
    /// Only what has this text in its reason.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl DeadFilter {
    pub(crate) fn filter(&self) -> langflix_fleet::dead::DeadFilter {
        let (queue, run, reason) = (self.queue.clone(), self.run.clone(), self.reason.clone());
        langflix_fleet::dead::DeadFilter { queue, run, reason }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TopologyCommand {
    /// Show the queues that the fleet needs, and whether the broker has them.
    #[command(after_help = "Example:\n  langflix topology show --json")]
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Declare them. What is there already is left alone.
    #[command(after_help = "Example:\n  langflix topology apply")]
    Apply,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
