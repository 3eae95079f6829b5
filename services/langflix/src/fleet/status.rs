//! `langflix status`: where runs stand, and what lies in the queues.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use anyhow::bail;
use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{EpisodeStatus, Prices, RunId};
use langflix_fleet::{
    Which,
    view::{Queue, Run, RunDetails, RunFailure},
};
use langflix_pipeline::{
    Error,
    fleet::{Progress, Survey, manifest, runs, state},
};
use langflix_ports::store::ArtifactStore;
use langflix_rabbitmq::RabbitQueue;
use serde_json::{Value, json};

use super::{table::Table, watch};
use crate::{Parting, cli::StatusArgs, progress::screen::fitted, say};

/// Runs looked at at once.
const AT_ONCE: usize = 16;
/// Most columns of a show's name.
const LONGEST_NAME: usize = 40;
/// How long the servers may take to say what lies in the queues.
const COUNTED_WITHIN: Duration = Duration::from_secs(10);

pub(crate) type Queues = Result<Vec<Queue>, String>;

/// Who tells where the fleet stands.
#[async_trait]
pub(crate) trait Source: Send + Sync {
    /// The runs that the arguments name, in the order of their episodes.
    ///
    /// # Errors
    /// Where they cannot be found out.
    async fn runs(&self, args: &StatusArgs) -> anyhow::Result<Vec<Run>>;

    /// What lies in the queues, or why that is not known.
    async fn queues(&self) -> Queues;

    /// What failed in a run that has ended.
    ///
    /// # Errors
    /// Where that cannot be found out.
    async fn failures(&self, run: &RunId) -> anyhow::Result<Vec<RunFailure>>;
}

/// The fleet's own servers.
pub(crate) struct Servers<'a> {
    pub(crate) store: &'a dyn ArtifactStore,
    pub(crate) queue: &'a RabbitQueue,
    pub(crate) prices: Option<&'a Prices>,
}

/// Prints where the runs that the arguments name stand.
///
/// # Errors
/// Where the source cannot be asked, or stdout not be written.
pub(crate) async fn status(args: &StatusArgs, source: &dyn Source, parting: &Parting) -> anyhow::Result<EpisodeStatus> {
    parting.set("");
    if args.watch {
        return watch::watch(args, source).await;
    }
    let (runs, queues) = tokio::join!(source.runs(args), source.queues());
    let runs = runs?;
    if let Some(show) = args.show.as_deref().filter(|_| runs.is_empty()) {
        let numbers = [("season", args.season), ("episode", args.episode)];
        let numbers: String =
            numbers.iter().filter_map(|(what, number)| Some(format!(", {what} {}", (*number)?))).collect();
        bail!("{show}{numbers}: no such run was ever submitted: `langflix status` lists them");
    }
    match args.json {
        true => say::out!("{:#}", as_json(&runs, &queues))?,
        false => say::out!("{}", as_text(&runs, &queues).trim_end())?,
    }
    let unreadable = runs.iter().filter_map(|run| Some((&run.run, run.unreadable.as_ref()?)));
    let unreadable = unreadable.inspect(|(run, why)| say::error(format_args!("{run}: {why}"))).count();
    Ok(if unreadable == 0 { EpisodeStatus::Complete } else { EpisodeStatus::Failed })
}

/// What lies in the queues of this broker.
pub(crate) async fn queues(queue: &RabbitQueue) -> Queues {
    match tokio::time::timeout(COUNTED_WITHIN, queue.counts()).await {
        Ok(counts) => counts.map(|counts| Queue::all(&counts)).map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", COUNTED_WITHIN.as_secs())),
    }
}

#[async_trait]
impl Source for Servers<'_> {
    async fn runs(&self, args: &StatusArgs) -> anyhow::Result<Vec<Run>> {
        let named = args.show.as_deref().map(Which::read);
        let found = match (named, args.season) {
            (Some(Which::Run(run)), None) => BTreeSet::from([run]),
            (Some(Which::Of(survey)), None) => runs(self.store, &survey).await?,
            _ => {
                let survey = Survey { show: args.show.clone(), season: args.season, episode: args.episode };
                runs(self.store, &survey).await?
            }
        };
        let look = |run: RunId| async move {
            match state(self.store, &run).await {
                Ok(state) => Ok(state.is_known().then(|| Run::of(&state, self.prices))),
                // One run's unreadable record keeps no other from being seen.
                Err(error @ Error::Record { .. }) => Ok(Some(Run::unreadable(&run, &error))),
                Err(error) => Err(error),
            }
        };
        let runs: Vec<Option<Run>> = stream::iter(found).map(look).buffered(AT_ONCE).try_collect().await?;
        let mut runs: Vec<Run> = runs.into_iter().flatten().collect();
        runs.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(runs)
    }

    async fn queues(&self) -> Queues {
        queues(self.queue).await
    }

    async fn failures(&self, run: &RunId) -> anyhow::Result<Vec<RunFailure>> {
        let (state, manifest) = (state(self.store, run).await?, manifest(self.store, run).await?);
        Ok(RunDetails::of(&state, manifest.as_ref(), self.prices).failures)
    }
}

