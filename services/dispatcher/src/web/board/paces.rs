use std::{collections::BTreeMap, time::Duration};

use langflix_fleet::{
    pace::{Far, Pace},
    view::{Run, SeasonPace},
};

/// How quickly the seasons go on of which a run is open.
#[derive(Default)]
pub(super) struct Paces {
    of: BTreeMap<(String, u16), Pace>,
}

impl Paces {
    /// Takes in where all runs stood at `at`.
    pub(super) fn look<'a>(&mut self, at: Duration, runs: impl Iterator<Item = &'a Run>) -> Vec<SeasonPace> {
        let mut seasons = BTreeMap::<(&str, u16), Vec<&Run>>::new();
        for run in runs {
            seasons.entry((&run.show, run.season)).or_default().push(run);
        }
        seasons.retain(|_, runs| runs.iter().any(|run| run.is_open()));
        self.of.retain(|(show, season), _| seasons.contains_key(&(show.as_str(), *season)));
        let told = seasons.into_iter().map(|((show, season), runs)| {
            let far = || runs.iter().copied().map(Far::from);
            let pace = self.of.entry((show.to_owned(), season)).or_default();
            pace.look(at, far());
            SeasonPace::new(show, season, pace.a_minute(), pace.left(far()))
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::{EpisodeStatus, RunId, Usage};
    use langflix_pipeline::fleet::{Ending, Progress, RunState};

    use super::*;

    fn run(name: &str, done: usize, ended: bool) -> Run {
        let progress = |done| Some(Progress { done, tasks: 20, failed: None });
        let ending =
            Ending { status: EpisodeStatus::Complete, finished_at: "2026-12-31T23:59:59Z".to_owned(), clips: 20 };
        let state = RunState {
            run: RunId::parse(name).unwrap(),
            show: None,
            language: None,
            lane: None,
            submitted_at_ms: None,
            cancelled: false,
            analysis: progress(20),
            encoding: progress(done),
            spent: Usage::default(),
            ending: ended.then_some(ending),
        };
        Run::of(&state, None)
    }

    #[test]
    fn each_season_that_goes_on_has_a_pace_of_its_own() {
        let (mut paces, mut told) = (Paces::default(), Vec::new());
        for minute in 0..3 {
            let runs = [
                run("dark-s01e01-0123abcd", 2 * minute, false),
                run("suits-s01e01-0123abcd", 20, true),
                run("suits-s02e01-0123abcd", 5 * minute, false),
            ];
            told = paces.look(Duration::from_secs(60 * minute as u64), runs.iter());
        }
        let of = |show: &str, season, clips, minutes: u64| SeasonPace {
            show: show.to_owned(),
            season,
            chunks_a_minute: Some(0.0),
            clips_a_minute: Some(clips),
            seconds_left: Some(60 * minutes),
        };
        assert_eq!(told, [of("dark", 1, 2.0, 8), of("suits", 2, 5.0, 2)]);
        let over = [run("dark-s01e01-0123abcd", 20, true), run("suits-s02e01-0123abcd", 20, true)];
        assert!(paces.look(Duration::from_secs(240), over.iter()).is_empty() && paces.of.is_empty());
    }
}
