use langflix_domain::RunId;
use langflix_pipeline::fleet::Survey;

/// What a user calls runs by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// One, by its whole name.
    Run(RunId),
    /// Those of a show, a season or an episode.
    Of(Survey),
}

impl Which {
    /// Reads `suits-s01e02-1f2e3d4c`, `suits-s01e02`, `suits-s01` and `suits`.
    pub fn read(text: &str) -> Self {
        if let Some(run) = RunId::parse(text) {
            return Self::Run(run);
        }
        let numbered = text.rsplit_once('-').and_then(|(show, code)| Some((show, numbers(code)?)));
        Self::Of(match numbered.filter(|(show, _)| !show.is_empty()) {
            Some((show, (season, episode))) => Survey { show: Some(show.to_owned()), season: Some(season), episode },
            None => Survey { show: Some(text.to_owned()), season: None, episode: None },
        })
    }
}

/// `s01e02` or `s01`.
fn numbers(code: &str) -> Option<(u16, Option<u16>)> {
    let rest = code.strip_prefix(['s', 'S'])?;
    match rest.split_once(['e', 'E']) {
        Some((season, episode)) => Some((season.parse().ok()?, Some(episode.parse().ok()?))),
        None => Some((rest.parse().ok()?, None)),
    }
}

/// What a run's name says: the show as keys write it, the season and the episode.
pub fn parts(run: &RunId) -> (&str, u16, u16) {
    let episode = run.as_str().rsplit_once('-').map_or(run.as_str(), |(episode, _)| episode);
    let (show, code) = episode.rsplit_once('-').unwrap_or((episode, ""));
    let (season, episode) = numbers(code).unwrap_or_default();
    (show, season, episode.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use langflix_domain::{Digest, EpisodeId};

    use super::*;

    fn of(show: &str, season: Option<u16>, episode: Option<u16>) -> Which {
        Which::Of(Survey { show: Some(show.to_owned()), season, episode })
    }

    #[test]
    fn runs_are_called_by_their_names_or_what_these_begin_with() {
        let run = RunId::parse("the-long-way-home-s01e02-1f2e3d4c").unwrap();
        assert_eq!(Which::read(run.as_str()), Which::Run(run));
        assert_eq!(Which::read("the-long-way-home-s01e02"), of("the-long-way-home", Some(1), Some(2)));
        assert_eq!(Which::read("suits-S1"), of("suits", Some(1), None));
        for show in ["suits", "The Long Way Home", "s-club", "-s01e02", "24"] {
            assert_eq!(Which::read(show), of(show, None, None), "{show}");
        }
    }

    #[test]
    fn a_run_tells_its_episode() {
        let episode = EpisodeId { show: "The Long-Way Home".to_owned(), season: 1, episode: 102 };
        assert_eq!(parts(&RunId::new(&episode, &Digest::of_bytes(b"x"))), ("the-long-way-home", 1, 102));
    }
}
