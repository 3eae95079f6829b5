use std::{fmt, num::NonZeroU32, path::PathBuf, time::Duration};

use crate::config::{
    ApiKey, Entry, Fault, Origin, Sources,
    kind::{self, Kind},
    origin::visible,
    reader::Reader,
};

/// Who finds the expressions, and how hard they are asked.
#[derive(Clone, Debug)]
pub struct Llm {
    /// Who finds the expressions.
    pub provider: Provider,
    /// Whether `provider` was found by looking at the keys rather than asked for.
    pub provider_is_automatic: bool,
    /// The model; the provider's default where it is `None`.
    pub model: Option<String>,
    /// The server's address up to and with the version; the provider's own where it is `None`.
    pub base_url: Option<BaseUrl>,
    /// The provider's key, where there is one.
    pub api_key: Option<ApiKey>,
    /// Most characters of a chunk to take expressions from.
    pub chunk_size: u32,
    /// Most characters of a chunk with the context around it; at least `chunk_size`.
    pub max_input_length: u32,
    /// How often a request that failed for the moment is sent again.
    pub max_retries: u32,
    /// The first wait before sending again.
    pub retry_backoff: Duration,
    /// Requests in flight at once.
    pub max_concurrent_requests: NonZeroU32,
    /// Requests a minute; unlimited where it is `None`.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens a minute, prompts and answers together; unlimited where it is `None`.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Sampling temperature, 0 to 2; the model's own where it is `None`.
    pub temperature: Option<f64>,
    /// The longest that one request may take in all.
    pub request_timeout: Duration,
}

/// Who finds the expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Google's Gemini.
    Gemini,
    /// OpenAI, or any server that speaks its protocol.
    OpenAi,
    /// The lexicon, which needs no network.
    Offline,
}

impl Provider {
    const ALL: [Self; 3] = [Self::Gemini, Self::OpenAi, Self::Offline];

    /// The name as it is configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
            Self::Offline => "offline",
        }
    }

    /// The environment variable that the provider's own tools read the key from.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Offline => None,
        }
    }
}

/// A server's address. `Debug` and `Display` leave out the parts that may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// An address that begins with `http://` or `https://` and names a host.
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control()) && text.len() <= 2048;
        (plain && !host.is_empty() && !host.starts_with(':')).then(|| Self(text.to_owned()))
    }

    /// The whole address, for the one who connects to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let (place, hidden) = match rest.find(['?', '#']) {
            Some(at) => (&rest[..at], "?***"),
            None => (rest, ""),
        };
        let authority = place.split('/').next().unwrap_or_default();
        let user = authority.rfind('@').map_or(0, |at| at + 1);
        write!(f, "{scheme}://{}{}{hidden}", if user > 0 { "***@" } else { "" }, visible(&place[user..]))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Llm {
    pub(in crate::config) fn read(read: &mut Reader, sources: &Sources, warnings: &mut Vec<String>) -> Self {
        let asked = read.value(
            "llm.provider",
            kind::choice(Provider::ALL.map(|provider| (provider.as_str(), provider))).or_word("auto"),
            None,
            "who finds the expressions; `auto`: `gemini` if `GEMINI_API_KEY` is set, else `openai` if `OPENAI_API_KEY` or `llm.base_url` is, else `offline`",
        );
        let model = read.value("llm.model", kind::model().optional(), None, "the model; unset: the provider's default");
        let base_url = read.value(
            "llm.base_url",
            base_url().optional(),
            None,
            "the server's address up to and with the version; unset: the provider's own",
        );
        let key_file = read.value(
            "llm.api_key_file",
            kind::path().optional(),
            None,
            "a file that holds the provider's key and nothing else; comes before the environment's key",
        );
        let found = || automatic(sources, base_url.is_some());
        let provider = asked.unwrap_or_else(found);
        if asked.is_none() {
            automatic_provider(read, provider, key_file.is_some());
        }
        let api_key = api_key(read, sources, warnings, provider, key_file);
        let (chunk_size, max_input_length) = lengths(read);
        let (max_retries, retry_backoff, request_timeout) = patience(read);
        let (max_concurrent_requests, requests_per_minute, tokens_per_minute) = limits(read);
        Self {
            provider,
            provider_is_automatic: asked.is_none(),
            model,
            base_url,
            api_key,
            chunk_size,
            max_input_length,
            max_retries,
            retry_backoff,
            max_concurrent_requests,
            requests_per_minute,
            tokens_per_minute,
            temperature: read.value(
                "llm.temperature",
                kind::number(0.0..=2.0).or_word("model"),
                Some(0.2),
                "sampling temperature; `model`: the model's own, on which some reasoning models insist",
            ),
            request_timeout,
        }
    }
}

