//! `langflix status --watch`: the same over and over.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use langflix_domain::{EpisodeStatus, RunId};
use langflix_fleet::view::{Run, RunFailure};

use super::status::{Queues, Source, as_json};
use crate::{
    cli::StatusArgs,
    progress::{
        noun,
        screen::{Episode, Failed, Happenings, Live, Seen, Stream},
    },
};

/// Between two looks, and between two where there are many runs to look at.
const BETWEEN_LOOKS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];
const MANY: usize = 100;
/// Runs whose failures are shown.
const LATEST: usize = 5;

/// Shows where the runs stand until the program is stopped.
///
/// # Errors
/// Where the first look fails, or stdout cannot be written.
pub(super) async fn watch(args: &StatusArgs, source: &dyn Source) -> anyhow::Result<EpisodeStatus> {
    let (mut runs, mut queues) = tokio::join!(source.runs(args), source.queues());
    let mut watched = Watched { last: runs?, failures: BTreeMap::new() };
    let mut shown = match args.json {
        true => Shown::Json(None),
        false => {
            let live = Live::on(Stream::Out).context("standard output")?;
            let happenings = Happenings::of(&live);
            Shown::Live(Box::new(live), happenings)
        }
    };
    let mut trouble = None;
    loop {
        watched.read_failures(source).await;
        let next = Instant::now() + BETWEEN_LOOKS[usize::from(watched.last.len() > MANY)];
        let written = match &mut shown {
            Shown::Json(told) => tell(told, &watched.last, &queues, trouble.take()),
            Shown::Live(live, _) => live.show(watched.seen(&queues, trouble.take())),
        };
        let written = match written {
            Ok(()) => idle(&mut shown, next).await,
            gone => gone,
        };
        match written {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(EpisodeStatus::Complete),
            written => written.context("standard output")?,
        }
        (runs, queues) = tokio::join!(source.runs(args), source.queues());
        match runs {
            Ok(runs) => watched.last = runs,
            // What was seen before is still the best that is known.
            Err(error) => trouble = Some(format!("{error:#}: this is how it was before")),
        }
    }
}

enum Shown {
    Live(Box<Live>, Happenings),
    /// With what was told last.
    Json(Option<String>),
}

/// One object a line, and only what is new.
fn tell(told: &mut Option<String>, runs: &[Run], queues: &Queues, trouble: Option<String>) -> io::Result<()> {
    let mut all = as_json(runs, queues);
    if let Some(trouble) = trouble {
        all["runs_error"] = trouble.into();
    }
    let line = all.to_string();
    if told.as_ref() == Some(&line) {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())?;
    *told = Some(line);
    Ok(())
}

/// Waits until then, and draws anew where the terminal changes.
async fn idle(shown: &mut Shown, until: Instant) -> io::Result<()> {
    let over = tokio::time::sleep_until(until.into());
    let Shown::Live(live, happenings) = shown else {
        over.await;
        return Ok(());
    };
    let mut over = std::pin::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => return Ok(()),
            happened = happenings.next() => live.happened(happened)?,
        }
    }
}

/// What was seen so far.
struct Watched {
    last: Vec<Run>,
    /// Of runs that have ended; they do not change.
    failures: BTreeMap<RunId, Vec<RunFailure>>,
}

impl Watched {
    /// The runs that ended last with failures, the latest first.
    fn latest(&self) -> impl Iterator<Item = &Run> {
        let failed = |run: &&Run| matches!(run.status, Some(EpisodeStatus::Partial | EpisodeStatus::Failed));
        let mut runs: Vec<&Run> = self.last.iter().filter(failed).collect();
        // RFC 3339 in UTC sorts by time.
        runs.sort_by(|a, b| b.finished_at.cmp(&a.finished_at));
        runs.into_iter().take(LATEST)
    }

    async fn read_failures(&mut self, source: &dyn Source) {
        // A run that is taken up again may fail otherwise.
        let open = self.last.iter().filter(|run| run.status.is_none()).map(|run| &run.run);
        for run in open {
            self.failures.remove(run);
        }
        let unread: Vec<RunId> =
            self.latest().map(|run| &run.run).filter(|run| !self.failures.contains_key(*run)).cloned().collect();
        for run in unread {
            // They are read at the next look.
            if let Ok(failures) = source.failures(&run).await {
                self.failures.insert(run, failures);
            }
        }
    }

    fn seen(&self, queues: &Queues, trouble: Option<String>) -> Seen {
        let of = |run: &Run| {
            let failed = |failure: &RunFailure| Failed {
                run: run.run.clone(),
                label: match failure.label.as_str() {
                    RunFailure::WHOLE => failure.label.clone(),
                    label => format!("{} {label}", noun(failure.stage)),
                },
                message: failure.message.clone(),
            };
            self.failures.get(&run.run).into_iter().flatten().map(failed).collect::<Vec<_>>()
        };
        Seen {
            episodes: self.last.iter().map(Episode::from).collect(),
            failures: self.latest().flat_map(of).collect(),
            queues: Some(queues.clone()),
            trouble,
        }
    }
}
