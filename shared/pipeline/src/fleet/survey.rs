use std::{collections::BTreeSet, future::ready};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{Manifest, RunId, slug};
use langflix_ports::store::ArtifactStore;

use crate::{
    Error, RunRequest,
    complete::so_far,
    stored::{self, READS_AT_ONCE, manifest_key, read, run_of_show_key},
};

/// Which runs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Of this show, by its name or its slug; of all where it is `None`.
    pub show: Option<String>,
    /// Of this season.
    pub season: Option<u16>,
    /// Of this episode.
    pub episode: Option<u16>,
}

impl Survey {
    fn prefix(&self) -> String {
        let Some(show) = &self.show else { return "shows/".to_owned() };
        let show = slug(show);
        match (self.season, self.episode) {
            (Some(season), Some(episode)) => format!("shows/{show}/s{season:02}/e{episode:02}/"),
            (Some(season), None) => format!("shows/{show}/s{season:02}/"),
            (None, _) => format!("shows/{show}/"),
        }
    }
}

/// The runs that were ever submitted, in the order of their names.
///
/// # Errors
/// [`Error`] where the store cannot be read.
pub async fn runs(store: &dyn ArtifactStore, survey: &Survey) -> Result<BTreeSet<RunId>, Error> {
    let keys = store.list(&survey.prefix()).await?;
    Ok(keys.iter().filter_map(|key| run_of_show_key(key)).collect())
}

/// The runs that were ever submitted, the latest first.
///
/// # Errors
/// [`Error`] where the store or a record cannot be read.
pub async fn latest_runs(store: &dyn ArtifactStore, survey: &Survey) -> Result<Vec<RunId>, Error> {
    let keys = store.list(&survey.prefix()).await?;
    let at = |key: String| async move {
        let run = run_of_show_key(&key);
        let at = read::<u64>(store, &key).await?;
        Ok::<_, Error>(at.zip(run))
    };
    let mut found: Vec<(u64, RunId)> =
        stream::iter(keys).map(at).buffered(READS_AT_ONCE).try_filter_map(|one| ready(Ok(one))).try_collect().await?;
    found.sort_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|(_, run)| run).collect())
}

/// The runs that have not ended.
///
/// # Errors
/// [`Error`] where the store cannot be read.
pub async fn open_runs(store: &dyn ArtifactStore) -> Result<BTreeSet<RunId>, Error> {
    stored::open_runs(store).await
}

/// How `run` ended; `None` where it has not, or there is no such run.
///
/// # Errors
/// [`Error`] where the store or the record cannot be read.
pub async fn manifest(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<Manifest>, Error> {
    read(store, &manifest_key(run)).await
}

/// What came so far of `run`, which has not ended, in the form of its manifest; `None` where there is no such run.
///
/// # Errors
/// [`Error`] where the store or a record cannot be read.
pub async fn manifest_so_far(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<Manifest>, Error> {
    match RunRequest::of(store, run).await? {
        Some(asked) => so_far(store, &asked, None).await.map(Some),
        None => Ok(None),
    }
}

/// How `run` ended, as it is stored; `None` where it has not, or there is no such run.
///
/// # Errors
/// [`Error`] where the store cannot be read.
pub async fn stored_manifest(store: &dyn ArtifactStore, run: &RunId) -> Result<Option<Vec<u8>>, Error> {
    Ok(store.get(&manifest_key(run)).await?)
}
