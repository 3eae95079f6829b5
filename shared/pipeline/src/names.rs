use std::collections::BTreeSet;

use langflix_domain::{RunId, Stage};
use langflix_ports::store::ArtifactStore;

use crate::{
    Error,
    stored::{cancelled_key, done_among, manifest_key, plan_key},
};

/// The names of what there is of a run in the store: one request tells where it stands.
pub(crate) struct Names {
    run: RunId,
    /// Sorted.
    keys: Vec<String>,
}

impl Names {
    pub(crate) async fn of(store: &dyn ArtifactStore, run: &RunId) -> Result<Self, Error> {
        Ok(Self { run: run.clone(), keys: store.list(&format!("runs/{run}/")).await? })
    }

    /// Whether the run has its manifest.
    pub(crate) fn has_ended(&self) -> bool {
        self.has(&manifest_key(&self.run))
    }

    /// Whether somebody cancelled the run.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.has(&cancelled_key(&self.run))
    }

    /// Whether a stage has its plan.
    pub(crate) fn is_planned(&self, stage: Stage) -> bool {
        self.has(&plan_key(&self.run, stage))
    }

    /// The tasks of a stage that have an outcome.
    pub(crate) fn done(&self, stage: Stage) -> BTreeSet<String> {
        done_among(&self.keys, &self.run, stage)
    }

    fn has(&self, key: &str) -> bool {
        self.keys.binary_search_by(|other| other.as_str().cmp(key)).is_ok()
    }
}
