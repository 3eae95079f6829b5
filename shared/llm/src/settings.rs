use std::{io, num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use langflix_domain::Prices;
use langflix_ports::{
    cache::Cache,
    flight::Flights,
    llm::{self, LanguageModel},
    rate::{Limits, RateLimiter, Sharers},
};

use crate::{
    Cached, Counted, Fused, Gemini, Limited, LocalLimiter, Offline, OpenAi, RetryPolicy, Retrying, Secret,
    ShareWhileAway,
};

/// Which model is asked, and how hard.
#[derive(Clone, Debug)]
pub struct LlmSettings {
    /// `gemini`, `openai` or `offline`; `openai` is any server that speaks its protocol.
    pub provider: String,
    /// The model; the provider's default where it is `None`.
    pub model: Option<String>,
    /// The server's address up to and with the version (`http://localhost:11434/v1`); the provider's own where `None`.
    pub base_url: Option<String>,
    /// The key. Only a server at an address of one's own may do without.
    pub api_key: Option<Secret>,
    /// Sampling temperature, 0 to 2; the model's default where it is `None` (some reasoning models allow no other).
    pub temperature: Option<f64>,
    /// How often a request that failed for the moment is sent again.
    pub max_retries: u32,
    /// The first wait before sending again; it doubles with each retry.
    pub retry_backoff: Duration,
    /// The longest wait that is made when the provider asks for one; a request that would have to wait longer fails.
    pub longest_wait: Duration,
    /// Requests in flight at once.
    pub max_concurrent_requests: NonZeroU32,
    /// Requests a minute; unlimited where `None`.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens a minute, prompts and answers together; unlimited where `None`.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// The longest that one request may take in all.
    pub request_timeout: Duration,
    /// What tokens cost, where it is known.
    pub prices: Option<Prices>,
}

impl Default for LlmSettings {
    fn default() -> Self {
        Self {
            provider: "gemini".to_owned(),
            model: None,
            base_url: None,
            api_key: None,
            temperature: Some(0.2),
            max_retries: 3,
            retry_backoff: Duration::from_secs(2),
            longest_wait: RetryPolicy::LONGEST_WAIT,
            max_concurrent_requests: NonZeroU32::MIN.saturating_add(3),
            requests_per_minute: None,
            tokens_per_minute: None,
            request_timeout: Duration::from_secs(120),
            prices: None,
        }
    }
}

/// What a provider needs to know, defaults filled in.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The model's name.
    pub model: String,
    /// The server's address up to and with the version.
    pub base_url: String,
    /// The key, where one is needed.
    pub api_key: Option<Secret>,
    /// Sampling temperature, 0 to 2; the model's default where it is `None`.
    pub temperature: Option<f64>,
    /// The longest that one request may take in all.
    pub request_timeout: Duration,
}

/// Why a language model cannot be set up. Names the configuration key to change, never a secret.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No such provider.
    #[error("llm.provider '{given}' is not known here: gemini, openai or offline")]
    UnknownProvider {
        /// What was given.
        given: String,
    },
    /// The provider needs a key.
    #[error("the provider {provider} needs a key: set {variable}, or name a file that holds it with llm.api_key_file")]
    MissingKey {
        /// Which provider.
        provider: &'static str,
        /// The environment variable that providers' own tools read the key from.
        variable: &'static str,
    },
    /// The key holds characters that no key has.
    #[error("the key for the language model holds a line break or another character that no key has")]
    InvalidKey,
    /// The address is not one; it is not repeated, since it may hold a password.
    #[error("llm.base_url is not an address such as https://host/v1")]
    InvalidBaseUrl,
    /// The model's name is not one.
    #[error("llm.model '{given}' is not a model's name: letters, digits and . _ - / : @ only")]
    InvalidModel {
        /// What was given, shortened.
        given: String,
    },
    /// The temperature is out of range.
    #[error("llm.temperature {given:?} is not allowed: 0 to 2")]
    InvalidTemperature {
        /// What was given.
        given: Option<f64>,
    },
    /// The folder of WordNet's dictionary is not usable.
    #[error("the WordNet folder {folder} cannot be read")]
    WordNet {
        /// Which folder.
        folder: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bundled lexicon is damaged.
    #[error("the bundled lexicon is damaged in line {line}")]
    Lexicon {
        /// Which line, counted from 1; 0 for the whole.
        line: usize,
    },
    /// The HTTP client cannot be set up, for want of root certificates, say.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// What the workers of a fleet share.
pub struct Fleet<'a> {
    /// Where answers are kept.
    pub cache: Arc<dyn Cache>,
    /// For how long.
    pub answer_ttl: Duration,
    /// Who is asking what.
    pub flights: Arc<dyn Flights>,
    /// Makes the limit of all who ask the model of this name.
    pub limiter: &'a dyn Fn(&str, Limits) -> Arc<dyn RateLimiter>,
    /// Among whom the limit is divided while it cannot be asked.
    pub sharers: Arc<dyn Sharers>,
}

