use std::time::{Duration, SystemTime};

use langflix_domain::{
    EpisodeStatus, FailureKind, Lane, LanguageTag, Manifest, ManifestFailure, Prices, RunId, Span, Stage, Usage,
};
use langflix_pipeline::{
    Error,
    fleet::{Progress, RunState},
    is_of_run, rfc3339,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::which::parts;

/// A run, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Its name.
    pub run: RunId,
    /// The show as keys write it.
    pub show: String,
    /// The show's name; null where it is not known.
    pub show_name: Option<String>,
    /// The season.
    pub season: u16,
    /// The episode.
    pub episode: u16,
    /// The learner's language; null where it is not known.
    pub language: Option<LanguageTag>,
    /// What it is in.
    pub phase: Phase,
    /// How it ended; null while it has not.
    pub status: Option<EpisodeStatus>,
    /// Whether somebody cancelled it.
    pub cancelled: bool,
    /// How urgent it is, while it has not ended.
    pub lane: Option<Lane>,
    /// When it was submitted, while it has not ended and where that is known; RFC 3339 in UTC.
    pub submitted_at: Option<String>,
    /// Its chunks, once they are planned.
    pub analysis: Option<Progress>,
    /// Its clips, once they are planned.
    pub encoding: Option<Progress>,
    /// When it ended, RFC 3339 in UTC.
    pub finished_at: Option<String>,
    /// The clips that were encoded, at its end.
    pub clips: Option<usize>,
    /// What was asked of the provider: until its end, or until it was taken up again after one; null before the first.
    pub spend: Option<RunSpend>,
    /// Why what is recorded of it cannot be read; null where it can. Nothing but its name is known then.
    pub unreadable: Option<String>,
    /// As `submitted_at`, in milliseconds since 1970.
    #[serde(skip)]
    pub submitted_at_ms: Option<u64>,
}

/// What a run is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It waits to be planned.
    Waiting,
    /// Its chunks are analysed.
    Analysis,
    /// Its clips are chosen.
    Selection,
    /// Its clips are encoded.
    Encoding,
    /// It has ended.
    Ended,
    /// What is recorded of it cannot be read.
    Unreadable,
}

impl Phase {
    /// The name that people and programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Analysis => "analysis",
            Self::Selection => "selection",
            Self::Encoding => "encoding",
            Self::Ended => "ended",
            Self::Unreadable => "unreadable",
        }
    }

    fn of(state: &RunState) -> Self {
        let all_done = |progress: &Progress| progress.done >= progress.tasks;
        match (&state.ending, &state.analysis, &state.encoding) {
            (Some(_), ..) => Self::Ended,
            (None, None, _) => Self::Waiting,
            (None, Some(analysis), None) if !all_done(analysis) => Self::Analysis,
            (None, Some(_), None) => Self::Selection,
            (None, Some(_), Some(_)) => Self::Encoding,
        }
    }
}

/// What a run asked of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSpend {
    /// What it costs; null where no price is configured.
    pub amount: Option<f64>,
    /// Requests sent.
    pub requests: u64,
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
}

impl RunSpend {
    fn of(usage: Usage, prices: Option<&Prices>) -> Self {
        Self {
            amount: prices.map(|prices| prices.amount(usage)),
            requests: usage.requests.into(),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
        }
    }
}

impl Run {
    /// The run that stands so, with what it costs by `prices`.
    pub fn of(state: &RunState, prices: Option<&Prices>) -> Self {
        let (show, season, episode) = parts(&state.run);
        let ending = state.ending.as_ref();
        let submitted = |ms| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
        Self {
            run: state.run.clone(),
            show: show.to_owned(),
            show_name: state.show.clone(),
            season,
            episode,
            language: state.language.clone(),
            phase: Phase::of(state),
            status: ending.map(|ending| ending.status),
            cancelled: state.cancelled,
            lane: state.lane,
            submitted_at: state.submitted_at_ms.map(submitted),
            analysis: state.analysis,
            encoding: state.encoding,
            finished_at: ending.map(|ending| ending.finished_at.clone()),
            clips: ending.map(|ending| ending.clips),
            spend: (ending.is_some() || state.spent != Usage::default()).then(|| RunSpend::of(state.spent, prices)),
            unreadable: None,
            submitted_at_ms: state.submitted_at_ms,
        }
    }