fn as_text(runs: &[Run], queues: &Queues) -> String {
    let mut table = Table::new(&["EPISODE", "FOR", "RUN", "STATUS", "LANE", "CHUNKS#", "CLIPS#", "FAILED#"]);
    let progress = |progress: &Option<Progress>| match progress {
        Some(progress) => format!("{}/{}", progress.done, progress.tasks),
        None => "-".to_owned(),
    };
    for run in runs {
        let failed = [&run.analysis, &run.encoding].into_iter().flatten().map(|progress| progress.failed);
        table.row([
            episode(run),
            run.language.as_ref().map_or("-", |language| language.as_str()).to_owned(),
            run.run.to_string(),
            standing(run),
            run.lane.map_or("-", |lane| lane.as_str()).to_owned(),
            progress(&run.analysis),
            progress(&run.encoding),
            failed.sum::<Option<usize>>().filter(|_| run.status.is_some()).map_or("-".to_owned(), |n| n.to_string()),
        ]);
    }
    let mut text = if table.is_empty() { "No run.\n".to_owned() } else { table.render() };
    match queues {
        Ok(queues) => text += &format!("\n{}", queue_table(queues)),
        Err(error) => drop(writeln!(text, "\nQueues: {error}")),
    }
    text
}

fn standing(run: &Run) -> String {
    match (run.status, run.cancelled) {
        (Some(status), false) => status.as_str().to_owned(),
        (Some(status), true) => format!("{}, cancelled", status.as_str()),
        (None, true) => "being cancelled".to_owned(),
        (None, false) => run.phase.as_str().to_owned(),
    }
}

/// `Suits S01E02`.
fn episode(run: &Run) -> String {
    format!("{} S{:02}E{:02}", fitted(run.show_name(), LONGEST_NAME), run.season, run.episode)
}

fn queue_table(queues: &[Queue]) -> String {
    let mut table = Table::new(&["QUEUE", "READY#", "WAITING#", "CONSUMERS#", "DEAD#", "PARKED#"]);
    for queue in queues {
        let numbers = [queue.ready, queue.waiting, queue.consumers, queue.dead, queue.parked];
        table.row([queue.name.clone()].into_iter().chain(numbers.map(|number| number.to_string())));
    }
    table.render()
}

pub(super) fn as_json(runs: &[Run], queues: &Queues) -> Value {
    match queues {
        Ok(queues) => json!({ "runs": runs, "queues": queues }),
        Err(error) => json!({ "runs": runs, "queues": null, "queues_error": error }),
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::{Lane, Usage};
    use langflix_pipeline::fleet::{Ending, RunState};
    use langflix_rabbitmq::Count;

    use super::*;

    fn runs() -> Vec<Run> {
        let progress = |done, tasks, failed| Some(Progress { done, tasks, failed });
        let of = |run: &str| RunState {
            run: RunId::parse(run).unwrap(),
            show: Some("Suits".to_owned()),
            language: Some("ko".parse().unwrap()),
            lane: Some(Lane::Bulk),
            submitted_at_ms: Some(1_798_761_599_000),
            cancelled: false,
            analysis: None,
            encoding: None,
            spent: Usage::default(),
            ending: None,
        };
        let ending =
            Ending { status: EpisodeStatus::Partial, finished_at: "2026-12-31T23:59:59Z".to_owned(), clips: 18 };
        let states = [
            RunState {
                ending: Some(ending),
                spent: Usage { requests: 41, input_tokens: 41_000, output_tokens: 4_100 },
                lane: None,
                submitted_at_ms: None,
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
        ];
        states.iter().map(|state| Run::of(state, None)).collect()
    }

    fn counted() -> Queues {
        let count = |ready, consumers| Count { ready, consumers };
        let counts = [
            ("episodes.v1", count(2, 1)),
            ("analysis.bulk.v1", count(1200, 8)),
            ("analysis.bulk.v1.wait.5s", count(3, 0)),
            ("analysis.bulk.v1.wait.10m", count(4, 0)),
            ("analysis.bulk.v1.parked", count(1, 0)),
            ("encoding.bulk.v1.dead", count(5, 0)),
        ];
        Ok(Queue::all(&counts.map(|(name, count)| (name.to_owned(), count)).into()))
    }

    #[test]
    fn runs_and_queues_are_two_tables() {
        insta::assert_snapshot!(as_text(&runs(), &counted()));
    }

    #[test]
    fn a_broker_that_is_away_is_told_below_the_runs() {
        let text = as_text(&runs(), &Err("queue langflix.work: not reached".to_owned()));
        assert!(text.ends_with("\n\nQueues: queue langflix.work: not reached\n"), "{text}");
        assert!(as_text(&[], &counted()).starts_with("No run.\n\nQUEUE"));
    }

    #[test]
    fn programs_get_the_same() {
        insta::assert_json_snapshot!(as_json(&runs()[..2], &counted()));
    }
}
