//! What is seen of a whole season while the fleet works on it: one screen, or now and then a line.
//!
//! The [`Screen`] is a function of what was seen and when: it asks nothing and writes nothing. [`Live`] writes it.

mod bars;
mod estimate;
mod layout;
mod live;
mod paint;
mod terminal;
#[cfg(test)]
mod tests;

use std::time::Duration;

use langflix_domain::{EpisodeStatus, RunId};
use langflix_fleet::{
    pace::{Far, Pace},
    view::{Phase, Queue, Run},
};
use langflix_pipeline::fleet::Progress;

pub(crate) use live::Live;
pub(crate) use paint::fitted;
pub(crate) use terminal::{Happenings, Stream};

/// A run, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    pub(crate) run: RunId,
    /// The show as keys write it.
    pub(crate) show: String,
    /// What people call it, where that is known.
    pub(crate) show_name: Option<String>,
    pub(crate) season: u16,
    pub(crate) number: u16,
    pub(crate) phase: Phase,
    pub(crate) status: Option<EpisodeStatus>,
    pub(crate) cancelled: bool,
    pub(crate) analysis: Option<Progress>,
    pub(crate) encoding: Option<Progress>,
    /// Tasks that are known to have failed.
    pub(crate) failed: usize,
}

impl<'a> From<&'a Episode> for Far<'a> {
    fn from(episode: &'a Episode) -> Self {
        let stages = [episode.analysis, episode.encoding];
        Self { run: &episode.run, ended: episode.status.is_some(), stages }
    }
}

impl From<&Run> for Episode {
    fn from(run: &Run) -> Self {
        let stages = [&run.analysis, &run.encoding].into_iter().flatten();
        Self {
            run: run.run.clone(),
            show: run.show.clone(),
            show_name: run.show_name.clone(),
            season: run.season,
            number: run.episode,
            phase: run.phase,
            status: run.status,
            cancelled: run.cancelled,
            analysis: run.analysis,
            encoding: run.encoding,
            failed: stages.filter_map(|progress| progress.failed).sum(),
        }
    }
}

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) run: RunId,
    /// What people call it.
    pub(crate) label: String,
    pub(crate) message: String,
}

/// What one look showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// In the order of the season.
    pub(crate) episodes: Vec<Episode>,
    /// The latest first, as far as they are known.
    pub(crate) failures: Vec<Failed>,
    /// What lies in the queues, or why that is not known; `None` before it was asked for.
    pub(crate) queues: Option<Result<Vec<Queue>, String>>,
    /// Why what is shown may be old.
    pub(crate) trouble: Option<String>,
}

/// The season over time.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    pace: Pace,
    seen: Seen,
}

impl Screen {
    /// Takes in what a look at `at` showed, counted from any beginning.
    pub(crate) fn look(&mut self, at: Duration, seen: Seen) {
        self.pace.look(at, seen.episodes.iter().map(Far::from));
        self.seen = seen;
    }
}