/// The configured model behind all wrappers: cache, then fuse, then retries, then limits, then counting, then the provider. `offline` costs
/// nothing and sends nothing: it is only counted.
///
/// # Errors
/// [`BuildError`] where a setting is wrong; nothing is sent.
pub fn build(settings: &LlmSettings, cache: Arc<dyn Cache>) -> Result<Arc<dyn LanguageModel>, BuildError> {
    let wrap = |model: Arc<dyn LanguageModel>| -> Arc<dyn LanguageModel> {
        let limiter = Arc::new(LocalLimiter::new(settings.limits()));
        Arc::new(Cached::new(settings.limited(model, limiter), cache))
    };
    settings.model(wrap)
}

/// As [`build`], for a worker that shares cache, requests under way and limit with a `fleet`.
///
/// # Errors
/// [`BuildError`] where a setting is wrong; nothing is sent.
pub fn build_for_fleet(settings: &LlmSettings, fleet: Fleet<'_>) -> Result<Arc<dyn LanguageModel>, BuildError> {
    settings.model(|model| for_fleet(model, settings, fleet))
}

/// `model` behind what [`build_for_fleet`] puts before the model of the settings.
pub fn for_fleet(model: Arc<dyn LanguageModel>, settings: &LlmSettings, fleet: Fleet<'_>) -> Arc<dyn LanguageModel> {
    let limits = settings.limits();
    let limiter = ShareWhileAway::new((fleet.limiter)(model.name(), limits), limits, fleet.sharers);
    let limited = settings.limited(model, Arc::new(limiter));
    Arc::new(Cached::for_fleet(limited, fleet.cache, fleet.answer_ttl, fleet.flights))
}

/// Why a model cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A setting is wrong; nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What the provider said.
    #[error(transparent)]
    Asked(#[from] llm::Error),
}

/// Asks the provider for its models, which costs nothing: whether it has the one of the settings. `false` also where a
/// server tells of none. `offline` sends nothing.
///
/// # Errors
/// [`CheckError`] where a setting is wrong, the provider is not reached, or it does not accept the key.
pub async fn check(settings: &LlmSettings) -> Result<bool, CheckError> {
    Ok(match settings.provider.as_str() {
        "gemini" => Gemini::new(settings.gemini())?.check().await.map(|()| true)?,
        "openai" => OpenAi::new(settings.openai())?.check().await?,
        "offline" => true,
        other => return Err(unknown_provider(other).into()),
    })
}

pub(crate) fn unknown_provider(given: &str) -> BuildError {
    BuildError::UnknownProvider { given: given.chars().take(40).collect() }
}

impl LlmSettings {
    /// The provider's model, wrapped where asking it costs anything.
    fn model(
        &self,
        wrap: impl FnOnce(Arc<dyn LanguageModel>) -> Arc<dyn LanguageModel>,
    ) -> Result<Arc<dyn LanguageModel>, BuildError> {
        match self.provider.as_str() {
            "gemini" => Ok(wrap(Arc::new(Gemini::new(self.gemini())?))),
            "openai" => Ok(wrap(Arc::new(OpenAi::new(self.openai())?))),
            "offline" => {
                let offline = Offline::new(Some(Path::new(Offline::DEFAULT_WORDNET)))?;
                Ok(Arc::new(Counted::new(Arc::new(offline), None)))
            }
            other => Err(unknown_provider(other)),
        }
    }

    fn limited(&self, model: Arc<dyn LanguageModel>, limiter: Arc<dyn RateLimiter>) -> Arc<dyn LanguageModel> {
        let counted = Arc::new(Counted::new(model, self.prices.clone()));
        let limited = Limited::new(counted, self.max_concurrent_requests, limiter);
        let usual = RetryPolicy::new(self.max_retries, self.retry_backoff);
        let retrying = Retrying::new(Arc::new(limited), RetryPolicy { longest_wait: self.longest_wait, ..usual });
        Arc::new(Fused::new(Arc::new(retrying)))
    }

    fn limits(&self) -> Limits {
        let (requests, tokens) = (self.requests_per_minute, self.tokens_per_minute);
        Limits { requests, tokens, period: Duration::from_secs(60) }
    }

    pub(crate) fn gemini(&self) -> ProviderSettings {
        self.resolved(Gemini::DEFAULT_MODEL, Gemini::DEFAULT_BASE_URL)
    }

    pub(crate) fn openai(&self) -> ProviderSettings {
        self.resolved(OpenAi::DEFAULT_MODEL, OpenAi::DEFAULT_BASE_URL)
    }

    fn resolved(&self, model: &str, base_url: &str) -> ProviderSettings {
        ProviderSettings {
            model: given_or(self.model.as_deref(), model),
            base_url: given_or(self.base_url.as_deref(), base_url),
            api_key: self.api_key.clone().filter(|key| !key.is_empty()),
            temperature: self.temperature,
            request_timeout: self.request_timeout,
        }
    }
}

fn given_or(given: Option<&str>, default: &str) -> String {
    given.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(default).to_owned()
}

impl ProviderSettings {
    /// The checks that all providers share.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
        if self.model.is_empty() || self.model.len() > 200 || !self.model.bytes().all(is_name) {
            return Err(BuildError::InvalidModel { given: self.model.chars().take(60).collect() });
        }
        match self.temperature {
            Some(temperature) if !(0.0..=2.0).contains(&temperature) => {
                Err(BuildError::InvalidTemperature { given: self.temperature })
            }
            _ => Ok(()),
        }
    }
}
