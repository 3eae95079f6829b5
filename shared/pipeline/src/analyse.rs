use std::time::Duration;

use langflix_domain::{
    AnalysisRequest, AnalysisSettings, Chunk, ChunkAnalysis, Expression, Failure, FailureKind, Outcome, RejectedItem,
    Stage, Usage, check, halves, inflection::expression_key,
};
use langflix_ports::{
    llm::{self, ErrorKind, LanguageModel},
    store::ArtifactStore,
};

use crate::{
    AnalysisTask, Ended, Error, Recorded, RunRequest, Try,
    stored::{record, recorded},
};

/// How often a model is asked again because its answer failed the checks.
const RE_ASKS: u32 = 2;

/// Analyses one chunk and records the outcome, unless there is one. Gives the failure, if it failed for good.
///
/// # Errors
/// [`Error`] where the outcome cannot be recorded.
pub async fn analyse_chunk(
    store: &dyn ArtifactStore,
    model: &dyn LanguageModel,
    asked: &RunRequest,
    task: &AnalysisTask,
) -> Result<Option<Failure>, Error> {
    Ok(try_chunk(store, model, asked, task, Try::ONLY).await?.failure())
}

/// Tries to analyse one chunk. A failure that may pass is recorded by the last try only.
///
/// # Errors
/// [`Error`] where the outcome cannot be recorded.
pub async fn try_chunk(
    store: &dyn ArtifactStore,
    model: &dyn LanguageModel,
    asked: &RunRequest,
    task: &AnalysisTask,
    this: Try<'_>,
) -> Result<Ended, Error> {
    let run = asked.run()?;
    if this.repeated
        && let Some(before) = recorded::<ChunkAnalysis>(store, &run, Stage::Analysis, &task.id).await?
    {
        return Ok(Ended::Recorded(before.failure().cloned()));
    }
    let request = asked.analysis_request(&task.chunk);
    let mut analyst = Analyst { model, asked, usage: Usage::default() };
    let outcome = match analyst.part(&task.chunk, &request).await {
        Ok(analysis) => Outcome::Ok(analysis),
        Err(Unanswered { failure, after }) if passes(failure.kind) && !this.last => {
            return Ok(Ended::Later { failure, after });
        }
        Err(Unanswered { failure, .. }) => Outcome::Failed(failure),
    };
    let recorded = Recorded { task: task.id.clone(), outcome, usage: analyst.usage, read: None, trace: this.trace() };
    record(store, &run, Stage::Analysis, recorded).await.map(Ended::Recorded)
}

/// Whether a failure is the provider's at the moment, and not the chunk's.
fn passes(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::RateLimited | FailureKind::Unavailable | FailureKind::QuotaExhausted | FailureKind::Auth
    )
}

/// Why a chunk has no answer.
struct Unanswered {
    failure: Failure,
    /// The wait that the provider asked for.
    after: Option<Duration>,
}

/// Asks about one chunk and counts what that costs.
struct Analyst<'a> {
    model: &'a dyn LanguageModel,
    asked: &'a RunRequest,
    usage: Usage,
}

