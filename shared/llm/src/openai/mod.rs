//! OpenAI and every server that speaks its chat completions: vLLM, Ollama, llama.cpp and the rest.

mod headers;
mod reply;

use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_ports::llm::{Answer, Error, LanguageModel};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};

use crate::{
    Identity,
    failure::Failure,
    http::{self, Endpoint},
    prompt, schema,
    settings::{BuildError, ProviderSettings},
};

/// A server with OpenAI's chat completions, asked for one chunk at a time with a strict JSON Schema.
///
/// A server that does not know the schema's form of `response_format` says so once; from then on it is asked in the
/// best form that it knows.
pub struct OpenAi {
    name: String,
    fingerprint: Digest,
    endpoint: Endpoint,
    model: String,
    temperature: Option<f64>,
    format: AtomicU8,
}

/// How the shape of the answer is asked for, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    JsonSchema,
    JsonObject,
    Prompt,
}

impl Format {
    const ALL: [Self; 3] = [Self::JsonSchema, Self::JsonObject, Self::Prompt];

    fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|format| *format as u8 > self as u8)
    }
}

impl OpenAi {
    /// The model where none is configured.
    pub const DEFAULT_MODEL: &str = "gpt-4o-mini";
    /// The address where none is configured.
    pub const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

    /// Sets the client up; sends nothing. A key may be left out for every address but OpenAI's own.
    ///
    /// # Errors
    /// [`BuildError`] where a setting is wrong or the key is missing.
    pub fn new(settings: ProviderSettings) -> Result<Self, BuildError> {
        let (settings, Identity { name, fingerprint }) = Identity::openai(settings)?;
        let mut headers = HeaderMap::new();
        match &settings.api_key {
            Some(key) => drop(headers.insert(AUTHORIZATION, http::secret_header("Bearer ", key)?)),
            None if settings.base_url.starts_with(Self::DEFAULT_BASE_URL) => {
                return Err(BuildError::MissingKey { provider: "openai", variable: "OPENAI_API_KEY" });
            }
            None => {}
        }
        Ok(Self {
            name,
            fingerprint,
            endpoint: Endpoint::new(&settings, headers)?,
            model: settings.model,
            temperature: settings.temperature,
            format: AtomicU8::new(Format::JsonSchema as u8),
        })
    }

    /// Reads the server's list of models, which costs nothing: whether the model is in it. Some servers have no list.
    ///
    /// # Errors
    /// Why the server cannot be asked.
    pub async fn check(&self) -> Result<bool, Error> {
        let listed = async { reply::lists(&self.endpoint.get(&["models"]).await?, &self.model) };
        listed.await.map_err(|failure: Failure| failure.into_error(&self.name))
    }

    fn format(&self) -> Format {
        let known = self.format.load(Ordering::Relaxed);
        Format::ALL.into_iter().find(|format| *format as u8 == known).unwrap_or(Format::Prompt)
    }

    fn body(&self, request: &AnalysisRequest, feedback: &[RejectedItem], format: Format) -> Value {
        let mut prompt = prompt::build(request, feedback);
        let schema = schema::strict(request.translate_lines);
        if format != Format::JsonSchema {
            prompt.system.push_str(&format!("\nThe answer's JSON Schema:\n{schema}\n"));
        }
        // No cap on the answer: its parameter's name differs by model and server, and a cut answer is paid for too.
        let mut body = json!({
            "model": self.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
        });
        if let Some(temperature) = self.temperature {
            body["temperature"] = temperature.into();
        }
        match format {
            Format::JsonSchema => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": {"name": "expressions", "strict": true, "schema": schema},
                });
            }
            Format::JsonObject => body["response_format"] = json!({"type": "json_object"}),
            Format::Prompt => {}
        }
        body
    }

    async fn negotiate(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Failure> {
        let mut format = self.format();
        let mut usage = Usage::default();
        loop {
            let sent = Usage { requests: usage.requests + 1, ..usage };
            let reply = self.endpoint.post(&["chat", "completions"], &self.body(request, feedback, format)).await;
            let reply = reply.map_err(|failure| failure.with_usage(sent))?;
            let next = format.next().filter(|_| reply::refuses_format(&reply));
            match (reply::read(reply, &self.model), next) {
                (Ok(mut answer), _) => {
                    // Learned only now: a refusal may have named the format and meant something else.
                    self.format.fetch_max(format as u8, Ordering::Relaxed);
                    answer.usage += usage;
                    return Ok(answer);
                }
                (Err(failure), Some(next)) => {
                    usage += failure.usage;
                    format = next;
                    tracing::debug!(model = self.name, ?format, "the server does not know the response format");
                }
                (Err(mut failure), None) => {
                    failure.usage += usage;
                    return Err(failure);
                }
            }
        }
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        self.negotiate(request, feedback).await.map_err(|failure| failure.into_error(&self.name))
    }
}
