//! A model that answers from a script.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, LearnerLevel, RejectedItem, RequestLine, Usage};
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};
use tokio::time::{Instant, sleep};

/// What asking costs where it costs anything.
pub(crate) const COST: Usage = Usage { requests: 1, input_tokens: 100, output_tokens: 10 };
/// What a request costs that the provider turned away.
pub(crate) const UNPAID: Usage = Usage { requests: 1, input_tokens: 0, output_tokens: 0 };

pub(crate) struct Scripted {
    fingerprint: Digest,
    steps: Mutex<VecDeque<Result<Answer, Error>>>,
    takes: Duration,
    /// When each request came, since the model was made.
    pub(crate) asked_at: Mutex<Vec<Duration>>,
    pub(crate) most_at_once: AtomicU32,
    at_once: AtomicU32,
    start: Instant,
}

impl Scripted {
    pub(crate) fn new(steps: impl IntoIterator<Item = Result<Answer, Error>>) -> Self {
        Self {
            fingerprint: Digest::of_bytes(b"scripted"),
            steps: Mutex::new(steps.into_iter().collect()),
            takes: Duration::ZERO,
            asked_at: Mutex::default(),
            most_at_once: AtomicU32::new(0),
            at_once: AtomicU32::new(0),
            start: Instant::now(),
        }
    }

    pub(crate) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    pub(crate) fn with_fingerprint(self, text: &str) -> Self {
        Self { fingerprint: Digest::of_bytes(text.as_bytes()), ..self }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked_at.lock().unwrap().len()
    }
}

#[async_trait]
impl LanguageModel for Scripted {
    fn name(&self) -> &str {
        "scripted/one"
    }

    fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    async fn ask(&self, _: &AnalysisRequest, _: &[RejectedItem]) -> Result<Answer, Error> {
        self.asked_at.lock().unwrap().push(self.start.elapsed());
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        sleep(self.takes).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        self.steps.lock().unwrap().pop_front().unwrap_or_else(good)
    }
}

pub(crate) fn good() -> Result<Answer, Error> {
    Ok(Answer { text: "[]".to_owned(), usage: COST })
}

pub(crate) fn bad(kind: ErrorKind, usage: Usage) -> Result<Answer, Error> {
    Err(Error { kind, provider: "scripted/one".to_owned(), message: "no".to_owned(), usage })
}

pub(crate) fn request(text: &str) -> AnalysisRequest {
    AnalysisRequest {
        source_language: "en".parse().unwrap(),
        language: "ko".parse().unwrap(),
        level: LearnerLevel::Intermediate,
        min_expressions: 1,
        max_expressions: 3,
        translate_lines: true,
        lines: vec![RequestLine { text: text.to_owned(), offset_ms: 0, duration_ms: 1_000, context: false }],
    }
}
