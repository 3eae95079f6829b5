use std::time::SystemTime;

use langflix_domain::{
    Burn, Candidate, Chunk, ChunkAnalysis, ChunkLimits, ClipSpec, Expression, Lane, RunId, SelectionLimits, Span,
    Stage, TaskId, Usage, align, apply_translations, chunk, clip_bounds, select,
};
use langflix_ports::store::{ArtifactStore, Put};
use langflix_subtitles::{BurnLine, Picture, write_ass};

use crate::{
    Analysed, AnalysisPlan, AnalysisTask, EncodingPlan, EncodingTask, Error, Outcomes, Recorded, RunRequest,
    complete::{forgotten, of_plan},
    stored::{Open, manifest_key, plan_key, request_key, unreadable, write, write_or_take, write_or_take_told},
};

/// Opens the run and plans its chunks, or takes the plan that is there.
///
/// # Errors
/// [`Error::Record`] where the run is there with other cues, as where another version of the parser read the subtitles:
/// what was recorded of those would be taken for these. Otherwise where the store fails.
pub async fn plan_analysis(store: &dyn ArtifactStore, asked: &RunRequest) -> Result<AnalysisPlan, Error> {
    let run = asked.run()?;
    Open::now(asked, Lane::Bulk, None).write(store, &run).await?;
    if asked.stored_as.is_none() {
        remember(store, &run, asked).await?;
    }
    let limits = ChunkLimits {
        chunk_size: asked.settings.chunk_size as usize,
        max_input_length: asked.settings.max_input_length as usize,
    };
    let task = |chunk: Chunk| AnalysisTask { id: TaskId::chunk(chunk.position), chunk };
    let tasks = chunk(&asked.transcript, limits).into_iter().map(task).collect();
    let planned_at_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    write_or_take(store, &plan_key(&run, Stage::Analysis), AnalysisPlan { planned_at_ms, tasks }).await
}

async fn remember(store: &dyn ArtifactStore, run: &RunId, asked: &RunRequest) -> Result<(), Error> {
    let key = request_key(run);
    if write(store, &key, asked).await? == Put::Exists
        && let Some(before) = RunRequest::of(store, run).await?
        && before.transcript != asked.transcript
        // A finished run has its manifest and needs the cues no more.
        && store.get(&manifest_key(run)).await?.is_none()
    {
        return Err(Error::Record { key, reason: "its cues are not those of these subtitles".to_owned() });
    }
    Ok(())
}

/// Selects from the chunks' outcomes and plans the clips, or takes the plan that is there.
///
/// # Errors
/// [`Error::Unfinished`] where a chunk has no outcome; otherwise where the store fails.
pub async fn plan_encoding(
    store: &dyn ArtifactStore,
    asked: &RunRequest,
    analysis: &AnalysisPlan,
    chunks: &Outcomes<ChunkAnalysis>,
) -> Result<EncodingPlan, Error> {
    let forgotten = forgotten(store, &asked.run()?).await?;
    Ok(plan_encoding_with(store, asked, analysis, chunks, forgotten).await?.0)
}

/// As [`plan_encoding`], for who has read what was asked for outcomes that are forgotten. Tells whether the plan is new.
pub(crate) async fn plan_encoding_with(
    store: &dyn ArtifactStore,
    asked: &RunRequest,
    analysis: &AnalysisPlan,
    chunks: &Outcomes<ChunkAnalysis>,
    forgotten: Usage,
) -> Result<(EncodingPlan, Put), Error> {
    let run: RunId = asked.run()?;
    let results = of_plan(chunks, analysis.tasks.iter().map(|task| &task.id))?;
    let limits = SelectionLimits {
        per_chunk: usize::from(asked.settings.max_expressions_per_chunk),
        per_episode: asked.settings.max_expressions as usize,
    };
    // Before the selection, so that none takes the place of an expression that can be shown.
    let (shown, beyond): (Vec<Candidate>, Vec<Candidate>) =
        candidates(analysis, &results).into_iter().partition(|one| bounds(asked, &one.expression).is_some());
    let mut chosen = select(&shown, &asked.transcript, limits, asked.settings.level);
    if let Some(target) = &asked.target_transcript {
        let aligned = align(&asked.transcript, target);
        for expression in &mut chosen {
            apply_translations(expression, &aligned);
        }
    }
    let tasks = chosen.into_iter().filter_map(|expression| Some(task(asked, bounds(asked, &expression)?, expression)));
    let plan = EncodingPlan {
        analysed: Analysed::of(asked, analysis, &results, forgotten),
        tasks: tasks.collect::<Result<_, _>>()?,
        beyond_end: beyond.len() as u32,
    };
    write_or_take_told(store, &plan_key(&run, Stage::Encoding), plan).await
}

/// As [`clip_bounds`]; `None` where the video ends before the expression is said, even if its scene begins before.
fn bounds(asked: &RunRequest, expression: &Expression) -> Option<(Span, Span)> {
    let of = |cues| clip_bounds(&asked.transcript, cues, asked.media.duration);
    of(expression.cues).and_then(|_| of(expression.scene))
}

fn task(asked: &RunRequest, (scene, window): (Span, Span), expression: Expression) -> Result<EncodingTask, Error> {
    let spec = |encode| ClipSpec {
        source: asked.source_identity.clone(),
        scene,
        bounds: window,
        audio_language: Some(asked.settings.source_language.primary().to_owned()),
        encode,
        burn: burn(asked, &expression),
    };
    let clip = asked.settings.encode.clone().map(spec);
    // A dry run has no clip to name the task by; the scene serves.
    let digest = match &clip {
        Some(clip) => clip.digest(),
        None => langflix_domain::Digest::of_json(&(scene, &expression.expression)),
    };
    let digest = digest.map_err(|error| unreadable("plan.json", &error))?;
    Ok(EncodingTask { id: TaskId::clip(&digest), expression, clip, scene })
}

fn burn(asked: &RunRequest, expression: &Expression) -> Option<String> {
    let burn = asked.settings.burn;
    if burn == Burn::None {
        return None;
    }
    let cues = asked.transcript.slice(expression.scene).iter().zip(&expression.scene_translations);
    let lines: Vec<BurnLine<'_>> = cues
        .map(|(cue, translation)| BurnLine {
            span: Span { start: cue.span.start, end: cue.span.end },
            source: burn.source().then_some(cue.text.as_str()),
            target: translation.as_deref().filter(|_| burn.target()),
        })
        .collect();
    let picture = Picture {
        shape: asked.media.video.shape(),
        source: &asked.settings.source_language,
        target: &asked.settings.language,
    };
    Some(write_ass(picture, &lines))
}

/// The candidates for selection that the chunks offer.
fn candidates(plan: &AnalysisPlan, results: &Outcomes<ChunkAnalysis>) -> Vec<Candidate> {
    let mut out = Vec::new();
    for task in &plan.tasks {
        let Some(analysis) = results.get(&task.id).and_then(Recorded::result) else { continue };
        for (rank, expression) in analysis.expressions.iter().enumerate() {
            out.push(Candidate { chunk: task.chunk.position, rank: rank as u32, expression: expression.clone() });
        }
    }
    out
}
