//! `langflix status`: where runs stand, and what lies in the queues.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{EpisodeStatus, RunId};
use langflix_pipeline::fleet::{Progress, RunState, Survey, runs, state};
use langflix_ports::{
    queue::{Name, Place, Shelf},
    store::ArtifactStore,
};
use langflix_rabbitmq::{Count, RabbitQueue};
use serde_json::{Value, json};

use super::{
    table::Table,
    which::{Which, parts},
};
use crate::{Parting, cli::StatusArgs};

/// Runs looked at at once.
const AT_ONCE: usize = 16;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// How long the servers may take to say what lies in the queues.
const COUNTED_WITHIN: Duration = Duration::from_secs(10);

type Counts = Result<BTreeMap<String, Count>, String>;

/// Prints where the runs that the arguments name stand.
///
/// # Errors
/// Where the store cannot be read, or stdout not be written.
pub(crate) async fn status(
    args: &StatusArgs,
    store: &dyn ArtifactStore,
    queue: &RabbitQueue,
    parting: &Parting,
) -> anyhow::Result<EpisodeStatus> {
    parting.set("");
    loop {
        let (states, counts) = tokio::join!(states(store, args), counts(queue));
        let (states, counts) = (states?, counts);
        // Whoever watches may wait for what is to come.
        if let Some(show) = args.show.as_deref().filter(|_| !args.watch && !states.iter().any(is_known)) {
            bail!("{show}: no such run was ever submitted: `langflix status` lists them");
        }
        let text = match args.json {
            true => serde_json::to_string_pretty(&as_json(&states, &counts))? + "\n",
            false => as_text(&states, &counts),
        };
        show(&text, args.watch)?;
        if !args.watch {
            return Ok(EpisodeStatus::Complete);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Writes over what was there before, where that can be.
fn show(text: &str, again: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = match again && out.is_terminal() {
        // Home; each line to its end; what is left below.
        true => write!(out, "\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n")),
        false => write!(out, "{text}"),
    };
    written.and_then(|()| out.flush()).context("standard output")
}

async fn counts(queue: &RabbitQueue) -> Counts {
    match tokio::time::timeout(COUNTED_WITHIN, queue.counts()).await {
        Ok(counts) => counts.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", COUNTED_WITHIN.as_secs())),
    }
}

/// The runs in the order of their episodes.
async fn states(store: &dyn ArtifactStore, args: &StatusArgs) -> anyhow::Result<Vec<RunState>> {
    let named = args.show.as_deref().map(Which::read);
    let found = match (named, args.season) {
        (Some(Which::Run(run)), None) => BTreeSet::from([run]),
        (Some(Which::Of(survey)), None) => runs(store, &survey).await?,
        _ => {
            let survey = Survey { show: args.show.clone(), season: args.season, episode: args.episode };
            runs(store, &survey).await?
        }
    };
    let states = stream::iter(&found).map(|run| state(store, run)).buffered(AT_ONCE).try_collect::<Vec<_>>();
    let mut states = states.await?;
    states.sort_by(|a, b| parts(&a.run).cmp(&parts(&b.run)));
    Ok(states)
}

/// What a run is in.
fn phase(state: &RunState) -> &'static str {
    let all_done = |progress: &Progress| progress.done >= progress.tasks;
    match (state.status, &state.analysis, &state.encoding) {
        (Some(_), ..) => "ended",
        (None, None, _) => "waiting",
        (None, Some(analysis), None) if !all_done(analysis) => "analysis",
        (None, Some(_), None) => "selection",
        (None, Some(_), Some(_)) => "encoding",
    }
}

fn is_known(state: &RunState) -> bool {
    state.status.is_some() || state.lane.is_some() || state.analysis.is_some()
}

fn as_text(states: &[RunState], counts: &Counts) -> String {
    let mut table = Table::new(&["EPISODE", "RUN", "STATUS", "LANE", "CHUNKS#", "CLIPS#", "FAILED#"]);
    let progress = |progress: &Option<Progress>| match progress {
        Some(progress) => format!("{}/{}", progress.done, progress.tasks),
        None => "-".to_owned(),
    };
    for state in states.iter().filter(|state| is_known(state)) {
        let failed = [&state.analysis, &state.encoding].into_iter().flatten().map(|progress| progress.failed);
        table.row([
            episode(&state.run),
            state.run.to_string(),
            standing(state),
            state.lane.map_or("-", |lane| lane.as_str()).to_owned(),
            progress(&state.analysis),
            progress(&state.encoding),
            failed.sum::<Option<usize>>().filter(|_| state.status.is_some()).map_or("-".to_owned(), |n| n.to_string()),
        ]);
    }
    let mut text = if table.is_empty() { "No run.\n".to_owned() } else { table.render() };
    match counts {
        Ok(counts) => text += &format!("\n{}", queues(counts)),
        Err(error) => drop(writeln!(text, "\nQueues: {error}")),
    }
    text
}

fn standing(state: &RunState) -> String {
    match (state.status, state.cancelled) {
        (Some(status), false) => status.as_str().to_owned(),
        (Some(status), true) => format!("{}, cancelled", status.as_str()),
        (None, true) => "being cancelled".to_owned(),
        (None, false) => phase(state).to_owned(),
    }
}

/// `suits S01E02`.
fn episode(run: &RunId) -> String {
    let (show, season, episode) = parts(run);
    format!("{show} S{season:02}E{episode:02}")
}

/// What lies in a work queue, before it and behind it.
struct Lying {
    name: Name,
    ready: u32,
    waiting: u32,
    consumers: u32,
    dead: u32,
    parked: u32,
}

impl Lying {
    fn all(counts: &BTreeMap<String, Count>) -> impl Iterator<Item = Self> {
        let count = |queue: &str| counts.get(queue).copied().unwrap_or_default();
        Name::ALL.into_iter().map(move |name| {
            let waits = format!("{name}.wait.");
            let shelf = |shelf| count(&Place::Shelf(name, shelf).to_string()).ready;
            Self {
                name,
                ready: count(name.as_str()).ready,
                waiting: counts.iter().filter(|(queue, _)| queue.starts_with(&waits)).map(|(_, c)| c.ready).sum(),
                consumers: count(name.as_str()).consumers,
                dead: shelf(Shelf::Dead),
                parked: shelf(Shelf::Parked),
            }
        })
    }
}

fn queues(counts: &BTreeMap<String, Count>) -> String {
    let mut table = Table::new(&["QUEUE", "READY#", "WAITING#", "CONSUMERS#", "DEAD#", "PARKED#"]);
    for lying in Lying::all(counts) {
        let numbers = [lying.ready, lying.waiting, lying.consumers, lying.dead, lying.parked];
        table.row([lying.name.to_string()].into_iter().chain(numbers.map(|number| number.to_string())));
    }
    table.render()
}

fn as_json(states: &[RunState], counts: &Counts) -> Value {
    let run = |state: &RunState| {
        let (show, season, episode) = parts(&state.run);
        json!({
            "run": state.run, "show": show, "season": season, "episode": episode,
            "phase": phase(state), "status": state.status, "cancelled": state.cancelled, "lane": state.lane,
            "analysis": state.analysis, "encoding": state.encoding,
        })
    };
    let queue = |lying: Lying| {
        json!({
            "name": lying.name.as_str(), "ready": lying.ready, "waiting": lying.waiting,
            "consumers": lying.consumers, "dead": lying.dead, "parked": lying.parked,
        })
    };
    let runs: Vec<Value> = states.iter().filter(|state| is_known(state)).map(run).collect();
    match counts {
        Ok(counts) => json!({ "runs": runs, "queues": Lying::all(counts).map(queue).collect::<Vec<_>>() }),
        Err(error) => json!({ "runs": runs, "queues": null, "queues_error": error }),
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::Lane;

    use super::*;

    fn states() -> Vec<RunState> {
        let progress = |done, tasks, failed| Some(Progress { done, tasks, failed });
        let of = |run: &str| RunState {
            run: RunId::parse(run).unwrap(),
            status: None,
            lane: Some(Lane::Bulk),
            cancelled: false,
            analysis: None,
            encoding: None,
        };
        vec![
            RunState {
                status: Some(EpisodeStatus::Partial),
                lane: None,
                analysis: progress(40, 40, Some(1)),
                encoding: progress(20, 20, Some(2)),
                ..of("suits-s01e01-0123abcd")
            },
            RunState {
                analysis: progress(40, 40, None),
                encoding: progress(3, 20, None),
                lane: Some(Lane::Interactive),
                ..of("suits-s01e02-0123abcd")
            },
            RunState { analysis: progress(7, 40, None), ..of("suits-s01e03-0123abcd") },
            RunState { cancelled: true, ..of("suits-s01e04-0123abcd") },
            RunState { lane: None, ..of("suits-s01e05-0123abcd") },
        ]
    }

    fn counted() -> Counts {
        let count = |ready, consumers| Count { ready, consumers };
        let counts = [
            ("episodes.v1", count(2, 1)),
            ("analysis.bulk.v1", count(1200, 8)),
            ("analysis.bulk.v1.wait.5s", count(3, 0)),
            ("analysis.bulk.v1.wait.10m", count(4, 0)),
            ("analysis.bulk.v1.parked", count(1, 0)),
            ("encoding.bulk.v1.dead", count(5, 0)),
        ];
        Ok(counts.map(|(name, count)| (name.to_owned(), count)).into())
    }

    #[test]
    fn runs_and_queues_are_two_tables() {
        insta::assert_snapshot!(as_text(&states(), &counted()));
    }

    #[test]
    fn a_broker_that_is_away_is_told_below_the_runs() {
        let text = as_text(&states(), &Err("queue langflix.work: not reached".to_owned()));
        assert!(text.ends_with("\n\nQueues: queue langflix.work: not reached\n"), "{text}");
        assert!(as_text(&[], &counted()).starts_with("No run.\n\nQUEUE"));
    }

    #[test]
    fn programs_get_the_same() {
        insta::assert_json_snapshot!(as_json(&states()[..2], &counted()));
    }
}
