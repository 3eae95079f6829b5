use std::path::PathBuf;

use clap::Args;

pub(super) const RUN_EXAMPLES: &str = "\
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

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Videos (mkv, mp4, mov, avi, webm, ts, m4v), or folders of them: a season.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) episodes: EpisodeArgs,

    /// Folder for the results [default: output].
    #[arg(long, value_name = "DIR")]
    out: Option<String>,

    /// Tell at the end what each sort of operation took: calls, time, and by how much memory changed.
    #[arg(long)]
    pub(crate) profile: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// What is asked for of each episode, and what its name and place do not tell.
#[derive(Debug, Default, Args)]
pub(crate) struct EpisodeArgs {
    /// Language of the translations, a BCP 47 tag such as ko, ja or pt-BR; what the name of the target subtitles
    /// tells if not given.
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Language of the episode [default: en].
    #[arg(long, value_name = "TAG")]
    source_language: Option<String>,
    /// How far the learner is: beginner, intermediate or advanced [default: intermediate].
    #[arg(long)]
    level: Option<String>,

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
    /// Take the subtitles in the target language from this track inside the video.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["target_subs", "target_subs_suffix"])]
    pub(crate) target_subs_track: Option<u32>,

    /// The show's name, if not the one in the path.
    #[arg(long, value_parser = show)]
    pub(crate) show: Option<String>,
    /// The season, if not the one in the path.
    #[arg(long, value_parser = number)]
    pub(crate) season: Option<u16>,
    /// The episode of the one video given, if not the one in the path.
    #[arg(long, value_parser = number)]
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
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
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

impl OutputArgs {
    pub(crate) fn output(&self) -> Output {
        match (self.json, self.quiet) {
            (true, _) => Output::Json,
            (_, true) => Output::Quiet,
            _ => Output::Text,
        }
    }
}

/// A flag that stands for a configuration key: the key, the value, and the flag as it was written.
pub(crate) type Setting = (&'static str, String, &'static str);

impl RunArgs {
    pub(crate) fn output(&self) -> Output {
        self.output.output()
    }

    pub(crate) fn settings(&self) -> Vec<Setting> {
        let out = self.out.clone().map(|out| ("run.output", out, "--out"));
        self.episodes.settings().into_iter().chain(out).collect()
    }
}

impl EpisodeArgs {
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let given = [
            ("run.language", "--language", &self.language),
            ("run.source_language", "--source-language", &self.source_language),
            ("run.level", "--level", &self.level),
            ("processing.max_expressions", "--max-expressions", &self.max_expressions),
            ("video.burn", "--burn", &self.burn),
            ("video.quality", "--quality", &self.quality),
            ("llm.provider", "--provider", &self.provider),
            ("llm.model", "--model", &self.model),
        ];
        given.into_iter().filter_map(|(key, flag, value)| Some((key, value.clone()?, flag))).collect()
    }
}

/// Of a season or an episode.
pub(super) fn number(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a whole number is allowed, such as 1")
}

/// A name that a folder can be told by.
fn show(name: &str) -> Result<String, &'static str> {
    let named = name.chars().any(char::is_alphanumeric);
    if named { Ok(name.to_owned()) } else { Err("a show's name has a letter or a digit") }
}
