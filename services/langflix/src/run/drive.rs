//! Drives an episode through both stages in this process.

use std::{cmp::Reverse, path::Path};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{ChunkAnalysis, EncodedClip, Failure, Lane, Manifest, RunId, Stage, TaskId};
use langflix_measures::{Operation, step};
use langflix_media::Slots;
use langflix_pipeline::{
    AnalysisTask, Cutter, EncodingTask, Error, InPlace, RunRequest, analyse_chunk, complete, encode_clip, outcomes,
    plan_analysis, plan_encoding, retry_failed,
};
use langflix_ports::{
    llm::LanguageModel,
    media::ClipEncoder,
    observer::{Event, Observer},
    store::ArtifactStore,
};
use langflix_runtime::{pressure::Pressure, trace};
use tokio::sync::watch;
use tracing::Instrument as _;

/// What every episode of this process shares.
pub(crate) struct Workshop<'a> {
    pub(crate) store: &'a dyn ArtifactStore,
    pub(crate) model: &'a dyn LanguageModel,
    pub(crate) encoder: &'a dyn ClipEncoder,
    pub(crate) observer: &'a dyn Observer,
    /// Folder for work in progress.
    pub(crate) scratch: &'a Path,
    /// Chunks analysed at once, of each episode.
    pub(crate) chunks_at_once: usize,
    /// One for each clip that may be encoded now, shared by all episodes.
    pub(crate) slots: Slots,
    /// Whether memory is short, so that fewer may.
    pub(crate) pressure: Pressure,
    /// Clips that are encoded now.
    pub(crate) clips: watch::Sender<u16>,
}

/// A clip that is encoded, counted until this is dropped.
struct Counted<'a>(&'a watch::Sender<u16>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|clips| *clips -= 1);
    }
}

impl Workshop<'_> {
    /// Works on whatever of the run has no outcome yet, until its manifest is written.
    ///
    /// # Errors
    /// [`Error`] where the store fails: the run stays open and goes on when it is started again.
    pub(crate) async fn drive(&self, asked: &RunRequest) -> Result<Manifest, Error> {
        let run = asked.run()?;
        retry_failed(self.store, asked, Lane::Bulk).await?;
        let analysis = Operation::Plan.time(plan_analysis(self.store, asked)).await?;
        let done = outcomes::<ChunkAnalysis>(self.store, &run, Stage::Analysis).await?;
        let open: Vec<&AnalysisTask> = analysis.tasks.iter().filter(|task| !done.contains_key(&task.id)).collect();
        self.planned(&run, Stage::Analysis, analysis.tasks.len(), open.len());
        stream::iter(open)
            .map(|task| tell(&run, &task.id, self.analyse(&run, asked, task)))
            .buffer_unordered(self.chunks_at_once)
            .try_collect::<()>()
            .await?;
        let chunks = outcomes(self.store, &run, Stage::Analysis).await?;
        let selecting = plan_encoding(self.store, asked, &analysis, &chunks);
        let encoding = Operation::FanIn.time(selecting).await?;
        let done = outcomes::<EncodedClip>(self.store, &run, Stage::Encoding).await?;
        let clips = encoding.tasks.iter().filter(|task| task.clip.is_some());
        let mut open: Vec<&EncodingTask> = clips.clone().filter(|task| !done.contains_key(&task.id)).collect();
        self.planned(&run, Stage::Encoding, clips.count(), open.len());
        // A long clip that comes last leaves the other cores idle.
        open.sort_by_key(|task| (Reverse(task.scene.duration()), task.scene.start));
        stream::iter(open)
            .map(|task| tell(&run, &task.id, self.encode(&run, asked, task)))
            .buffered(usize::MAX)
            .try_collect::<()>()
            .await?;
        let completing = complete(self.store, asked, &analysis, &encoding);
        let manifest = Operation::FanIn.time(completing).await?;
        self.observer.notice(&run, Event::RunFinished { status: manifest.status });
        Ok(manifest)
    }

    async fn analyse(&self, run: &RunId, asked: &RunRequest, task: &AnalysisTask) -> Result<(), Error> {
        self.started(run, Stage::Analysis, &task.id, task.label());
        let failure = analyse_chunk(self.store, self.model, asked, task).await?;
        self.finished(run, Stage::Analysis, &task.id, failure);
        Ok(())
    }

    async fn encode(&self, run: &RunId, asked: &RunRequest, task: &EncodingTask) -> Result<(), Error> {
        let Some(slot) = self.slots.take().await else { return Ok(()) };
        let _counted = self.memory().await;
        self.started(run, Stage::Encoding, &task.id, task.label());
        let progress = |fraction: f32| {
            slot.reached(fraction);
            let task = task.id.to_string();
            self.observer.notice(run, Event::TaskProgress { stage: Stage::Encoding, task, fraction });
        };
        let cutter = Cutter { encoder: self.encoder, sources: &InPlace, scratch: self.scratch, footage: None };
        let failure = encode_clip(self.store, cutter, asked, task, &progress).await?;
        self.finished(run, Stage::Encoding, &task.id, failure);
        Ok(())
    }

    /// Waits while memory is short and as many clips are encoded as may be meanwhile: one always is, since somebody waits
    /// for it.
    async fn memory(&self) -> Counted<'_> {
        let (mut pressure, mut clips) = (self.pressure.clone(), self.clips.subscribe());
        let mut said = false;
        while let Some(short) = pressure.short().filter(|short| *clips.borrow_and_update() >= short.most.max(1)) {
            if !std::mem::replace(&mut said, true) {
                tracing::warn!("a clip waits: {}", short.why);
            }
            tokio::select! {
                () = pressure.changed() => {}
                // Its sender is here.
                _ = clips.changed() => pressure.look_again(),
            }
        }
        self.clips.send_modify(|clips| *clips += 1);
        Counted(&self.clips)
    }

    fn planned(&self, run: &RunId, stage: Stage, tasks: usize, open: usize) {
        self.observer.notice(run, Event::StagePlanned { stage, tasks, done: tasks - open });
    }

    fn started(&self, run: &RunId, stage: Stage, task: &TaskId, label: String) {
        self.observer.notice(run, Event::TaskStarted { stage, task: task.to_string(), label });
    }

    fn finished(&self, run: &RunId, stage: Stage, task: &TaskId, failure: Option<Failure>) {
        self.observer.notice(run, Event::TaskFinished { stage, task: task.to_string(), failure });
    }
}

/// Does the work of a task, so that logs and spans name it.
async fn tell(run: &RunId, task: &TaskId, work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let named = async {
        trace::say("run", run.to_string());
        trace::say("task", task.to_string());
        work.await
    };
    step("task", named).instrument(tracing::info_span!("task", %run, %task)).await
}
