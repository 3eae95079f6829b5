//! Google's Gemini through `generateContent`.

mod reply;

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_ports::llm::{Answer, Error, LanguageModel};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    Identity,
    failure::Failure,
    http::{self, Endpoint},
    prompt, schema,
    settings::{BuildError, ProviderSettings},
};

/// Gemini, asked for one chunk at a time with a response schema.
pub struct Gemini {
    name: String,
    fingerprint: Digest,
    endpoint: Endpoint,
    model: String,
    temperature: Option<f64>,
}

impl Gemini {
    /// The model where none is configured.
    pub const DEFAULT_MODEL: &str = "gemini-2.5-flash";
    /// The address where none is configured.
    pub const DEFAULT_BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

    /// Sets the client up; sends nothing.
    ///
    /// # Errors
    /// [`BuildError`] where a setting is wrong or the key is missing.
    pub fn new(settings: ProviderSettings) -> Result<Self, BuildError> {
        let (settings, Identity { name, fingerprint }) = Identity::gemini(settings)?;
        let key = settings
            .api_key
            .as_ref()
            .ok_or(BuildError::MissingKey { provider: "gemini", variable: "GEMINI_API_KEY" })?;
        let headers = HeaderMap::from_iter([(
            reqwest::header::HeaderName::from_static("x-goog-api-key"),
            http::secret_header("", key)?,
        )]);
        Ok(Self {
            name,
            fingerprint,
            endpoint: Endpoint::new(&settings, headers)?,
            model: settings.model,
            temperature: settings.temperature,
        })
    }

    /// Reads the description of the model, which costs nothing.
    ///
    /// # Errors
    /// Why the model cannot be asked.
    pub async fn check(&self) -> Result<(), Error> {
        let described = async { reply::described(&self.endpoint.get(&["models", &self.model]).await?, &self.model) };
        described.await.map_err(|failure: Failure| failure.into_error(&self.name))
    }

    fn body(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Value {
        let prompt = prompt::build(request, feedback);
        // No `maxOutputTokens`: thinking is taken from it, and its upper bound differs by model.
        let mut generation = json!({
            "candidateCount": 1,
            "responseMimeType": "application/json",
            "responseSchema": schema::gemini(request.translate_lines),
        });
        if let Some(temperature) = self.temperature {
            generation["temperature"] = temperature.into();
        }
        json!({
            "systemInstruction": {"parts": [{"text": prompt.system}]},
            "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
            "generationConfig": generation,
        })
    }
}

#[async_trait]
impl LanguageModel for Gemini {
    fn name(&self) -> &str {
        &self.name
    }

    fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        let sent = Usage { requests: 1, ..Usage::default() };
        let asked = async {
            let call = format!("{}:generateContent", self.model);
            let reply = self.endpoint.post(&["models", &call], &self.body(request, feedback)).await;
            reply::read(reply.map_err(|failure| failure.with_usage(sent))?, &self.model)
        };
        asked.await.map_err(|failure: Failure| failure.into_error(&self.name))
    }
}
