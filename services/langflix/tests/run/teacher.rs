//! A stand-in for a language model's server: it finds something to learn in every chunk, and keeps what it was asked.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A server that speaks OpenAI's protocol.
pub(crate) struct Teacher {
    _runtime: Runtime,
    server: MockServer,
    lessons: Lessons,
}

#[derive(Clone, Default)]
struct Lessons {
    /// How often each prompt came.
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    /// Prompts that hold this text are answered only after the time given.
    slow: Arc<Mutex<Option<(String, Duration)>>>,
    status: Option<u16>,
    /// Whether every answer is one that nothing can be read from.
    babbles: Arc<AtomicBool>,
}

impl Teacher {
    pub(crate) fn new() -> Self {
        Self::teaching(Lessons::default())
    }

    /// One that takes `wait` over every prompt that holds `text`.
    pub(crate) fn slow_on(text: &str, wait: Duration) -> Self {
        Self::teaching(Lessons { slow: Arc::new(Mutex::new(Some((text.to_owned(), wait)))), ..Lessons::default() })
    }

    /// One that answers nothing but this HTTP status.
    pub(crate) fn refusing(status: u16) -> Self {
        Self::teaching(Lessons { status: Some(status), ..Lessons::default() })
    }

    /// One that says nothing of use, until it [comes to its senses](Self::come_to_senses).
    pub(crate) fn babbling() -> Self {
        Self::teaching(Lessons { babbles: Arc::new(AtomicBool::new(true)), ..Lessons::default() })
    }

    pub(crate) fn come_to_senses(&self) {
        self.lessons.babbles.store(false, Ordering::SeqCst);
    }

    /// Takes its time over nothing from now on.
    pub(crate) fn hurry(&self) {
        *self.lessons.slow.lock().unwrap() = None;
    }

    fn teaching(lessons: Lessons) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(lessons.clone()).mount(&server).await;
            server
        });
        Self { _runtime: runtime, server, lessons }
    }

    /// Where it is.
    pub(crate) fn uri(&self) -> String {
        self.server.uri()
    }

    /// The arguments that make `langflix` ask here.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let set = [
            format!("llm.base_url={}/v1", self.uri()),
            "llm.provider=openai".to_owned(),
            "llm.model=teacher".to_owned(),
            // Two chunks at once, and several of them in the sample.
            "llm.chunk_size=400".to_owned(),
            "llm.max_input_length=600".to_owned(),
            "llm.max_concurrent_requests=2".to_owned(),
            "llm.retry_backoff_seconds=0.1".to_owned(),
        ];
        set.into_iter().flat_map(|pair| ["--set".to_owned(), pair]).collect()
    }

    /// How often each prompt came, by its text.
    pub(crate) fn asked(&self) -> BTreeMap<String, usize> {
        self.lessons.asked.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.asked().values().sum()
    }
}

impl Respond for Lessons {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let refused = self
            .status
            .map(|status| ResponseTemplate::new(status).set_body_json(json!({ "error": { "message": "no" } })));
        if request.method.as_str() == "GET" {
            let models = json!({ "object": "list", "data": [{ "id": "teacher" }] });
            return refused.unwrap_or_else(|| ResponseTemplate::new(200).set_body_json(models));
        }
        let body: Value = request.body_json().unwrap();
        let prompt = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
        *self.asked.lock().unwrap().entry(prompt.to_owned()).or_default() += 1;
        if let Some(refused) = refused {
            return refused;
        }
        let content = match self.babbles.load(Ordering::SeqCst) {
            true => "Sorry, I cannot think of any.".to_owned(),
            false => json!({ "expressions": lessons(prompt) }).to_string(),
        };
        let answer = ResponseTemplate::new(200).set_body_json(json!({
            "choices": [{ "finish_reason": "stop", "message": { "role": "assistant", "content": content } }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 50 },
        }));
        match &*self.slow.lock().unwrap() {
            Some((text, wait)) if prompt.contains(text) => answer.set_delay(*wait),
            _ => answer,
        }
    }
}

/// Teaches the first words of the first line that is no context, in a scene of that line.
fn lessons(prompt: &str) -> Vec<Value> {
    let lines = prompt.lines().filter_map(|line| {
        let (number, rest) = line.split_once(" | ")?;
        Some((number.parse::<u32>().ok()?, rest.splitn(3, " | ").nth(2)?))
    });
    let lesson = |(number, text): (u32, &str)| {
        let words: Vec<&str> = text.split(' ').take(3).collect();
        json!({
            "expression": words.join(" ").to_lowercase(), "translation": "표현",
            "first_line": number, "last_line": number, "quote": text, "quote_translation": "한 줄",
            "scene_first_line": number, "scene_last_line": number,
            "scene_translations": [{ "line": number, "text": "한 줄" }],
            "meaning": "what it means", "similar": ["something else"], "level": "B1", "kind": "idiom", "why": "useful",
        })
    };
    lines.take(1).map(lesson).collect()
}
