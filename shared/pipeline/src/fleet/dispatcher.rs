use std::sync::Arc;

use langflix_domain::{ChunkAnalysis, Failure, Lane, RunId, Stage};
use langflix_ports::{
    queue::Queue,
    store::{ArtifactStore, Put},
    tally::Tally,
};

use super::{Order, Requests, begin::Before, tasks::Tasks, worker};
use crate::{
    AnalysisPlan, EncodingPlan, Error, Outcomes, RunRequest, abandon,
    complete::complete_with,
    done_tasks,
    names::Names,
    outcomes,
    plan::plan_encoding_with,
    plan_analysis,
    stored::{Open, cancelled, is_cancelled, manifest_key, mark_cancelled, open_key, plan_key, read, record_failure},
};

/// Plans runs and leads them from stage to stage. Any number of them may do so at once, for the same runs: every step
/// may be taken twice and gives the same.
#[derive(Clone, Copy)]
pub struct Dispatcher<'a> {
    /// Where the truth lies.
    pub store: &'a dyn ArtifactStore,
    /// Where tasks go to.
    pub queue: &'a dyn Queue,
    /// What workers count done tasks with.
    pub tally: &'a dyn Tally,
    /// What it has read of unfinished runs.
    pub requests: &'a Requests,
    /// Most tasks of one run in the bulk lane at once, so that no run keeps the others waiting.
    pub in_flight: u32,
    /// The span that its messages belong to, in the form of W3C's `traceparent`.
    pub trace: Option<&'a str>,
    /// Whether its message came before, so that half of the step may be taken already.
    pub repeated: bool,
    /// Is told the spans of all tasks whose outcomes a step goes by, in the same form.
    pub follows: &'a (dyn Fn(&str) + Send + Sync),
}

/// What came of the analysis, if anybody still wants it.
struct Answers {
    cancelled: bool,
    chunks: Outcomes<ChunkAnalysis>,
    open: Option<Open>,
}

/// What follows a stage, and from what.
enum Next {
    /// The plan of the clips, from what came of the analysis.
    Clips(Answers),
    /// The manifest, from that plan.
    Manifest(Option<EncodingPlan>),
}

