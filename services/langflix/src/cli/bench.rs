use std::path::PathBuf;

use clap::Args;

use super::episodes::Setting;

pub(super) const BENCH_EXAMPLES: &str = "\
Examples:
  This machine's encoders, on a made-up film, then on an episode of one's own:
    langflix bench
    langflix bench Show.S01E01.mkv
  The provider too; about 24 chunks are paid for:
    GEMINI_API_KEY=… langflix bench --ask-provider

How long it takes is said before it begins; --quick takes less and tries less. The offline lexicon
costs nothing and is measured anyway. What is printed for langflix.yaml is only what differs
from the defaults.

Exit codes: 0 all measured, 2 some of it, 1 nothing, 64 wrong usage, 130 stopped by Ctrl-C.";

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// A video to cut clips from; without one a film is made up.
    #[arg(value_name = "VIDEO")]
    pub(crate) video: Option<PathBuf>,
    /// Try fewer things, each for a shorter time.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Ask the configured provider, which may cost money, about chunks of a bundled text.
    #[arg(long)]
    pub(crate) ask_provider: bool,
    /// Chunks to ask about at each number of requests at once.
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) chunks: u32,
    /// Who finds the expressions: gemini, openai or offline [default: by the key that is set, else offline].
    #[arg(long)]
    provider: Option<String>,
    /// The provider's model.
    #[arg(long)]
    model: Option<String>,
    /// Print one JSON object a line for each step, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

impl BenchArgs {
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let given = [("llm.provider", "--provider", &self.provider), ("llm.model", "--model", &self.model)];
        given.into_iter().filter_map(|(key, flag, value)| Some((key, value.clone()?, flag))).collect()
    }
}
