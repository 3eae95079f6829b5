//! `langflix plan`: how many nodes finish episodes in time, and what they cost.

use std::{fmt::Write as _, num::NonZeroU32, time::Duration};

use langflix_domain::{AnalysisPace, CapacityBound, EpisodeStatus, Forecast, TooLate, Workload};
use langflix_runtime::config::Config;
use serde_json::{Value, json};

use crate::{Usage, cli::PlanArgs, counted, fleet::Table, say};

/// What of a price is one.
const MONEY: u128 = 1_000_000;
const HOUR_MS: u128 = 3_600_000;

/// Prints the fewest nodes that are enough; failed where no number is.
///
/// # Errors
/// Where a figure is missing or too large, or stdout cannot be written.
pub(crate) fn plan(args: &PlanArgs, config: &Config) -> anyhow::Result<EpisodeStatus> {
    let plan = Plan::of(args, config)?;
    match args.json {
        true => say::out!("{:#}", plan.as_json())?,
        false => say::out!("{}", plan.as_text().trim_end())?,
    }
    Ok(if plan.found.is_ok() { EpisodeStatus::Complete } else { EpisodeStatus::Failed })
}

struct Plan {
    work: Workload,
    limit: Duration,
    /// Of one node for an hour, in millionths.
    price: Option<u64>,
    found: Result<Forecast, TooLate>,
}

impl Plan {
    fn of(args: &PlanArgs, config: &Config) -> Result<Self, Usage> {
        let work = Workload {
            episodes: args.episodes().map_err(Usage)?,
            clips_per_episode: NonZeroU32::new(config.processing.max_expressions).unwrap_or(NonZeroU32::MIN),
            clips_per_node: args.clips_per_second,
            node_start: args.node_start,
            analysis: analysis(args, config)?,
        };
        let found = work.within(args.within);
        Ok(Self { work, limit: args.within, price: args.price, found })
    }

    /// The plan, with what a node fewer and one more would mean.
    fn around(&self) -> [Option<Forecast>; 3] {
        let Ok(found) = self.found else { return [None; 3] };
        let fewer = found.nodes.checked_sub(1).filter(|nodes| *nodes > 0);
        [fewer.map(|nodes| self.work.with(nodes)), Some(found), Some(self.work.with(found.nodes + 1))]
    }

    fn cost(&self, forecast: &Forecast) -> Option<u128> {
        self.price.map(|price| forecast.cost(price))
    }

    fn per_episode(&self, cost: u128) -> u128 {
        cost / u128::from(self.work.episodes.get())
    }

    fn as_text(&self) -> String {
        let mut text = format!("{}, {}: ", many(self.work.episodes.get(), "episode"), many(self.work.clips(), "clip"));
        match &self.found {
            Ok(found) => {
                let (nodes, done) = (many(found.nodes, "node"), spoken(found.done_after));
                let _written = writeln!(text, "{nodes}, done after {done}.\n\n{}", self.table());
                text += &format!("{}\n", bounded(found.bound));
            }
            Err(late) => {
                let _written = writeln!(text, "no number of nodes is enough.");
                let _written =
                    writeln!(text, "The earliest end is after {}. {}", spoken(late.earliest), why(late.bound));
            }
        }
        let _written = match self.work.analysis() {
            Some((requests, lasting)) => {
                let pace = self.work.analysis.map_or(0, |pace| pace.requests_per_minute.get());
                let requests = many(requests, "request");
                writeln!(text, "The analysis takes {} at least: {requests} at {pace} a minute.", spoken(lasting))
            }
            None => writeln!(text, "The analysis is not counted in: give --chunks-per-episode."),
        };
        text
    }

    fn table(&self) -> String {
        let mut table = Table::new(&["NODES#", "DONE AFTER#", "NODE HOURS#", "COST#", "AN EPISODE#", "IN TIME"]);
        for forecast in self.around().iter().flatten() {
            let cost = self.cost(forecast);
            let money = |cost: Option<u128>, places| cost.map_or("-".to_owned(), |cost| decimals(cost, MONEY, places));
            table.row([
                forecast.nodes.to_string(),
                spoken(forecast.done_after),
                decimals(forecast.node_time.as_millis(), HOUR_MS, 2),
                money(cost, 2),
                money(cost.map(|cost| self.per_episode(cost)), 4),
                match forecast.done_after.checked_sub(self.limit) {
                    Some(late) if !late.is_zero() => format!("{} too late", spoken(late)),
                    _ => "yes".to_owned(),
                },
            ]);
        }
        table.render()
    }

