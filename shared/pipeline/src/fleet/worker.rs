use langflix_domain::{Failure, FailureKind, RunId, Stage, TaskId};
use langflix_ports::{
    llm::LanguageModel,
    queue::{Name, Queue},
    store::ArtifactStore,
    tally::Tally,
};

use super::{Order, Requests, TaskOrder};
use crate::{
    AnalysisTask, Cutter, EncodingTask, Ended, Error, RunSettings, Try, done_tasks,
    stored::{cancelled, record_failure},
    try_chunk, try_clip,
};

/// Works on tasks and tells what became of them.
#[derive(Clone, Copy)]
pub struct Worker<'a> {
    /// Where outcomes go.
    pub store: &'a dyn ArtifactStore,
    /// Where the end of a stage is told.
    pub queue: &'a dyn Queue,
    /// Counts done tasks.
    pub tally: &'a dyn Tally,
    /// The span that its messages belong to, in the form of W3C's `traceparent`.
    pub trace: Option<&'a str>,
}

impl Worker<'_> {
    /// Analyses a chunk. When this returns [`Ended::Recorded`], all is told that has to be, and the message may be
    /// forgotten.
    ///
    /// # Errors
    /// [`Error`] where nothing could be recorded or told: the message is to come again.
    pub async fn chunk(
        &self,
        model: &dyn LanguageModel,
        requests: &Requests,
        order: &TaskOrder<AnalysisTask>,
        this: Try<'_>,
    ) -> Result<Ended, Error> {
        let this = Try { trace: self.trace, ..this };
        let (run, task) = (&order.run, &order.task.id);
        let asked = requests.get(self.store, run).await?;
        let ended = match other_model(&asked.settings, model) {
            _ if requests.is_cancelled(self.store, run).await? => self.drop_task(run, Stage::Analysis, task).await?,
            Some(failure) => Ended::HandedBack(failure),
            None => try_chunk(self.store, model, &asked, &order.task, this).await?,
        };
        if let Ended::Recorded(_) = ended {
            self.report(run, Stage::Analysis, task, order.tasks, order.then).await?;
        }
        Ok(ended)
    }

    /// Encodes a clip; as [`Self::chunk`].
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub async fn clip(
        &self,
        cutter: Cutter<'_>,
        requests: &Requests,
        order: &TaskOrder<EncodingTask>,
        this: Try<'_>,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<Ended, Error> {
        let this = Try { trace: self.trace, ..this };
        let asked = requests.get(self.store, &order.run).await?;
        let ended = match requests.is_cancelled(self.store, &order.run).await? {
            true => self.drop_task(&order.run, Stage::Encoding, &order.task.id).await?,
            false => try_clip(self.store, cutter, &asked, &order.task, this, progress).await?,
        };
        if let Ended::Recorded(_) = ended {
            self.report(&order.run, Stage::Encoding, &order.task.id, order.tasks, order.then).await?;
        }
        Ok(ended)
    }

    /// Somebody cancelled the run: no more is spent on it.
    async fn drop_task(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<Ended, Error> {
        record_failure(self.store, run, stage, task, cancelled(), self.trace).await.map(Ended::Recorded)
    }

    /// Tells that a task has its outcome: the end of the stage, if it was the last one, and the next tasks' turn.
    pub(super) async fn report(
        &self,
        run: &RunId,
        stage: Stage,
        task: &TaskId,
        tasks: u32,
        then: Option<u32>,
    ) -> Result<(), Error> {
        let done = match self.tally.done(run, stage, task).await {
            Ok(done) => done,
            Err(error) => {
                tracing::debug!(%run, %error, "counting done tasks in the store instead");
                u32::try_from(done_tasks(self.store, run, stage).await?.len()).unwrap_or(u32::MAX)
            }
        };
        if done >= tasks {
            self.publish(&Order::StageDone { run: run.clone(), stage }).await?;
        } else if let Some(from) = then {
            self.publish(&Order::Advance { run: run.clone(), stage, from }).await?;
        }
        Ok(())
    }

    async fn publish(&self, order: &Order) -> Result<(), Error> {
        Ok(self.queue.publish(Name::Stages, &order.message(self.trace)?).await?)
    }
}

/// Why this model must not answer for a run that is for another one.
fn other_model(settings: &RunSettings, model: &dyn LanguageModel) -> Option<Failure> {
    let message = || {
        let (wanted, here) = (&settings.model_name, model.name());
        let here = if wanted == here { "it with other settings" } else { here };
        format!(
            "the run is for {wanted} and this worker asks {here}: give all who ask and answer the same llm.* and version"
        )
    };
    let same = settings.model == *model.fingerprint();
    (!same).then(|| Failure { kind: FailureKind::Unavailable, message: message() })
}
