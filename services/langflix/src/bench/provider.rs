//! How quick the language model's provider answers.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use langflix_domain::{AnalysisRequest, LanguageTag, RequestLine, Usage};
use langflix_llm::LlmSettings;
use langflix_ports::{
    cache::{self, Cache},
    llm::{Answer, Error, ErrorKind},
};
use langflix_runtime::config::{Config, Provider};

use crate::run::settings;

/// Talk of no film, with expressions in it.
const TALK: &str = include_str!("talk.txt");
/// How long a line is said, in milliseconds, with the pause behind it.
const LINE_MS: i64 = 2600;
const SAID_MS: i64 = 2200;
/// How many chunks the offline lexicon answers for each that a provider would be asked: it takes no time.
const OFFLINE: usize = 50;

/// What was asked, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) model: String,
    pub(super) levels: Vec<Level>,
}

/// So many requests at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) at_once: u32,
    pub(super) took: Duration,
    /// How long each answer took, the quickest first.
    pub(super) answers: Vec<Duration>,
    /// What was not answered, by the kind of error, and what one of each said.
    pub(super) errors: BTreeMap<&'static str, (usize, String)>,
    /// Not answered when the time was up.
    pub(super) unanswered: usize,
    pub(super) usage: Usage,
}

impl Level {
    /// Chunks a second.
    pub(super) fn rate(&self) -> f64 {
        self.answers.len() as f64 / self.took.as_secs_f64().max(1e-6)
    }

    /// What so many percent of the answers took at most.
    pub(super) fn latency(&self, percent: usize) -> Option<Duration> {
        let rank = (self.answers.len() * percent).div_ceil(100);
        self.answers.get(rank.saturating_sub(1)).copied()
    }

    /// How often the provider said that it was too much.
    pub(super) fn refused(&self) -> usize {
        self.errors.get(RATE_LIMITED).map_or(0, |(count, _)| *count)
    }

    /// Whether asking more would be of no use.
    fn is_hopeless(&self) -> bool {
        self.answers.is_empty() || [AUTH, QUOTA].iter().any(|kind| self.errors.contains_key(kind))
    }
}

const RATE_LIMITED: &str = "rate_limited";
const AUTH: &str = "auth";
const QUOTA: &str = "quota_exhausted";

fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimited { .. } => RATE_LIMITED,
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Refused => "refused",
        ErrorKind::Truncated => "truncated",
        ErrorKind::Malformed => "malformed",
        ErrorKind::Auth => AUTH,
        ErrorKind::QuotaExhausted => QUOTA,
    }
}

/// Numbers of requests at once that are tried: half of what is configured, that, and twice that. One where a limit a
/// minute bounds them anyway, and for the lexicon, which is never asked over a network.
pub(super) fn levels(config: &Config, quick: bool) -> Vec<u32> {
    let now = config.llm.max_concurrent_requests.get();
    if quick || config.llm.provider == Provider::Offline || config.llm.requests_per_minute.is_some() {
        return vec![now];
    }
    let mut levels = vec![now.div_ceil(2), now, (now * 2).min(64)];
    levels.dedup();
    levels
}

/// So many chunks at each level. The lexicon is asked more: else nothing could be measured.
pub(super) fn chunks_at(config: &Config, chunks: u32, level: u32) -> usize {
    let chunks = usize::try_from(chunks.max(level)).unwrap_or(usize::MAX);
    if config.llm.provider == Provider::Offline { chunks.saturating_mul(OFFLINE) } else { chunks }
}

/// Whether the settings make a model that can be asked.
///
/// # Errors
/// What is wrong with them; names the key, or the variable that is missing.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    langflix_llm::build(&settings::llm(&config.llm), Arc::new(Forgetful))?;
    Ok(())
}