impl Dispatcher<'_> {
    /// Plans a run, or goes on where it stands.
    ///
    /// # Errors
    /// [`Error`]: called again, it goes on.
    pub async fn plan_episode(&self, run: &RunId) -> Result<(), Error> {
        let (asked, names) = futures::try_join!(self.asked(run), Names::of(self.store, run))?;
        if names.has_ended() {
            return self.close(run).await;
        }
        let asked = Arc::new(asked);
        let analysis = Arc::new(plan_analysis(self.store, &asked).await?);
        self.requests.keep(run, &asked, &analysis);
        let encoding = match names.is_planned(Stage::Encoding) {
            true => read::<EncodingPlan>(self.store, &plan_key(run, Stage::Encoding)).await?,
            false => None,
        };
        let before = |stage| Before { cancelled: names.is_cancelled(), done: names.done(stage), open: None };
        match encoding {
            Some(encoding) => self.encode(&asked, run, &analysis, encoding, before(Stage::Encoding)).await,
            None => self.analyse(&asked, run, &analysis, before(Stage::Analysis)).await,
        }
    }

    /// Takes the step after a stage, if all its tasks have an outcome.
    ///
    /// # Errors
    /// [`Error`]: called again, it goes on.
    pub async fn stage_done(&self, run: &RunId, stage: Stage) -> Result<(), Error> {
        // Nobody waits for one answer to ask for the next: this is what a run's end waits for.
        let (next, ended, asked, analysis) = futures::try_join!(
            self.next(run, stage),
            async { Ok::<_, Error>(self.store.get(&manifest_key(run)).await?.is_some()) },
            self.requests.get(self.store, run),
            self.requests.plan(self.store, run),
        )?;
        if ended {
            return self.close(run).await;
        }
        let Some(analysis) = analysis else {
            return self.plan_episode(run).await;
        };
        match next {
            Next::Clips(answers) => self.select(&asked, run, &analysis, answers).await,
            Next::Manifest(Some(encoding)) => self.finish(&asked, run, &analysis, &encoding).await,
            Next::Manifest(None) => Ok(()),
        }
    }

    /// What the step after a stage is made of.
    async fn next(&self, run: &RunId, stage: Stage) -> Result<Next, Error> {
        Ok(match stage {
            Stage::Analysis => Next::Clips(self.answers(run).await?),
            Stage::Encoding => Next::Manifest(read(self.store, &plan_key(run, Stage::Encoding)).await?),
        })
    }

    /// Publishes the next tasks of a stage, from position `from` of its plan on.
    ///
    /// # Errors
    /// [`Error`]: called again, it goes on.
    pub async fn advance(&self, run: &RunId, stage: Stage, from: u32) -> Result<(), Error> {
        let tasks = match stage {
            Stage::Analysis => {
                self.requests.plan(self.store, run).await?.map(|plan| Tasks::from(AnalysisPlan::clone(&plan)))
            }
            Stage::Encoding => Tasks::of(self.store, run, stage).await?,
        };
        let Some(tasks) = tasks else { return Ok(()) };
        let done = done_tasks(self.store, run, stage).await?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let missing: Vec<usize> = tasks.missing(&done).into_iter().filter(|&at| at >= from).collect();
        // In the other lane all are published at once.
        self.publish(run, &tasks, &missing, Lane::Bulk).await
    }

    /// Ends a run: what has no outcome gets one that says so.
    ///
    /// # Errors
    /// [`Error`]: called again, it goes on.
    pub async fn cancel(&self, run: &RunId) -> Result<(), Error> {
        mark_cancelled(self.store, run).await?;
        self.plan_episode(run).await
    }

    /// Gives up what a message asked for, with its reason: a task fails, and where it was no task, the run.
    ///
    /// # Errors
    /// [`Error`]: called again, it goes on.
    pub async fn give_up(&self, order: &Order, failure: Failure) -> Result<(), Error> {
        let (run, stage, task, tasks, then) = match order {
            Order::AnalyseChunk(order) => (&order.run, Stage::Analysis, &order.task.id, order.tasks, order.then),
            Order::EncodeClip(order) => (&order.run, Stage::Encoding, &order.task.id, order.tasks, order.then),
            other => {
                abandon(self.store, &self.asked(other.run()).await?, failure).await?;
                self.forget(other.run()).await;
                return Ok(());
            }
        };
        record_failure(self.store, run, stage, task, failure, self.trace).await?;
        let worker = worker::Worker { store: self.store, queue: self.queue, tally: self.tally, trace: self.trace };
        worker.report(run, stage, task, tasks, then).await
    }

    async fn asked(&self, run: &RunId) -> Result<RunRequest, Error> {
        RunRequest::of(self.store, run).await?.ok_or_else(|| Error::NoRun { run: run.clone() })
    }

    async fn analyse(
        &self,
        asked: &RunRequest,
        run: &RunId,
        analysis: &AnalysisPlan,
        before: Before,
    ) -> Result<(), Error> {
        if self.begin(run, &Tasks::from(analysis.clone()), &before).await? {
            let answers = self.answers(run).await?;
            self.select(asked, run, analysis, answers).await?;
        }
        Ok(())
    }

    async fn answers(&self, run: &RunId) -> Result<Answers, Error> {
        let chunks = outcomes(self.store, run, Stage::Analysis);
        let (chunks, cancelled, open) =
            futures::try_join!(chunks, is_cancelled(self.store, run), Open::of(self.store, run))?;
        Ok(Answers { cancelled, chunks, open })
    }

    /// From the answers to the clips.
    async fn select(
        &self,
        asked: &RunRequest,
        run: &RunId,
        analysis: &AnalysisPlan,
        answers: Answers,
    ) -> Result<(), Error> {
        if answers.cancelled {
            abandon(self.store, asked, cancelled()).await?;
            self.forget(run).await;
            return Ok(());
        }
        let forgotten = answers.open.as_ref().map(|open| open.forgotten).unwrap_or_default();
        match plan_encoding_with(self.store, asked, analysis, &answers.chunks, forgotten).await {
            // Where nobody counts, several hints come at once; each would publish all clips, and have them encoded twice.
            Ok((_, Put::Exists)) if !self.repeated => Ok(()),
            Ok((encoding, _)) => {
                self.follow(&answers.chunks);
                let done = done_tasks(self.store, run, Stage::Encoding).await?;
                let before = Before { cancelled: false, done, open: answers.open };
                self.encode(asked, run, analysis, encoding, before).await
            }
            // The hint came too early.
            Err(Error::Unfinished { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn encode(
        &self,
        asked: &RunRequest,
        run: &RunId,
        analysis: &AnalysisPlan,
        encoding: EncodingPlan,
        before: Before,
    ) -> Result<(), Error> {
        if self.begin(run, &Tasks::from(encoding.clone()), &before).await? {
            self.finish(asked, run, analysis, &encoding).await?;
        }
        Ok(())
    }

    async fn finish(
        &self,
        asked: &RunRequest,
        run: &RunId,
        analysis: &AnalysisPlan,
        encoding: &EncodingPlan,
    ) -> Result<(), Error> {
        let clips = outcomes(self.store, run, Stage::Encoding).await?;
        match complete_with(self.store, asked, analysis, encoding, &clips).await {
            Ok(manifest) => {
                self.follow(&clips);
                let (status, clips) = (manifest.status.as_str(), manifest.completeness.clips_ok);
                tracing::info!(%run, status, clips, "run finished");
                self.forget(run).await;
                Ok(())
            }
            // The hint came too early.
            Err(Error::Unfinished { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells which tasks a step follows from.
    fn follow<T>(&self, outcomes: &Outcomes<T>) {
        outcomes.values().filter_map(|recorded| recorded.trace.as_deref()).for_each(self.follows);
    }

    /// Closes a run whose manifest is there.
    async fn close(&self, run: &RunId) -> Result<(), Error> {
        self.store.delete(&open_key(run)).await?;
        self.forget(run).await;
        Ok(())
    }

    /// Forgets what only an unfinished run needs.
    async fn forget(&self, run: &RunId) {
        self.requests.forget(run);
        for stage in [Stage::Analysis, Stage::Encoding] {
            if let Err(error) = self.tally.forget(run, stage).await {
                tracing::debug!(%run, %error, "a count is left to expire by itself");
            }
        }
    }
}
