use std::collections::BTreeSet;

use langflix_domain::{Footage, RunId, Stage, TaskId};
use langflix_ports::store::ArtifactStore;

use super::{Order, TaskOrder};
use crate::{
    AnalysisPlan, AnalysisTask, EncodingPlan, EncodingTask, Error,
    stored::{plan_key, read},
};

/// The tasks of a plan that are work for somebody.
pub(super) enum Tasks {
    Analysis(Vec<AnalysisTask>),
    Encoding(Vec<EncodingTask>),
}

impl From<AnalysisPlan> for Tasks {
    fn from(plan: AnalysisPlan) -> Self {
        Self::Analysis(plan.tasks)
    }
}

impl From<EncodingPlan> for Tasks {
    fn from(plan: EncodingPlan) -> Self {
        Self::Encoding(plan.tasks.into_iter().filter(|task| task.clip.is_some()).collect())
    }
}

impl Tasks {
    /// The tasks of a stage that is planned.
    pub(super) async fn of(store: &dyn ArtifactStore, run: &RunId, stage: Stage) -> Result<Option<Self>, Error> {
        let key = plan_key(run, stage);
        Ok(match stage {
            Stage::Analysis => read::<AnalysisPlan>(store, &key).await?.map(Self::from),
            Stage::Encoding => read::<EncodingPlan>(store, &key).await?.map(Self::from),
        })
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Analysis(_) => Stage::Analysis,
            Self::Encoding(_) => Stage::Encoding,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Analysis(tasks) => tasks.len(),
            Self::Encoding(tasks) => tasks.len(),
        }
    }

    pub(super) fn ids(&self) -> Vec<&TaskId> {
        match self {
            Self::Analysis(tasks) => tasks.iter().map(|task| &task.id).collect(),
            Self::Encoding(tasks) => tasks.iter().map(|task| &task.id).collect(),
        }
    }

    /// The tasks' names, and what people call them.
    pub(super) fn labels(&self) -> Vec<(TaskId, String)> {
        match self {
            Self::Analysis(tasks) => tasks.iter().map(|task| (task.id.clone(), task.label())).collect(),
            Self::Encoding(tasks) => tasks.iter().map(|task| (task.id.clone(), task.label())).collect(),
        }
    }

    /// Positions of the tasks without an outcome.
    pub(super) fn missing(&self, done: &BTreeSet<String>) -> Vec<usize> {
        let ids = self.ids().into_iter().enumerate();
        ids.filter(|(_, id)| !done.contains(id.as_str())).map(|(at, _)| at).collect()
    }

    /// The message for the task at `at`.
    pub(super) fn order(&self, run: &RunId, at: usize, then: Option<u32>) -> Option<Order> {
        let (run, tasks) = (run.clone(), u32::try_from(self.len()).unwrap_or(u32::MAX));
        Some(match self {
            Self::Analysis(all) => {
                let task = all.get(at)?.clone();
                Order::AnalyseChunk(TaskOrder { run, tasks, task, then, footage: None })
            }
            Self::Encoding(all) => {
                let task = all.get(at)?.clone();
                let footage = Some(Footage::of(all.iter().filter_map(|task| Some(task.clip.as_ref()?.bounds))));
                Order::EncodeClip(Box::new(TaskOrder { run, tasks, task, then, footage }))
            }
        })
    }
}
