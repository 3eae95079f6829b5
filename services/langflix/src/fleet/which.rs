use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use langflix_domain::RunId;
use langflix_fleet::{Which, parts};
use langflix_pipeline::fleet::{Survey, latest_runs};
use langflix_ports::store::ArtifactStore;

use crate::Usage;

/// The run of that name, or the newest of each episode that it names.
///
/// # Errors
/// Where there is none.
pub(crate) async fn newest(store: &dyn ArtifactStore, text: &str) -> anyhow::Result<Vec<RunId>> {
    let survey = match Which::read(text) {
        Which::Run(run) => return Ok(vec![run]),
        Which::Of(survey) => survey,
    };
    let mut seen = BTreeSet::new();
    let mut runs = latest_runs(store, &survey).await?;
    runs.retain(|run| {
        let (show, season, episode) = parts(run);
        seen.insert((show.to_owned(), season, episode))
    });
    runs.sort_by(|a, b| parts(a).cmp(&parts(b)));
    if runs.is_empty() {
        bail!("{text}: no such run was ever submitted: `langflix status` lists them");
    }
    Ok(runs)
}

/// The one run that is named: an episode's newest.
///
/// # Errors
/// Where there is none; where a season or a show is named that there is, [`Usage`].
pub(crate) async fn one(store: &dyn ArtifactStore, text: &str) -> anyhow::Result<RunId> {
    let mut runs = newest(store, text).await?;
    if let Which::Of(Survey { episode: None, .. }) = Which::read(text) {
        return Err(Usage(format!("'{text}' names no run: give one, or an episode as in suits-s01e02")).into());
    }
    runs.pop().context("no run")
}