    /// A run whose records cannot be read, and why.
    pub fn unreadable(run: &RunId, why: &Error) -> Self {
        let unknown = RunState {
            run: run.clone(),
            show: None,
            language: None,
            lane: None,
            submitted_at_ms: None,
            cancelled: false,
            analysis: None,
            encoding: None,
            spent: Usage::default(),
            ending: None,
        };
        Self { phase: Phase::Unreadable, unreadable: Some(why.to_string()), ..Self::of(&unknown, None) }
    }

    /// Whether more may come of it.
    pub fn is_open(&self) -> bool {
        self.status.is_none() && self.unreadable.is_none()
    }

    /// What people call the show.
    pub fn show_name(&self) -> &str {
        self.show_name.as_deref().unwrap_or(&self.show)
    }

    /// By what runs are ordered: the show, the season, the episode; those of one episode by when they ended, the open ones
    /// last and by when they were submitted.
    pub fn order(&self) -> impl Ord {
        // RFC 3339 in UTC sorts by time.
        let ended = (self.finished_at.is_none(), &self.finished_at);
        (&self.show, self.season, self.episode, ended, self.submitted_at_ms, &self.run)
    }
}

/// A run, what failed in it, and what a reader of its results must know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunDetails {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What failed so far, in the order of the episode.
    pub failures: Vec<RunFailure>,
    /// What a reader must know, such as why translations are missing; empty while the run has not ended.
    pub notes: Vec<String>,
}

/// Something that failed in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunFailure {
    /// In which stage.
    pub stage: Stage,
    /// Which task.
    pub task: String,
    /// What people call it: a clip's expression, a chunk's time.
    pub label: String,
    /// What sort of failure.
    pub kind: FailureKind,
    /// Why, and what to do.
    pub message: String,
}

impl RunDetails {
    /// The run that stands so, and what its manifest says, or would say if it ended now.
    pub fn of(state: &RunState, manifest: Option<&Manifest>, prices: Option<&Prices>) -> Self {
        let failures = manifest
            .map(|manifest| manifest.failures.iter().map(|failure| RunFailure::of(failure, manifest)).collect());
        let notes = manifest.filter(|_| state.ending.is_some()).map(|manifest| manifest.notes.clone());
        Self { run: Run::of(state, prices), failures: failures.unwrap_or_default(), notes: notes.unwrap_or_default() }
    }
}

impl RunFailure {
    /// What people call a failure of the run itself and of no task.
    pub const WHOLE: &str = "the whole run";

    fn of(failed: &ManifestFailure, manifest: &Manifest) -> Self {
        let clip = manifest.clips.iter().find(|clip| clip.id.as_str() == failed.task);
        let Span { start, end } = failed.span;
        let label = match clip {
            Some(clip) => clip.expression.clone(),
            None if is_of_run(failed) => Self::WHOLE.to_owned(),
            None => format!("{start} to {end}"),
        };
        Self {
            stage: failed.stage,
            task: failed.task.clone(),
            label,
            kind: failed.failure.kind,
            message: failed.failure.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use langflix_pipeline::fleet::Ending;

    use super::*;

    #[test]
    fn runs_of_an_episode_are_ordered_by_when_they_ended_and_open_ones_come_last() {
        let run = |name: &str, finished_at: Option<&str>, submitted_at_ms| {
            let ending = |at: &str| Ending { status: EpisodeStatus::Complete, finished_at: at.to_owned(), clips: 0 };
            let state = RunState {
                run: RunId::parse(name).unwrap(),
                show: None,
                language: None,
                lane: None,
                submitted_at_ms,
                cancelled: false,
                analysis: None,
                encoding: None,
                spent: Usage::default(),
                ending: finished_at.map(ending),
            };
            Run::of(&state, None)
        };
        let mut runs = [
            run("suits-s01e02-00000000", Some("2026-01-01T00:00:00Z"), None),
            run("suits-s01e01-11111111", None, Some(7)),
            run("suits-s01e01-22222222", None, Some(6)),
            run("suits-s01e01-33333333", Some("2026-01-03T00:00:00Z"), None),
            run("suits-s01e01-44444444", Some("2026-01-02T00:00:00Z"), None),
        ];
        runs.sort_by(|a, b| a.order().cmp(&b.order()));
        let last = runs.map(|run| run.run.as_str().chars().last().unwrap());
        assert_eq!(last, ['4', '3', '2', '1', '0']);
    }
}
