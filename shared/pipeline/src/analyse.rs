use langflix_domain::{
    AnalysisRequest, AnalysisSettings, Chunk, ChunkAnalysis, Expression, Failure, FailureKind, Outcome, RejectedItem,
    Stage, Usage, check, halves, inflection::expression_key,
};
use langflix_ports::{
    llm::{self, ErrorKind, LanguageModel},
    store::ArtifactStore,
};

use crate::{
    AnalysisTask, Error, Recorded, RunRequest,
    records::{record, recorded},
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
    let run = asked.run()?;
    if let Some(before) = recorded::<ChunkAnalysis>(store, &run, Stage::Analysis, &task.id).await? {
        return Ok(before.failure().cloned());
    }
    let mut analyst = Analyst { model, asked, usage: Usage::default() };
    let outcome = match analyst.part(&task.chunk, &task.request).await {
        Ok(analysis) => Outcome::Ok(analysis),
        Err(failure) => Outcome::Failed(failure),
    };
    let recorded = Recorded { task: task.id.clone(), outcome, usage: analyst.usage };
    record(store, &run, Stage::Analysis, recorded).await
}

/// Asks about one chunk and counts what that costs.
struct Analyst<'a> {
    model: &'a dyn LanguageModel,
    asked: &'a RunRequest,
    usage: Usage,
}

impl Analyst<'_> {
    /// Asks about a chunk, and about its halves where the answer is cut off.
    async fn part(&mut self, chunk: &Chunk, request: &AnalysisRequest) -> Result<ChunkAnalysis, Failure> {
        let failure = match self.ask(chunk, request).await {
            Err(failure) if failure.kind == FailureKind::Truncated => failure,
            done => return done,
        };
        let halves = halves(&self.asked.transcript, chunk).ok_or(failure)?;
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
    async fn ask(&mut self, chunk: &Chunk, request: &AnalysisRequest) -> Result<ChunkAnalysis, Failure> {
        let mut kept: Vec<Expression> = Vec::new();
        let mut rejected: Vec<RejectedItem> = Vec::new();
        let mut feedback: Vec<RejectedItem> = Vec::new();
        let mut unreadable = None;
        for _ in 0..=RE_ASKS {
            let answer = match self.model.ask(request, &feedback).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.usage += error.usage;
                    if kept.is_empty() {
                        return Err(failure(&error));
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
        if let Some(reason) = unreadable.filter(|_| kept.is_empty()) {
            let message = format!("no usable answer in {} asks: {reason}", RE_ASKS + 1);
            return Err(Failure { kind: FailureKind::Malformed, message });
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

fn failure(error: &llm::Error) -> Failure {
    let kind = match error.kind {
        ErrorKind::RateLimited { .. } => FailureKind::RateLimited,
        ErrorKind::Unavailable => FailureKind::Unavailable,
        ErrorKind::Refused => FailureKind::Refused,
        ErrorKind::Truncated => FailureKind::Truncated,
        ErrorKind::Malformed => FailureKind::Malformed,
        ErrorKind::Auth => FailureKind::Auth,
        ErrorKind::QuotaExhausted => FailureKind::QuotaExhausted,
    };
    Failure { kind, message: error.to_string() }
}