    fn as_json(&self) -> Value {
        let [fewer, found, more] = self.around().map(|forecast| forecast.map(|forecast| self.one(&forecast)));
        let earliest = self.work.with(self.work.clips());
        json!({
            "episodes": self.work.episodes,
            "clips": self.work.clips(),
            "within_seconds": seconds(self.limit),
            "earliest_seconds": seconds(earliest.done_after),
            "analysis_seconds": self.work.analysis().map(|(_, lasting)| seconds(lasting)),
            "bound": named(self.found.map_or_else(|late| late.bound, |found| found.bound)),
            "plan": found,
            "one_fewer": fewer,
            "one_more": more,
        })
    }

    fn one(&self, forecast: &Forecast) -> Value {
        let cost = self.cost(forecast);
        json!({
            "nodes": forecast.nodes,
            "done_after_seconds": seconds(forecast.done_after),
            "in_time": forecast.done_after <= self.limit,
            "node_hours": rounded(forecast.node_time.as_millis(), HOUR_MS, 2),
            "cost": cost.map(|cost| rounded(cost, MONEY, 2)),
            "cost_per_episode": cost.map(|cost| rounded(self.per_episode(cost), MONEY, 4)),
            "bound": named(forecast.bound),
        })
    }
}

fn analysis(args: &PlanArgs, config: &Config) -> Result<Option<AnalysisPace>, Usage> {
    let Some(chunks_per_episode) = args.chunks_per_episode else { return Ok(None) };
    let requests_per_minute = config.llm.requests_per_minute.ok_or_else(|| {
        Usage(
            "--chunks-per-episode needs the provider's limit: give --requests-per-minute or llm.requests_per_minute"
                .into(),
        )
    })?;
    Ok(Some(AnalysisPace { chunks_per_episode, requests_per_minute }))
}

fn named(bound: CapacityBound) -> &'static str {
    match bound {
        CapacityBound::Encoding => "encoding",
        CapacityBound::NodeStart => "node_start",
        CapacityBound::Analysis => "analysis",
    }
}

fn bounded(bound: CapacityBound) -> &'static str {
    match bound {
        CapacityBound::Encoding => "The encoding bounds it: with more nodes it is done sooner.",
        CapacityBound::NodeStart => "The start of nodes takes most of the time: more nodes gain little.",
        CapacityBound::Analysis => "The analysis bounds it: nodes wait for it, and more of them gain nothing.",
    }
}

fn why(bound: CapacityBound) -> &'static str {
    match bound {
        CapacityBound::Encoding => "Even a node for each clip is too slow.",
        CapacityBound::NodeStart => "Nodes take too long to start.",
        CapacityBound::Analysis => "The analysis bounds it: raise the provider's limit, or take more time.",
    }
}

fn many(count: impl TryInto<usize>, noun: &str) -> String {
    counted(count.try_into().unwrap_or(usize::MAX), noun)
}

/// The two largest units, rounded up.
fn spoken(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let seconds = seconds(time);
    let large = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let (unit, name) = UNITS[large];
    let Some((small, small_name)) = UNITS.get(large + 1) else { return format!("{seconds} s") };
    let parts = seconds.div_ceil(*small);
    let whole = parts * small / unit;
    match parts - whole * unit / small {
        0 => format!("{whole} {name}"),
        rest => format!("{whole} {name} {rest} {small_name}"),
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// `parts`, of which `whole` make one, as a number of whole units of the last of so many decimal places.
fn in_places(parts: u128, whole: u128, places: u32) -> u128 {
    (parts.saturating_mul(10_u128.pow(places)).saturating_add(whole / 2)) / whole
}

fn decimals(parts: u128, whole: u128, places: u32) -> String {
    let (number, one) = (in_places(parts, whole, places), 10_u128.pow(places));
    format!("{}.{:02$}", number / one, number % one, places as usize)
}

fn rounded(parts: u128, whole: u128, places: u32) -> f64 {
    in_places(parts, whole, places) as f64 / 10_f64.powi(places.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_two_largest_units() {
        let told =
            [0, 1, 59, 60, 61, 3599, 3600, 3601, 86_399, 86_400, 90_000, 90_001].map(Duration::from_secs).map(spoken);
        let expected = [
            "0 s",
            "1 s",
            "59 s",
            "1 min",
            "1 min 1 s",
            "59 min 59 s",
            "1 h",
            "1 h 1 min",
            "24 h",
            "1 d",
            "1 d 1 h",
            "1 d 2 h",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn money_and_hours_are_rounded() {
        let told = [0, 4_999, 5_000, 12_345_678].map(|parts| decimals(parts, MONEY, 2));
        assert_eq!(told, ["0.00", "0.00", "0.01", "12.35"]);
        assert_eq!((decimals(3_840, MONEY, 4), rounded(3_840, MONEY, 4)), ("0.0038".to_owned(), 0.0038));
    }
}
