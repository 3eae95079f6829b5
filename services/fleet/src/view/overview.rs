use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use langflix_domain::{EpisodeStatus, Prices};
use langflix_ports::queue::{Name, Place, Shelf};
use langflix_rabbitmq::Count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Run, SeasonPace, Worker};

/// The fleet at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// The version of the dispatcher that tells this.
    pub version: String,
    /// Whether somebody may act through this address: cancel, retry, drop.
    pub actions: bool,
    /// Runs by how they stand.
    pub runs: RunCounts,
    /// Why they cannot be seen now; they are shown as they were.
    pub runs_error: Option<String>,
    /// How quickly the seasons go on of which a run is open.
    pub seasons: Vec<SeasonPace>,
    /// What all runs asked of the provider.
    pub spend: Spend,
    /// What lies in the queues; empty where that is not known.
    pub queues: Vec<Queue>,
    /// Why it is not known.
    pub queues_error: Option<String>,
    /// The services that are there; empty where that is not known.
    pub workers: Vec<Worker>,
    /// Why it is not known.
    pub workers_error: Option<String>,
}

/// Runs by how they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunCounts {
    /// Those that have not ended.
    pub open: usize,
    /// Those that ended complete.
    pub complete: usize,
    /// Those that ended partial.
    pub partial: usize,
    /// Those that ended failed.
    pub failed: usize,
    /// Those whose records cannot be read.
    pub unreadable: usize,
    /// How long ago the oldest open one was submitted, in seconds.
    pub oldest_open_seconds: Option<u64>,
}

/// What was asked of the provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spend {
    /// The currency's code of three letters; null where no price is configured.
    pub currency: Option<String>,
    /// What it costs; null where no price is configured.
    pub amount: Option<f64>,
    /// Whether a price is configured.
    pub priced: bool,
    /// Requests sent.
    pub requests: u64,
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
}

/// What lies in a work queue, before it and behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Messages that may be taken.
    pub ready: u32,
    /// Messages that come again later.
    pub waiting: u32,
    /// Who takes messages.
    pub consumers: u32,
    /// Messages that the broker gave up.
    pub dead: u32,
    /// Messages that were set aside with a reason.
    pub parked: u32,
}

impl Queue {
    /// All work queues of which the broker counts these.
    pub fn all(counts: &BTreeMap<String, Count>) -> Vec<Self> {
        let count = |queue: &str| counts.get(queue).copied().unwrap_or_default();
        let queue = |name: Name| {
            let waits = format!("{name}.wait.");
            let shelf = |shelf| count(&Place::Shelf(name, shelf).to_string()).ready;
            Self {
                name: name.to_string(),
                ready: count(name.as_str()).ready,
                waiting: counts.iter().filter(|(queue, _)| queue.starts_with(&waits)).map(|(_, c)| c.ready).sum(),
                consumers: count(name.as_str()).consumers,
                dead: shelf(Shelf::Dead),
                parked: shelf(Shelf::Parked),
            }
        };
        Name::ALL.map(queue).into()
    }
}

impl RunCounts {
    /// Counts `runs`.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let (mut counts, mut oldest) = (Self::default(), None::<u64>);
        for run in runs {
            match run.status {
                Some(EpisodeStatus::Complete) => counts.complete += 1,
                Some(EpisodeStatus::Partial) => counts.partial += 1,
                Some(EpisodeStatus::Failed) => counts.failed += 1,
                None if !run.is_open() => counts.unreadable += 1,
                None => {
                    counts.open += 1;
                    oldest = [oldest, run.submitted_at_ms].into_iter().flatten().min();
                }
            }
        }
        counts.oldest_open_seconds = oldest.map(|at| now_ms().saturating_sub(at) / 1000);
        counts
    }
}

impl Spend {
    /// What `runs` asked of the provider.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Run>, prices: Option<&Prices>) -> Self {
        let mut all = Self {
            currency: prices.map(|prices| prices.currency.clone()),
            amount: prices.map(|_| 0.0),
            priced: prices.is_some(),
            ..Self::default()
        };
        for spend in runs.into_iter().filter_map(|run| run.spend) {
            all.amount = all.amount.zip(spend.amount).map(|(all, amount)| all + amount);
            all.requests += spend.requests;
            all.input_tokens += spend.input_tokens;
            all.output_tokens += spend.output_tokens;
        }
        // Each is exact to the millionth.
        all.amount = all.amount.map(|amount| (amount * 1e6).round() / 1e6);
        all
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