fn base_url() -> Kind<BaseUrl> {
    kind::text("an address such as https://host/v1", BaseUrl::parse, BaseUrl::to_string).unrepeatable()
}

fn lengths(read: &mut Reader) -> (u32, u32) {
    let chunk_size = read.value(
        "llm.chunk_size",
        kind::whole(200..=20_000),
        1400,
        "most characters of subtitle text that expressions are taken from in one request",
    );
    let max_input_length = read.value(
        "llm.max_input_length",
        kind::whole(200..=24_000),
        chunk_size + chunk_size / 5,
        "the same with the context around it; at least `llm.chunk_size`, by default a fifth more",
    );
    if max_input_length < chunk_size {
        read.refuse("llm.max_input_length", format!("at least llm.chunk_size, which is {chunk_size}"));
    }
    (chunk_size, max_input_length)
}

fn patience(read: &mut Reader) -> (u32, Duration, Duration) {
    let retries = read.value(
        "llm.max_retries",
        kind::whole(0..=10),
        3,
        "how often a request that failed for the moment is sent again",
    );
    let backoff = read.value(
        "llm.retry_backoff_seconds",
        kind::seconds(0.0..=60.0),
        Duration::from_secs(2),
        "the first wait before sending again; it doubles with each retry",
    );
    let timeout = read.value(
        "llm.request_timeout_seconds",
        kind::seconds(1.0..=600.0),
        Duration::from_secs(120),
        "the longest that one request may take in all",
    );
    (retries, backoff, timeout)
}

fn limits(read: &mut Reader) -> (NonZeroU32, Option<NonZeroU32>, Option<NonZeroU32>) {
    let at_once: u32 = read.value("llm.max_concurrent_requests", kind::whole(1..=64), 4, "requests in flight at once");
    let requests = read.value(
        "llm.requests_per_minute",
        kind::whole(1..=1_000_000).optional(),
        None,
        "requests a minute; unset: unlimited",
    );
    let tokens = read.value(
        "llm.tokens_per_minute",
        kind::whole(1..=1_000_000_000).optional(),
        None,
        "tokens a minute, prompts and answers together; unset: unlimited",
    );
    let some = |number: Option<u32>| number.and_then(NonZeroU32::new);
    (NonZeroU32::new(at_once).unwrap_or(NonZeroU32::MIN), some(requests), some(tokens))
}

fn automatic(sources: &Sources, has_base_url: bool) -> Provider {
    let has_key = |provider: Provider| provider.key_variable().is_some_and(|name| sources.key(name).is_some());
    if has_key(Provider::Gemini) {
        Provider::Gemini
    } else if has_key(Provider::OpenAi) || has_base_url {
        Provider::OpenAi
    } else {
        Provider::Offline
    }
}

fn automatic_provider(read: &mut Reader, provider: Provider, has_key_file: bool) {
    if has_key_file {
        read.refuse(
            "llm.provider",
            "gemini or openai beside llm.api_key_file, so that it is plain whose key it is".into(),
        );
    }
    let origin = read.origin("llm.provider");
    read.list(Entry { key: "llm.provider", value: format!("auto ({})", provider.as_str()), origin });
}

/// The provider's key: of the file, else of the environment.
fn api_key(
    read: &mut Reader,
    sources: &Sources,
    warnings: &mut Vec<String>,
    provider: Provider,
    key_file: Option<PathBuf>,
) -> Option<ApiKey> {
    let variable = provider.key_variable();
    let (key, origin) = match (key_file, variable) {
        (Some(path), _) => {
            let origin = read.origin("llm.api_key_file");
            (from_file(read, sources, warnings, path, &origin), origin)
        }
        (None, Some(name)) => (sources.key(name), Origin::Environment { variable: name.to_owned() }),
        (None, None) => (None, Origin::Default),
    };
    let (value, origin) = if key.is_some() { ("set", origin) } else { ("not set", Origin::Default) };
    read.list(Entry { key: "llm.api_key", value: value.to_owned(), origin });
    key
}

fn from_file(
    read: &mut Reader,
    sources: &Sources,
    warnings: &mut Vec<String>,
    path: PathBuf,
    origin: &Origin,
) -> Option<ApiKey> {
    match (sources.read_key_file)(&path) {
        Ok(file) => {
            if file.open_to_all {
                let shown = visible(&path.to_string_lossy());
                warnings.push(format!("llm.api_key_file: everyone on this machine may read {shown}"));
            }
            Some(file.key)
        }
        Err(problem) => {
            // What is no file may be the key itself, put in the wrong place.
            let shown = match path.components().count() {
                1 => "the file named".to_owned(),
                _ => format!("'{}'", visible(&path.to_string_lossy())),
            };
            read.fault(Fault::File {
                place: "llm.api_key_file".to_owned(),
                problem: format!("{shown} (from {origin}) {problem}"),
            });
            None
        }
    }
}
