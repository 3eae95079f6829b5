//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const RUN_EXAMPLES: &str = "\
Examples:
  One episode for a Korean-speaking learner, its subtitles beside it or inside it:
    langflix run Show.S01E01.mkv --language ko --level intermediate --out output
  A season, translations taken from the Korean subtitles beside the English ones:
    langflix run seasons/Suits/S01 --target-subs-suffix .ko
  Choose expressions first and cut later; the model is asked nothing again:
    langflix run Show.S01E01.mkv --language ja --dry-run
    langflix run Show.S01E01.mkv --language ja --burn both

Exit codes: 0 complete, 2 partial (the manifest lists what failed), 1 failed, 64 wrong usage, 130 stopped by Ctrl-C.
The same command again goes on where it stopped and tries again what failed.";

/// Learn a language from the shows you love: expressions worth learning, each with the clip in which it is said.
#[derive(Debug, Parser)]
#[command(name = "langflix", version, max_term_width = 100, args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Read settings from FILE instead of langflix.yaml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Set any configuration key, as in `llm.chunk_size=1000`; may be repeated. `langflix config show` lists the keys.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,

    /// Say more: each repair in a subtitle file, and what goes on inside.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find the expressions of an episode or a season and cut a clip for each.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
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

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Videos (mkv, mp4, mov, avi, webm, ts, m4v), or folders of them: a season.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Language of the translations, a BCP 47 tag such as ko, ja or pt-BR; the target subtitles' if not given.
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Language of the episode [default: en].
    #[arg(long, value_name = "TAG")]
    source_language: Option<String>,
    /// How far the learner is: beginner, intermediate or advanced [default: intermediate].
    #[arg(long)]
    level: Option<String>,
    /// Folder for the results [default: output].
    #[arg(long, value_name = "DIR")]
    out: Option<String>,

    /// Subtitles of the one video given, if not those of the same stem beside it or inside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) subs: Option<PathBuf>,
    /// Subtitles of the one video given in the target language; lines are translated from them.
    #[arg(long, value_name = "FILE")]
    pub(crate) target_subs: Option<PathBuf>,
    /// What stands before the extension of target-language subtitles, such as `.ko` for `Show.S01E01.ko.srt`.
    #[arg(long, value_name = "SUFFIX", conflicts_with = "target_subs")]
    pub(crate) target_subs_suffix: Option<String>,
    /// Take the subtitles from this track inside the video, by the number that `langflix inspect` shows.
    #[arg(long, value_name = "NUMBER", conflicts_with = "subs")]
    pub(crate) subs_track: Option<u32>,

    /// The show's name, if not the one in the path.
    #[arg(long)]
    pub(crate) show: Option<String>,
    /// The season, if not the one in the path.
    #[arg(long)]
    pub(crate) season: Option<u16>,
    /// The episode of the one video given, if not the one in the path.
    #[arg(long)]
    pub(crate) episode: Option<u16>,

    /// Most expressions of an episode, spread over it [default: 20].
    #[arg(long, value_name = "N")]
    max_expressions: Option<String>,
    /// Draw subtitles into the picture: none, source, target or both [default: none].
    #[arg(long, value_name = "WHICH")]
    burn: Option<String>,
    /// Who finds the expressions: gemini, openai or offline [default: by the key that is set, else offline].
    #[arg(long)]
    provider: Option<String>,
    /// The provider's model.
    #[arg(long)]
    model: Option<String>,
    /// Quality of the clips: balanced, high or fast [default: balanced].
    #[arg(long)]
    quality: Option<String>,
    /// Find the expressions and write the manifest, but cut no clips.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Print one JSON object a line for each step, for programs.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Print errors only.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Bars on a terminal, lines elsewhere.
    Text,
    /// One JSON object a line.
    Json,
    /// Errors only.
    Quiet,
}

impl RunArgs {
    pub(crate) fn output(&self) -> Output {
        match (self.json, self.quiet) {
            (true, _) => Output::Json,
            (_, true) => Output::Quiet,
            _ => Output::Text,
        }
    }

    /// The flags that stand for configuration keys: key, value, and the flag as it was written.
    pub(crate) fn settings(&self) -> Vec<(String, String, String)> {
        let given = [
            ("run.language", "--language", &self.language),
            ("run.source_language", "--source-language", &self.source_language),
            ("run.level", "--level", &self.level),
            ("run.output", "--out", &self.out),
            ("processing.max_expressions", "--max-expressions", &self.max_expressions),
            ("video.burn", "--burn", &self.burn),
            ("video.quality", "--quality", &self.quality),
            ("llm.provider", "--provider", &self.provider),
            ("llm.model", "--model", &self.model),
        ];
        let given = given.into_iter().filter_map(|(key, flag, value)| Some((key, flag, value.as_ref()?)));
        given.map(|(key, flag, value)| (key.to_owned(), value.clone(), flag.to_owned())).collect()
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
        assert_eq!(args.settings(), expected.map(|(k, v, f)| (k.to_owned(), v.to_owned(), f.to_owned())));
    }
}
