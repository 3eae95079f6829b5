use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use langflix_domain::Prices;

use super::{
    base_url::{BaseUrl, base_url},
    files::Files,
    provider::{Provider, api_key, automatic, automatic_provider},
};
use crate::config::{Secret, kind, reader::Reader};

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
    pub api_key: Option<Secret>,
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
    /// What tokens cost, where it is known.
    pub prices: Option<Prices>,
}

impl Llm {
    pub(in crate::config) fn read(read: &mut Reader, files: &mut Files) -> Self {
        let asked = read.value(
            "llm.provider",
            kind::choice(Provider::ALL.map(|provider| (provider.as_str(), provider))).or_word("auto"),
            None,
            "who finds the expressions; `auto`: `gemini` if `GEMINI_API_KEY` is set, else `openai` if `OPENAI_API_KEY` or `llm.base_url` is, else `offline`",
        );
        let (model, base_url, key_file) = places(read);
        let provider = asked.unwrap_or_else(|| automatic(files, base_url.is_some()));
        if asked.is_none() {
            automatic_provider(read, provider, key_file.is_some());
        }
        let api_key = api_key(read, files, provider, key_file);
        let (chunk_size, max_input_length) = lengths(read);
        let (max_retries, retry_backoff, request_timeout) = patience(read);
        let (max_concurrent_requests, requests_per_minute, tokens_per_minute) = limits(read);
        let temperature = read.value(
            "llm.temperature",
            kind::number(0.0..=2.0).or_word("model"),
            Some(0.2),
            "sampling temperature; `model`: the model's own, on which some reasoning models insist",
        );
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
            temperature,
            request_timeout,
            prices: prices(read),
        }
    }
}

/// The model, the server's address, and the file of the key.
fn places(read: &mut Reader) -> (Option<String>, Option<BaseUrl>, Option<PathBuf>) {
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
    (model, base_url, key_file)
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

/// What tokens cost, where one of the prices is given; the other is 0 then.
fn prices(read: &mut Reader) -> Option<Prices> {
    let mut price = |key, meaning| read.value(key, kind::number(0.0..=100_000.0).optional(), None, meaning);
    let input = price(
        "llm.input_price",
        "what a million tokens of prompts cost, so that spending is told; unset: not known, or 0 where `llm.output_price` is set",
    );
    let output = price(
        "llm.output_price",
        "what a million tokens of answers cost, thinking included; unset: not known, or 0 where `llm.input_price` is set",
    );
    let currency = read.value(
        "llm.currency",
        kind::text("a currency's code of three letters such as USD", currency, Clone::clone),
        "USD".to_owned(),
        "what the prices are in",
    );
    let known = input.is_some() || output.is_some();
    known.then(|| Prices { input: input.unwrap_or_default(), output: output.unwrap_or_default(), currency })
}

fn currency(text: &str) -> Option<String> {
    (text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())).then(|| text.to_owned())
}