/// Asks `chunks` at each level, for no longer than `limit` each. `told` is told how many of a level were answered.
///
/// # Errors
/// Where the settings make no model.
pub(super) async fn ask(
    config: &Config,
    chunks: u32,
    levels: &[u32],
    limit: Duration,
    told: &(dyn Fn(u32, usize) + Sync),
) -> anyhow::Result<Asking> {
    let mut asking = Asking { model: String::new(), levels: Vec::new() };
    for (at, &level) in levels.iter().enumerate() {
        // What a worker asks again after a wait is seen here: each answer that is none counts.
        let settings = LlmSettings {
            max_retries: 0,
            max_concurrent_requests: std::num::NonZeroU32::new(level).unwrap_or(std::num::NonZeroU32::MIN),
            ..settings::llm(&config.llm)
        };
        let model = langflix_llm::build(&settings, Arc::new(Forgetful))?;
        asking.model = model.name().to_owned();
        let count = chunks_at(config, chunks, level);
        let began = Instant::now();
        let ask = |number: usize| {
            let (model, request) = (Arc::clone(&model), request(config, at * count + number));
            async move {
                let began = Instant::now();
                (model.ask(&request, &[]).await, began.elapsed())
            }
        };
        let at_once = usize::try_from(level).unwrap_or(usize::MAX);
        let answers = stream::iter(0..count).map(ask).buffer_unordered(at_once);
        let mut answers = std::pin::pin!(answers.take_until(tokio::time::sleep(limit)));
        let mut seen = Level { at_once: level, unanswered: count, ..Level::default() };
        while let Some((answer, took)) = answers.next().await {
            seen.count(answer, took);
            told(level, count - seen.unanswered);
        }
        seen.took = began.elapsed();
        seen.answers.sort_unstable();
        let hopeless = seen.is_hopeless();
        asking.levels.push(seen);
        if hopeless {
            break;
        }
    }
    Ok(asking)
}

impl Level {
    fn count(&mut self, answer: Result<Answer, Error>, took: Duration) {
        self.unanswered = self.unanswered.saturating_sub(1);
        match answer {
            Ok(answer) => {
                self.usage += answer.usage;
                self.answers.push(took);
            }
            Err(error) => {
                self.usage += error.usage;
                let message = error.to_string();
                self.errors.entry(name(error.kind)).or_insert((0, message)).0 += 1;
            }
        }
    }
}

/// The chunk of this number: lines of the talk from another place on in each, so that nobody has answered it before.
fn request(config: &Config, number: usize) -> AnalysisRequest {
    let lines: Vec<&str> = TALK.lines().collect();
    let from = number.wrapping_mul(7) % lines.len();
    let endless = lines.iter().cycle().skip(from);
    let most = usize::try_from(config.llm.chunk_size).unwrap_or(usize::MAX);
    let mut length = 0;
    let taken = endless.take_while(|line| {
        length += line.len() + 1;
        length <= most
    });
    let first = format!("Part {}. Let's get the ball rolling.", number + 1);
    let texts = std::iter::once(first).chain(taken.map(|line| (*line).to_owned()));
    let line = |(at, text)| RequestLine { text, offset_ms: at * LINE_MS, duration_ms: SAID_MS, context: false };
    AnalysisRequest {
        source_language: LanguageTag::from_label("en").unwrap_or_else(|| config.run.source_language.clone()),
        language: config
            .run
            .language
            .clone()
            .or(LanguageTag::from_label("ko"))
            .unwrap_or_else(|| config.run.source_language.clone()),
        level: config.run.level,
        min_expressions: config.processing.min_expressions_per_chunk,
        max_expressions: config.processing.max_expressions_per_chunk,
        translate_lines: config.llm.provider != Provider::Offline,
        lines: (0..).zip(texts).map(line).collect(),
    }
}

/// Keeps nothing: an answer that lay here would be no measure of the provider.
struct Forgetful;

#[async_trait]
impl Cache for Forgetful {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, cache::Error> {
        Ok(None)
    }

    async fn put(&self, _: &str, _: &[u8], _: Option<Duration>) -> Result<(), cache::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use langflix_runtime::config::Sources;

    use super::*;

    #[test]
    fn no_chunk_is_asked_twice_and_each_is_as_long_as_configured() {
        let config = Config::load(&Sources::default()).unwrap();
        let requests: Vec<_> = (0..100).map(|number| request(&config, number)).collect();
        let digests: BTreeSet<_> = requests.iter().map(|request| request.digest().unwrap().to_string()).collect();
        assert_eq!(digests.len(), 100);
        for request in requests {
            let length: usize = request.lines.iter().map(|line| line.text.len() + 1).sum();
            assert!((1300..1500).contains(&length), "{length}");
        }
    }

    #[test]
    fn the_latency_is_that_of_an_answer() {
        let answers = (1..=20).map(Duration::from_secs).collect();
        let level = Level { answers, ..Level::default() };
        assert_eq!([50, 95, 100].map(|p| level.latency(p).unwrap().as_secs()), [10, 19, 20]);
        assert_eq!(Level::default().latency(50), None);
    }
}
