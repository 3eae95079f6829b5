use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, Prices, RejectedItem, Usage};
use langflix_measures::{Direction, LLM_REASKS, LLM_REQUESTS, LLM_RETRIES, LLM_SPEND, LLM_TOKENS, Operation, Reply};
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};

/// Counts what every request costs, failed ones too: requests, tokens, time, and money where prices are known.
pub struct Counted<M: ?Sized> {
    model: Cow<'static, str>,
    prices: Option<Prices>,
    inner: Arc<M>,
}

impl<M: LanguageModel + ?Sized> Counted<M> {
    /// Wraps `inner`, whose tokens cost `prices`.
    pub fn new(inner: Arc<M>, prices: Option<Prices>) -> Self {
        let counted = Self { model: inner.name().to_owned().into(), prices, inner };
        // What begins at its first event hides that event from whoever looks at its increase.
        counted.spent(Usage::default());
        let model = || counted.model.clone().into();
        Reply::ALL.iter().for_each(|reply| LLM_REQUESTS.add((model(), *reply), 0));
        LLM_RETRIES.add((model(),), 0);
        LLM_REASKS.add((model(),), 0);
        counted
    }

    fn spent(&self, usage: Usage) {
        let model = &self.model;
        LLM_TOKENS.add((model.clone().into(), Direction::Input), usage.input_tokens);
        LLM_TOKENS.add((model.clone().into(), Direction::Output), usage.output_tokens);
        if let Some(prices) = &self.prices {
            LLM_SPEND.add((model.clone().into(), prices.currency.clone().into()), prices.millionths(usage));
        }
    }
}

#[async_trait]
impl<M: LanguageModel + ?Sized> LanguageModel for Counted<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.inner.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        if !feedback.is_empty() {
            LLM_REASKS.add((self.model.clone().into(),), 1);
        }
        let answered = Operation::LlmCall.time(self.inner.ask(request, feedback)).await;
        let (usage, reply) = match &answered {
            Ok(answer) => (answer.usage, Reply::Answered),
            Err(error) => (error.usage, reply(error.kind)),
        };
        LLM_REQUESTS.add((self.model.clone().into(), reply), 1);
        self.spent(usage);
        answered
    }
}

fn reply(kind: ErrorKind) -> Reply {
    match kind {
        ErrorKind::RateLimited { .. } => Reply::RateLimited,
        ErrorKind::Unavailable => Reply::Unavailable,
        ErrorKind::Refused => Reply::Refused,
        ErrorKind::Truncated => Reply::Truncated,
        ErrorKind::Malformed => Reply::Malformed,
        ErrorKind::Auth => Reply::Auth,
        ErrorKind::QuotaExhausted => Reply::QuotaExhausted,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;
    use crate::testing::{COST, Scripted, bad, good, request};

    #[tokio::test]
    async fn every_request_is_counted_with_its_tokens_and_what_they_cost() {
        let recorder = DebuggingRecorder::new();
        let told = recorder.snapshotter();
        let _guard = metrics::set_default_local_recorder(&recorder);
        let prices = Prices { input: 2.0, output: 30.0, currency: "EUR".to_owned() };
        let script = [good(), bad(ErrorKind::Truncated, COST), good()];
        let model = Counted::new(Arc::new(Scripted::new(script)), Some(prices));
        let again = [RejectedItem { expression: String::new(), reason: "cut off".to_owned() }];
        for feedback in [&again[..0], &again[..0], &again] {
            let _ = model.ask(&request("Hi."), feedback).await;
        }
        let counted: BTreeMap<String, u64> = told
            .snapshot()
            .into_vec()
            .into_iter()
            .filter_map(|(key, _, _, value)| match value {
                DebugValue::Counter(count) => Some((key.key().to_string(), count)),
                _ => None,
            })
            .collect();
        insta::assert_debug_snapshot!(counted);
    }
}
