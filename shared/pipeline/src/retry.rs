use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_domain::{ChunkAnalysis, EncodedClip, Lane, Manifest, Stage, TaskId, Usage};
use langflix_ports::store::ArtifactStore;

use crate::{
    Error, Outcomes, Recorded, RunRequest,
    complete::is_abandoned,
    encode::is_whole,
    outcomes,
    stored::{Open, cancelled_key, manifest_key, outcome_key, plan_key, read},
};

const LOOKS_AT_ONCE: usize = 16;

/// Forgets what failed in a run, and clips whose files are not there any more, so that its next round tries that again.
/// Gives the number of tasks, the run itself counting as one where it was given up; what succeeded stays. A run that had
/// ended is open again, in `lane`.
///
/// # Errors
/// [`Error`] where the store fails; called again, it goes on.
pub async fn retry_failed(store: &dyn ArtifactStore, asked: &RunRequest, lane: Lane) -> Result<usize, Error> {
    let run = asked.run()?;
    let analysed = outcomes::<ChunkAnalysis>(store, &run, Stage::Analysis).await?;
    let encoded = outcomes::<EncodedClip>(store, &run, Stage::Encoding).await?;
    let (chunks, mut clips) = (failed(&analysed), failed(&encoded));
    clips.extend(lost(store, &encoded).await?);
    // It goes on in the trace that it was begun in.
    let trace = analysed.values().find_map(|recorded| recorded.trace.as_deref());
    let manifest = read::<Manifest>(store, &manifest_key(&run)).await?;
    let abandoned = manifest.as_ref().is_some_and(is_abandoned);
    if chunks.is_empty() && clips.is_empty() && !abandoned {
        return Ok(0);
    }
    // First the manifest, then the plan that was made of the chunks, then the outcomes: stopped anywhere in between,
    // the failures are still there to be found the next time.
    let spent = manifest.map(|manifest| manifest.timing.usage).unwrap_or_default();
    let forgotten = spent.without(of_results(&analysed));
    Open { spent, forgotten, ..Open::now(asked, lane, trace) }.write(store, &run).await?;
    store.delete(&cancelled_key(&run)).await?;
    store.delete(&manifest_key(&run)).await?;
    if !chunks.is_empty() {
        store.delete(&plan_key(&run, Stage::Encoding)).await?;
    }
    for task in &clips {
        store.delete(&outcome_key(&run, Stage::Encoding, task)).await?;
    }
    for task in &chunks {
        store.delete(&outcome_key(&run, Stage::Analysis, task)).await?;
    }
    Ok(chunks.len() + clips.len() + usize::from(abandoned))
}

/// The clips whose files are not all there.
async fn lost(store: &dyn ArtifactStore, encoded: &Outcomes<EncodedClip>) -> Result<Vec<TaskId>, Error> {
    let clips = encoded.values().filter_map(|recorded| Some((&recorded.task, recorded.result()?)));
    let looks: Vec<_> = clips
        .map(|(task, clip)| async move { Ok::<_, Error>((!is_whole(store, task, clip).await?).then(|| task.clone())) })
        .collect();
    let lost: Vec<Option<TaskId>> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
    Ok(lost.into_iter().flatten().collect())
}

/// What was asked of the provider for those that succeeded.
fn of_results<T>(outcomes: &Outcomes<T>) -> Usage {
    let results = outcomes.values().filter(|recorded| recorded.failure().is_none());
    results.fold(Usage::default(), |mut sum, recorded| {
        sum += recorded.usage;
        sum
    })
}

fn failed<T>(outcomes: &Outcomes<T>) -> Vec<TaskId> {
    outcomes
        .values()
        .filter(|recorded| recorded.failure().is_some())
        .map(|recorded: &Recorded<T>| recorded.task.clone())
        .collect()
}
