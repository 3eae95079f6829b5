use langflix_domain::{
    AnalysisRequest, Chunk, ChunkAnalysis, Expression, Failure, FailureKind, Outcome, RejectedItem, Stage, Transcript,
    Usage, check,
};
use langflix_ports::{
    llm::{self, ErrorKind, LanguageModel},
    store::ArtifactStore,
};

use crate::{AnalysisTask, ChunkResult, Error, RunRequest, records::record};

/// How often a model is asked again because its answer failed the checks.
const RE_ASKS: u32 = 2;

/// Analyses one chunk and records the outcome. Gives the failure, if it failed for good.
///
/// # Errors
/// [`Error`] where the outcome cannot be recorded.
pub async fn analyse_chunk(
    store: &dyn ArtifactStore,
    model: &dyn LanguageModel,
    asked: &RunRequest,
    task: &AnalysisTask,
) -> Result<Option<Failure>, Error> {
    let outcome = match ask(model, &asked.transcript, &task.chunk, &task.request).await {
        Ok(result) => Outcome::Ok(result),
        Err(failure) => Outcome::Failed(failure),
    };
    record(store, &asked.run()?, Stage::Analysis, &task.id, outcome).await
}

async fn ask(
    model: &dyn LanguageModel,
    transcript: &Transcript,
    chunk: &Chunk,
    request: &AnalysisRequest,
) -> Result<ChunkResult, Failure> {
    let mut usage = Usage::default();
    let mut kept: Vec<Expression> = Vec::new();
    let mut feedback: Vec<RejectedItem> = Vec::new();
    for asked in 0..=RE_ASKS {
        let answer = match model.ask(request, &feedback).await {
            Ok(answer) => answer,
            Err(error) if kept.is_empty() => return Err(failure(&error, chunk)),
            // What was kept of an earlier answer is worth more than a failed re-ask costs.
            Err(error) => {
                usage += error.usage;
                break;
            }
        };
        usage += answer.usage;
        match check(&answer.text, request, chunk, transcript) {
            Ok(checked) => {
                kept = merge(kept, checked.expressions, usize::from(request.max_expressions));
                feedback = checked.rejected;
            }
            Err(unreadable) => {
                feedback = vec![RejectedItem { expression: String::new(), reason: unreadable.to_string() }]
            }
        }
        let enough = kept.len() >= usize::from(request.min_expressions);
        let unreadable = feedback.iter().any(|item| item.expression.is_empty());
        if enough || (feedback.is_empty() && !unreadable) {
            break;
        }
        if asked == RE_ASKS && kept.is_empty() && unreadable {
            let reason = feedback.first().map(|item| item.reason.clone()).unwrap_or_default();
            return Err(failed(
                FailureKind::Malformed,
                chunk,
                &format!("no usable answer in {} asks: {reason}", RE_ASKS + 1),
            ));
        }
    }
    let analysis = ChunkAnalysis { expressions: kept, rejected: feedback, answered_by: model.name().to_owned() };
    Ok(ChunkResult { analysis, usage })
}

fn merge(mut kept: Vec<Expression>, new: Vec<Expression>, most: usize) -> Vec<Expression> {
    for expression in new {
        if kept.len() < most && !kept.iter().any(|other| other.expression == expression.expression) {
            kept.push(expression);
        }
    }
    kept
}

fn failed(kind: FailureKind, chunk: &Chunk, message: &str) -> Failure {
    let message =
        format!("chunk {} (cues {} to {}): {message}", chunk.position, chunk.cues.first + 1, chunk.cues.last + 1);
    Failure { kind, message }
}

fn failure(error: &llm::Error, chunk: &Chunk) -> Failure {
    let kind = match error.kind {
        ErrorKind::RateLimited { .. } => FailureKind::RateLimited,
        ErrorKind::Unavailable => FailureKind::Unavailable,
        ErrorKind::Refused => FailureKind::Refused,
        ErrorKind::Truncated => FailureKind::Truncated,
        ErrorKind::Malformed => FailureKind::Malformed,
        ErrorKind::Auth => FailureKind::Auth,
        ErrorKind::QuotaExhausted => FailureKind::QuotaExhausted,
    };
    failed(kind, chunk, &error.to_string())
}
