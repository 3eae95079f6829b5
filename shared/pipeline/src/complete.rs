use std::time::{Duration, SystemTime};

use langflix_domain::{
    ChunkAnalysis, Completeness, EncodedClip, EpisodeStatus, Failure, MANIFEST_VERSION, Manifest, ManifestClip,
    ManifestFailure, MediaTime, Outcome, RunId, SceneCue, Span, Stage, TaskId, Timing, Usage,
};
use langflix_measures::RUNS;
use langflix_ports::store::{ArtifactStore, Put};

use crate::{
    Analysed, AnalysisPlan, EncodingPlan, EncodingTask, Error, Recorded, RunRequest,
    notes::notes,
    outcomes,
    records::Outcomes,
    stored::{Open, manifest_key, open_key, plan_key, read, write},
};

/// Writes the manifest from the outcomes of both stages, or takes the one that is there, and closes the run.
///
/// # Errors
/// [`Error::Unfinished`] where a task of the plans has no outcome; otherwise where the store fails.
pub async fn complete(
    store: &dyn ArtifactStore,
    asked: &RunRequest,
    analysis: &AnalysisPlan,
    encoding: &EncodingPlan,
) -> Result<Manifest, Error> {
    let clips = outcomes(store, &asked.run()?, Stage::Encoding).await?;
    complete_with(store, asked, analysis, encoding, &clips).await
}

/// As [`complete`], for who has read the outcomes of the clips.
pub(crate) async fn complete_with(
    store: &dyn ArtifactStore,
    asked: &RunRequest,
    analysis: &AnalysisPlan,
    encoding: &EncodingPlan,
    clips: &Outcomes<EncodedClip>,
) -> Result<Manifest, Error> {
    let run = asked.run()?;
    let clips = of_plan(clips, encoding.tasks.iter().filter(|task| task.clip.is_some()).map(|task| &task.id))?;
    close(store, &run, manifest(asked, analysis.planned_at_ms, encoding, &clips, None)?).await
}

/// Writes the manifest of a run that will not go on, with what came of it so far and the reason, or takes the one that is
/// there, and closes the run.
///
/// # Errors
/// [`Error`] where the store fails.
pub async fn abandon(store: &dyn ArtifactStore, asked: &RunRequest, why: Failure) -> Result<Manifest, Error> {
    close(store, &asked.run()?, so_far(store, asked, Some(why)).await?).await
}

/// What came of a run so far; `why` is the reason where it will not go on.
pub(crate) async fn so_far(
    store: &dyn ArtifactStore,
    asked: &RunRequest,
    why: Option<Failure>,
) -> Result<Manifest, Error> {
    let run = asked.run()?;
    let analysis = read::<AnalysisPlan>(store, &plan_key(&run, Stage::Analysis)).await?.unwrap_or_default();
    let encoding = match read::<EncodingPlan>(store, &plan_key(&run, Stage::Encoding)).await? {
        Some(encoding) => encoding,
        None => {
            let chunks = outcomes::<ChunkAnalysis>(store, &run, Stage::Analysis).await?;
            let analysed = Analysed::of(asked, &analysis, &chunks, forgotten(store, &run).await?);
            EncodingPlan { analysed, ..EncodingPlan::default() }
        }
    };
    let clips = outcomes::<EncodedClip>(store, &run, Stage::Encoding).await?;
    manifest(asked, analysis.planned_at_ms, &encoding, &clips, why)
}

async fn close(store: &dyn ArtifactStore, run: &RunId, manifest: Manifest) -> Result<Manifest, Error> {
    let key = manifest_key(run);
    let manifest = match write(store, &key, &manifest).await? {
        Put::Created => {
            RUNS.add((manifest.status,), 1);
            manifest
        }
        Put::Exists => read(store, &key).await?.unwrap_or(manifest),
    };
    store.delete(&open_key(run)).await?;
    Ok(manifest)
}

/// The manifest of what came of a run; `why` is the reason where it did not go to its end.
fn manifest(
    asked: &RunRequest,
    planned_at_ms: u64,
    encoding: &EncodingPlan,
    clips: &Outcomes<EncodedClip>,
    why: Option<Failure>,
) -> Result<Manifest, Error> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let Analysed { chunks_ok, failures: chunk_failures, rejected, usage } = encoding.analysed.clone();
    let clips_ok = count(clips.values().filter_map(Recorded::result).count());
    let clips_failed = count(clips.len()) - clips_ok;
    let nothing_came = chunks_ok == 0 || (clips_ok == 0 && (clips_failed > 0 || why.is_some()));
    let chunks_failed = count(chunk_failures.len());
    let mut failures = chunk_failures;
    failures.extend(clip_failures(encoding, clips));
    failures.sort_by_key(|failure| failure.span.start);
    failures.extend(why.map(|failure| whole(asked, failure)));
    let status = match () {
        () if failures.is_empty() => EpisodeStatus::Complete,
        () if nothing_came => EpisodeStatus::Failed,
        () => EpisodeStatus::Partial,
    };
    Ok(Manifest {
        version: MANIFEST_VERSION,
        run: asked.run()?,
        episode: asked.episode.clone(),
        status,
        source_language: asked.settings.source_language.clone(),
        language: asked.settings.language.clone(),
        level: asked.settings.level,
        analysed_by: asked.settings.model_name.clone(),
        video: asked.video.clone(),
        subtitles: asked.subtitles.clone(),
        target_subtitles: asked.target_subtitles.clone(),
        completeness: Completeness { chunks_ok, chunks_failed, clips_ok, clips_failed },
        diagnostics: asked.diagnostics.clone(),
        notes: notes(asked, encoding, chunks_ok),
        clips: manifest_clips(asked, encoding, clips),
        failures,
        rejected,
        timing: timing(planned_at_ms, usage),
    })
}