impl Analyst<'_> {
    /// Asks about a chunk, and about its halves where the answer is cut off.
    async fn part(&mut self, chunk: &Chunk, request: &AnalysisRequest) -> Result<ChunkAnalysis, Unanswered> {
        let cut_off = match self.ask(chunk, request).await {
            Err(error) if error.failure.kind == FailureKind::Truncated => error,
            done => return done,
        };
        let halves = halves(&self.asked.transcript, chunk).ok_or(cut_off)?;
        let mut whole =
            ChunkAnalysis { expressions: Vec::new(), rejected: Vec::new(), answered_by: self.model.name().to_owned() };
        for half in &halves {
            // Fewer expressions make a shorter answer, and both halves together give at least as many.
            let settings = AnalysisSettings {
                min_expressions: request.min_expressions.div_ceil(2),
                max_expressions: request.max_expressions.div_ceil(2),
                ..self.asked.analysis_settings()
            };
            let request = langflix_domain::request(&self.asked.transcript, half, &settings);
            let part = Box::pin(self.part(half, &request)).await?;
            whole.rejected.extend(part.rejected);
            whole.expressions = merge(whole.expressions, part.expressions);
        }
        whole.expressions.truncate(usize::from(request.max_expressions));
        Ok(whole)
    }

    /// Asks until enough of the answers passes the checks, at most [`RE_ASKS`] times more. What was kept of an earlier
    /// answer is worth more than a failed re-ask costs.
    async fn ask(&mut self, chunk: &Chunk, request: &AnalysisRequest) -> Result<ChunkAnalysis, Unanswered> {
        let mut kept: Vec<Expression> = Vec::new();
        // What is shown all the same where no answer makes it whole.
        let mut incomplete: Vec<Expression> = Vec::new();
        let mut rejected: Vec<RejectedItem> = Vec::new();
        let mut feedback: Vec<RejectedItem> = Vec::new();
        let mut unreadable = None;
        for _ in 0..=RE_ASKS {
            let answer = match self.model.ask(request, &feedback).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.usage += error.usage;
                    if kept.is_empty() && incomplete.is_empty() {
                        return Err(unanswered(&error));
                    }
                    break;
                }
            };
            self.usage += answer.usage;
            match check(&answer.text, request, chunk, &self.asked.transcript) {
                Ok(checked) => {
                    rejected.retain(|item| !holds(&checked.expressions, &item.expression));
                    rejected.extend(
                        checked.rejected.iter().filter(|item| !rejected.contains(item)).cloned().collect::<Vec<_>>(),
                    );
                    kept = merge(kept, checked.expressions);
                    incomplete = merge(incomplete, checked.incomplete);
                    (feedback, unreadable) = (checked.rejected, None);
                }
                Err(reason) => {
                    feedback = vec![RejectedItem { expression: String::new(), reason: reason.to_string() }];
                    unreadable = Some(reason);
                }
            }
            // An answer that holds nothing, and nothing wrong, says that there is nothing to find.
            if feedback.is_empty() || kept.len() >= usize::from(request.min_expressions) {
                break;
            }
        }
        let whole = kept.len();
        kept = merge(kept, incomplete);
        rejected.retain(|item| !holds(&kept[whole..], &item.expression));
        if let Some(reason) = unreadable.filter(|_| kept.is_empty()) {
            let message = format!("no usable answer in {} asks: {reason}", RE_ASKS + 1);
            return Err(Unanswered { failure: Failure { kind: FailureKind::Malformed, message }, after: None });
        }
        kept.truncate(usize::from(request.max_expressions));
        Ok(ChunkAnalysis { expressions: kept, rejected, answered_by: self.model.name().to_owned() })
    }
}

/// Adds what is new, in order.
fn merge(mut kept: Vec<Expression>, new: Vec<Expression>) -> Vec<Expression> {
    for expression in new {
        if !holds(&kept, &expression.expression) {
            kept.push(expression);
        }
    }
    kept
}

/// Whether an expression is among them, whatever its inflection.
fn holds(expressions: &[Expression], expression: &str) -> bool {
    let key = expression_key(expression);
    expressions.iter().any(|other| expression_key(&other.expression) == key)
}

fn unanswered(error: &llm::Error) -> Unanswered {
    let after = match error.kind {
        ErrorKind::RateLimited { after } => after,
        _ => None,
    };
    let kind = match error.kind {
        ErrorKind::RateLimited { .. } => FailureKind::RateLimited,
        ErrorKind::Unavailable => FailureKind::Unavailable,
        ErrorKind::Refused => FailureKind::Refused,
        ErrorKind::Truncated => FailureKind::Truncated,
        ErrorKind::Malformed => FailureKind::Malformed,
        ErrorKind::Auth => FailureKind::Auth,
        ErrorKind::QuotaExhausted => FailureKind::QuotaExhausted,
    };
    Unanswered { failure: Failure { kind, message: error.to_string() }, after }
}
