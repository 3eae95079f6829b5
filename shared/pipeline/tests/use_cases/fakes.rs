//! A model and an encoder that do what a test says and remember what they were asked.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Blob, ClipSpec, Digest, EncodedClip, FailureKind, RejectedItem, Usage};
use langflix_local::DirectoryStore;
use langflix_ports::{
    llm::{self, Answer, ErrorKind, LanguageModel},
    media::{self, ClipEncoder, Source},
    store::{self, ArtifactStore, Put},
};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::episode::EXPRESSIONS;

/// What one ask costs, whatever comes of it.
pub(crate) const COST: Usage = Usage { requests: 1, input_tokens: 100, output_tokens: 10 };

/// An item that passes every check.
pub(crate) fn item(request: &AnalysisRequest, expression: &str) -> Value {
    let line = request.lines.iter().position(|line| !line.context && line.text.contains(expression)).unwrap();
    let (first, last) = (1, request.lines.len());
    let translated = |line: usize| json!({ "line": line, "text": format!("<{}>", request.lines[line - 1].text) });
    let scene: Vec<Value> = (first..=last).map(translated).collect();
    json!({
        "expression": expression, "translation": format!("<{expression}>"), "first_line": line + 1, "last_line": line + 1,
        "quote": request.lines[line].text, "quote_translation": format!("<{}>", request.lines[line].text),
        "scene_first_line": first, "scene_last_line": last, "scene_translations": scene, "meaning": "what it means",
        "similar": ["another one"], "level": "B1", "kind": "idiom", "why": "it is common",
    })
}

/// The expressions that stand in the chunk's own lines.
pub(crate) fn found(request: &AnalysisRequest) -> Vec<&'static str> {
    let said = |expression: &&str| request.lines.iter().any(|line| !line.context && line.text.contains(*expression));
    EXPRESSIONS.into_iter().filter(said).collect()
}

/// The answer of a model that finds all there is.
pub(crate) fn good(request: &AnalysisRequest) -> String {
    Value::from(found(request).into_iter().map(|expression| item(request, expression)).collect::<Vec<_>>()).to_string()
}

/// One ask as the model saw it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) request: AnalysisRequest,
    pub(crate) feedback: Vec<RejectedItem>,
    /// How often the same was asked before.
    pub(crate) before: usize,
}

type Script = dyn Fn(&Ask) -> Result<String, ErrorKind> + Send + Sync;

pub(crate) struct Model {
    fingerprint: Digest,
    script: Box<Script>,
    asks: Mutex<Vec<Ask>>,
    meeting: Option<&'static Barrier>,
}

impl Model {
    pub(crate) fn new(script: impl Fn(&Ask) -> Result<String, ErrorKind> + Send + Sync + 'static) -> Self {
        let fingerprint = Digest::of_bytes(b"model");
        Self { fingerprint, script: Box::new(script), asks: Mutex::default(), meeting: None }
    }

    pub(crate) fn good() -> Self {
        Self::new(|ask| Ok(good(&ask.request)))
    }

    /// Answers only when so many have come to `barrier`.
    pub(crate) fn meeting(self, barrier: &'static Barrier) -> Self {
        Self { meeting: Some(barrier), ..self }
    }

    pub(crate) fn asks(&self) -> Vec<Ask> {
        self.asks.lock().unwrap().clone()
    }
}

#[async_trait]
impl LanguageModel for Model {
    fn name(&self) -> &str {
        "fake/one"
    }

    fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, llm::Error> {
        let ask = {
            let mut asks = self.asks.lock().unwrap();
            let before = asks.iter().filter(|ask| ask.request == *request).count();
            asks.push(Ask { request: request.clone(), feedback: feedback.to_vec(), before });
            asks[asks.len() - 1].clone()
        };
        if let Some(barrier) = self.meeting {
            barrier.wait().await;
        }
        match (self.script)(&ask) {
            Ok(text) => Ok(Answer { text, usage: COST }),
            Err(kind) => {
                Err(llm::Error { kind, provider: "fake/one".to_owned(), message: "no".to_owned(), usage: COST })
            }
        }
    }
}

/// Answers what was answered before from memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<Digest, String>>);

pub(crate) struct Remembering<'a>(pub(crate) &'a Model, pub(crate) &'a Memory);

#[async_trait]
impl LanguageModel for Remembering<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.0.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, llm::Error> {
        let key = Digest::of_json(&(request, feedback)).unwrap();
        let known = self.1.0.lock().unwrap().get(&key).cloned();
        if let Some(text) = known {
            return Ok(Answer { text, usage: Usage::default() });
        }
        let answer = self.0.ask(request, feedback).await?;
        self.1.0.lock().unwrap().insert(key, answer.text.clone());
        Ok(answer)
    }
}

