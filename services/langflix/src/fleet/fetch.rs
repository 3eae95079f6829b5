//! `langflix fetch`: a run's results, laid out as those of `langflix run`.

use std::path::Path;

use langflix_domain::{EpisodeStatus, Manifest, RunId};
use langflix_pipeline::fleet::{manifest, state};
use langflix_ports::store::{self, ArtifactStore};

use super::which;
use crate::{
    Several,
    cli::Output,
    run::{deliver, report},
    say,
};

/// Brings the results of the named runs to `out`. Gives how they ended.
///
/// # Errors
/// Where one has not ended yet or is not there.
pub(crate) async fn fetch(
    store: &dyn ArtifactStore,
    name: &str,
    out: &Path,
    output: Output,
) -> anyhow::Result<EpisodeStatus> {
    let (mut ends, mut missing) = (Vec::new(), Vec::new());
    for run in which::newest(store, name).await? {
        match manifest(store, &run).await? {
            Some(manifest) => ends.push(bring(store, out, manifest, output).await?),
            None => missing.push(unfinished(store, &run).await?),
        }
    }
    if ends.is_empty() {
        return Err(Several(missing).into());
    }
    for missing in &missing {
        say::error(missing);
        ends.push(EpisodeStatus::Failed);
    }
    Ok(report::overall(&ends))
}

async fn bring(
    store: &dyn ArtifactStore,
    out: &Path,
    manifest: Manifest,
    output: Output,
) -> anyhow::Result<EpisodeStatus> {
    let newer = deliver::newer(out, &manifest);
    let run = manifest.run.clone();
    let delivered = deliver::deliver(store, out, manifest).await;
    let manifest = delivered.map_err(|error| match error.downcast_ref::<store::Error>() {
        Some(store::Error { kind: store::ErrorKind::NotFound, .. }) => error.context(format!(
            "{run}: a clip's file was removed from the bucket: `langflix retry {run}` encodes it again"
        )),
        _ => error,
    })?;
    if let Some(newer) = newer {
        tracing::warn!(%run, replaced = %newer, "takes the place of a newer run: `langflix fetch` of that brings it back");
    }
    deliver::deliver_index(out, &manifest.episode.show, &[])?;
    report::delivered(&manifest, out, output);
    Ok(manifest.status)
}

async fn unfinished(store: &dyn ArtifactStore, run: &RunId) -> anyhow::Result<String> {
    let state = state(store, run).await?;
    Ok(match state.lane {
        _ if state.ending.is_some() => format!("{run}: ended just now: the same command again fetches it"),
        Some(_) => format!("{run}: has not ended yet: `langflix status {run}` tells how far it is"),
        None => format!("{run}: there is no such run in this bucket: `langflix status` lists them"),
    })
}