/// What stands in a task's place where the run itself failed.
const WHOLE: &str = "run";

/// Whether this is a failure of the run itself and of no task.
pub fn is_of_run(failure: &ManifestFailure) -> bool {
    failure.task == WHOLE
}

/// Whether the run was given up.
pub(crate) fn is_abandoned(manifest: &Manifest) -> bool {
    manifest.failures.iter().any(is_of_run)
}

/// A failure of the run itself and of no task.
fn whole(asked: &RunRequest, failure: Failure) -> ManifestFailure {
    let end = asked.media.duration;
    ManifestFailure {
        stage: Stage::Analysis,
        task: WHOLE.to_owned(),
        span: Span { start: MediaTime::ZERO, end },
        failure,
    }
}

/// Exactly the outcomes of the plan's tasks: those of an earlier plan of the same run are left aside.
pub(crate) fn of_plan<'a, T: Clone>(
    found: &Outcomes<T>,
    tasks: impl Iterator<Item = &'a TaskId>,
) -> Result<Outcomes<T>, Error> {
    let take = |task: &TaskId| {
        let (task, recorded) = found.get_key_value(task).ok_or_else(|| Error::Unfinished { task: task.clone() })?;
        Ok((task.clone(), recorded.clone()))
    };
    tasks.map(take).collect()
}

fn manifest_clips(asked: &RunRequest, encoding: &EncodingPlan, clips: &Outcomes<EncodedClip>) -> Vec<ManifestClip> {
    let clip = |(at, task): (usize, &EncodingTask)| {
        let expression = task.expression.clone();
        let encoded = clips.get(&task.id).and_then(Recorded::result).cloned();
        let cues = expression
            .scene
            .indices()
            .zip(asked.transcript.slice(expression.scene))
            .zip(&expression.scene_translations);
        ManifestClip {
            number: at as u32 + 1,
            id: task.id.clone(),
            said: asked.transcript.span_of(expression.cues).unwrap_or(Span::from_millis(0, 0)),
            said_cues: expression.cues,
            scene: task.scene,
            cues: cues
                .map(|((index, cue), translation)| SceneCue {
                    index: index as u32,
                    span: cue.span,
                    text: cue.text.clone(),
                    translation: translation.clone(),
                })
                .collect(),
            expression: expression.expression,
            translation: expression.translation,
            meaning: expression.meaning,
            line: expression.line,
            line_translation: expression.line_translation,
            similar: expression.similar,
            level: expression.level,
            kind: expression.kind,
            why: expression.why,
            encoded,
            files: None,
        }
    };
    encoding.tasks.iter().enumerate().map(clip).collect()
}

fn clip_failures(encoding: &EncodingPlan, clips: &Outcomes<EncodedClip>) -> impl Iterator<Item = ManifestFailure> {
    encoding.tasks.iter().filter_map(|task| {
        let failure = clips.get(&task.id)?.failure()?.clone();
        Some(ManifestFailure { stage: Stage::Encoding, task: task.id.to_string(), span: task.scene, failure })
    })
}

/// What was asked of the provider for outcomes that are forgotten, as those of a run that was taken up again.
pub(crate) async fn forgotten(store: &dyn ArtifactStore, run: &RunId) -> Result<Usage, Error> {
    Ok(Open::of(store, run).await?.map(|open| open.forgotten).unwrap_or_default())
}

impl Analysed {
    /// What came of the chunks of `plan`, and what they cost, with what was `spent` for outcomes that are forgotten.
    pub(crate) fn of(asked: &RunRequest, plan: &AnalysisPlan, chunks: &Outcomes<ChunkAnalysis>, spent: Usage) -> Self {
        let mut analysed = Self { usage: spent, ..Self::default() };
        for (task, recorded) in plan.tasks.iter().filter_map(|task| Some((task, chunks.get(&task.id)?))) {
            analysed.usage += recorded.usage;
            match &recorded.outcome {
                Outcome::Ok(analysis) => {
                    analysed.chunks_ok += 1;
                    if !analysis.rejected.is_empty() {
                        analysed.rejected.insert(task.chunk.position, analysis.rejected.clone());
                    }
                }
                Outcome::Failed(failure) => {
                    let nowhere = Span::from_millis(0, 0);
                    let span = asked.transcript.span_of(task.chunk.cues).unwrap_or(nowhere);
                    let (task, failure) = (task.id.to_string(), failure.clone());
                    analysed.failures.push(ManifestFailure { stage: Stage::Analysis, task, span, failure });
                }
            }
        }
        analysed
    }
}

fn timing(planned_at_ms: u64, usage: Usage) -> Timing {
    let started = SystemTime::UNIX_EPOCH + Duration::from_millis(planned_at_ms);
    let now = SystemTime::now();
    Timing {
        started_at: rfc3339(started),
        finished_at: rfc3339(now),
        wall_ms: now.duration_since(started).unwrap_or_default().as_millis() as u64,
        usage,
    }
}

/// `2026-01-31T09:30:00Z`; days are counted as in Howard Hinnant's `civil_from_days`.
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let at = |seconds| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_798_761_599), "2026-12-31T23:59:59Z");
    }
}