type Trouble = dyn Fn(&ClipSpec, usize) -> Option<media::Error> + Send + Sync;

pub(crate) struct Encoder {
    /// Part of what it writes, as two encoders give different bytes for one spec.
    make: &'static str,
    trouble: Box<Trouble>,
    specs: Mutex<Vec<ClipSpec>>,
    meeting: Option<&'static Barrier>,
}

impl Encoder {
    pub(crate) fn good() -> Self {
        Self::new(|_, _| None)
    }

    /// `trouble` is told the spec and how often that was tried before.
    pub(crate) fn new(trouble: impl Fn(&ClipSpec, usize) -> Option<media::Error> + Send + Sync + 'static) -> Self {
        Self { make: "one", trouble: Box::new(trouble), specs: Mutex::default(), meeting: None }
    }

    pub(crate) fn make(self, make: &'static str) -> Self {
        Self { make, ..self }
    }

    pub(crate) fn meeting(self, barrier: &'static Barrier) -> Self {
        Self { meeting: Some(barrier), ..self }
    }

    /// The specs of all tries, in their order.
    pub(crate) fn tried(&self) -> Vec<ClipSpec> {
        self.specs.lock().unwrap().clone()
    }
}

pub(crate) fn trouble(kind: FailureKind, transient: bool) -> media::Error {
    media::Error { kind, transient, fault: None, message: "it broke".to_owned() }
}

#[async_trait]
impl ClipEncoder for Encoder {
    async fn encode(
        &self,
        _source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, media::Error> {
        let before = {
            let mut specs = self.specs.lock().unwrap();
            specs.push(spec.clone());
            specs.iter().filter(|other| *other == spec).count() - 1
        };
        assert_eq!(std::fs::read_dir(dir).unwrap().count(), 0, "each try has an empty folder");
        if let Some(barrier) = self.meeting {
            barrier.wait().await;
        }
        let mut blobs = BTreeMap::new();
        for name in ["clip.mp4", "poster.jpg"] {
            let content = format!("{name} by {} of {}", self.make, spec.digest().unwrap());
            std::fs::write(dir.join(name), &content).unwrap();
            // Trouble comes in the middle.
            if let Some(error) = (self.trouble)(spec, before) {
                return Err(error);
            }
            let blob = Blob { sha256: Digest::of_bytes(content.as_bytes()), bytes: content.len() as u64 };
            blobs.insert(name.to_owned(), blob);
        }
        progress(1.0);
        Ok(EncodedClip {
            encoder: spec.encode.codec,
            bounds: spec.scene,
            width: 320,
            height: 180,
            has_audio: true,
            blobs,
        })
    }
}

/// A store that fails for ever after some operations.
pub(crate) struct Failing<'a> {
    inner: &'a DirectoryStore,
    /// Operations so far.
    count: AtomicUsize,
    /// Operations that succeed.
    good: usize,
    /// Whether the first that fails was done all the same, as where an answer is lost.
    done: bool,
}

impl<'a> Failing<'a> {
    pub(crate) fn after(inner: &'a DirectoryStore, good: usize, done: bool) -> Self {
        Self { inner, count: AtomicUsize::new(0), good, done }
    }

    pub(crate) fn operations(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    async fn pass<T>(
        &self,
        key: &str,
        operation: impl Future<Output = Result<T, store::Error>>,
    ) -> Result<T, store::Error> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if count < self.good {
            return operation.await;
        }
        if count == self.good && self.done {
            operation.await?;
        }
        Err(store::Error { kind: store::ErrorKind::Unavailable, key: key.to_owned(), message: "gone".to_owned() })
    }
}

#[async_trait]
impl ArtifactStore for Failing<'_> {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, store::Error> {
        self.pass(key, self.inner.put_if_absent(key, bytes)).await
    }

    async fn put_file_if_absent(&self, key: &str, path: &Path) -> Result<Put, store::Error> {
        self.pass(key, self.inner.put_file_if_absent(key, path)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, store::Error> {
        self.pass(key, self.inner.get(key)).await
    }

    async fn download(&self, key: &str, path: &Path) -> Result<(), store::Error> {
        self.pass(key, self.inner.download(key, path)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, store::Error> {
        self.pass(prefix, self.inner.list(prefix)).await
    }

    async fn delete(&self, key: &str) -> Result<(), store::Error> {
        self.pass(key, self.inner.delete(key)).await
    }
}
