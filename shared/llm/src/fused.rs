use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};

/// Asks no more once an answer said that no request can succeed: a refused key, a used-up quota. Every later request
/// fails with the same error, at once and for nothing.
pub struct Fused<M: ?Sized> {
    blown: OnceLock<(ErrorKind, String)>,
    inner: Arc<M>,
}

impl<M: LanguageModel + ?Sized> Fused<M> {
    /// Wraps `inner`.
    pub fn new(inner: Arc<M>) -> Self {
        Self { blown: OnceLock::new(), inner }
    }
}

#[async_trait]
impl<M: LanguageModel + ?Sized> LanguageModel for Fused<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.inner.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        if let Some((kind, message)) = self.blown.get() {
            let (provider, message) = (self.name().to_owned(), message.clone());
            return Err(Error { kind: *kind, provider, message, usage: Usage::default() });
        }
        let answer = self.inner.ask(request, feedback).await;
        if let Err(error) = &answer
            && matches!(error.kind, ErrorKind::Auth | ErrorKind::QuotaExhausted)
        {
            // Of several requests in flight the first to fail speaks for all.
            let _first = self.blown.set((error.kind, error.message.clone()));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Scripted, UNPAID, bad, good, request};

    #[tokio::test]
    async fn a_refused_key_is_not_tried_again() {
        let model = Arc::new(Scripted::new([bad(ErrorKind::Auth, UNPAID), good()]));
        let fused = Fused::new(Arc::clone(&model));
        let first = fused.ask(&request("Hi."), &[]).await.unwrap_err();
        let second = fused.ask(&request("Hi."), &[]).await.unwrap_err();
        assert_eq!((first.to_string(), first.kind), (second.to_string(), second.kind));
        assert_eq!((second.usage, model.asked()), (Usage::default(), 1));
    }

    #[tokio::test]
    async fn what_concerns_one_request_only_blows_nothing() {
        let steps = [bad(ErrorKind::Refused, UNPAID), bad(ErrorKind::Unavailable, UNPAID), good()];
        let fused = Fused::new(Arc::new(Scripted::new(steps)));
        for succeeds in [false, false, true] {
            assert_eq!(fused.ask(&request("Hi."), &[]).await.is_ok(), succeeds);
        }
    }
}
