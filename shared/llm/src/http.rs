//! One bounded exchange of JSON over HTTP.

use std::time::Duration;

use langflix_domain::Digest;
use langflix_ports::llm::ErrorKind;
use reqwest::{
    Client, RequestBuilder, StatusCode, Url,
    header::{HeaderMap, HeaderValue, InvalidHeaderValue},
    redirect,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Secret,
    failure::Failure,
    settings::{BuildError, ProviderSettings},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer read. A whole answer is some tens of kilobytes; a server that sends more is not believed.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// A server's address and how to talk to it.
pub(crate) struct Endpoint {
    client: Client,
    base: Url,
    headers: HeaderMap,
    timeout: Duration,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body as JSON; `None` where it is none.
    pub(crate) body: Option<Value>,
}

impl Endpoint {
    /// The endpoint at the base URL. `headers` carry the key, which therefore stands in no URL.
    pub(crate) fn new(settings: &ProviderSettings, headers: HeaderMap) -> Result<Self, BuildError> {
        let base = parse_base_url(&settings.base_url)?;
        let mut builder = Client::builder()
            .user_agent(concat!("langflix/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT.min(settings.request_timeout))
            .timeout(settings.request_timeout)
            // A redirect would carry the prompt, and with it the key, to a place that nobody configured.
            .redirect(redirect::Policy::none())
            // `Retrying` is the only layer that asks again; two layers multiply.
            .retry(reqwest::retry::never());
        if is_loopback(&base) {
            // A proxy of the environment cannot reach a server on this machine.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(BuildError::Client)?;
        Ok(Self { client, base, headers, timeout: settings.request_timeout })
    }

    /// Sends `body` to `path`, reads a bounded JSON answer.
    pub(crate) async fn post(&self, path: &[&str], body: &impl Serialize) -> Result<Reply, Failure> {
        self.exchange(self.client.post(self.at(path)).json(body)).await
    }

    /// Reads a bounded JSON answer from `path`.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Reply, Failure> {
        self.exchange(self.client.get(self.at(path))).await
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Reply, Failure> {
        let request = request.headers(self.headers.clone());
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + part.len() > LONGEST_BODY {
                let limit = LONGEST_BODY / 1024 / 1024;
                return Err(Failure::new(ErrorKind::Malformed, format!("the answer is longer than {limit} MiB")));
            }
            bytes.extend_from_slice(&part);
        }
        Ok(Reply { status, headers, body: serde_json::from_slice(&bytes).ok() })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let host = self.base.host_str().unwrap_or("the server");
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        let message = if error.is_connect() {
            format!("cannot connect to {host}{port}: check the network and llm.base_url")
        } else if error.is_timeout() {
            format!("no answer from {host}{port} within {:.0?}", self.timeout)
        } else {
            format!("the connection to {host}{port} was cut")
        };
        Failure::new(ErrorKind::Unavailable, message)
    }
}

/// A header value that no log of the HTTP stack shows.
pub(crate) fn secret_header(prefix: &str, key: &Secret) -> Result<HeaderValue, BuildError> {
    let value: Result<HeaderValue, InvalidHeaderValue> = HeaderValue::from_str(&format!("{prefix}{}", key.expose()));
    let mut value = value.map_err(|_| BuildError::InvalidKey)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Digest of what shapes an answer beside the request. Of the base URL only scheme, host, port and path count: the
/// rest may hold a secret, and a new secret gives no new answer.
pub(crate) fn fingerprint(
    provider: &str,
    settings: &ProviderSettings,
    schemas: [Value; 2],
) -> Result<Digest, BuildError> {
    let url = parse_base_url(&settings.base_url)?;
    let place = (url.scheme(), url.host_str(), url.port_or_known_default(), url.path().trim_end_matches('/'));
    let all = (crate::PROMPT_VERSION, schemas, provider, &settings.model, settings.temperature, place);
    Digest::of_json(&all).map_err(|_| BuildError::InvalidTemperature { given: settings.temperature })
}

fn parse_base_url(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::InvalidBaseUrl)?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(BuildError::InvalidBaseUrl),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: &str) -> ProviderSettings {
        ProviderSettings {
            model: "m".into(),
            base_url: base_url.into(),
            api_key: None,
            temperature: Some(0.2),
            request_timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_base_url_may_end_with_a_slash_and_keeps_its_query() {
        for (base, whole) in [
            ("http://localhost:11434/v1", "http://localhost:11434/v1/chat/completions"),
            ("http://localhost:11434/v1/", "http://localhost:11434/v1/chat/completions"),
            ("https://x.example/?api-version=1", "https://x.example/chat/completions?api-version=1"),
        ] {
            let endpoint = Endpoint::new(&settings(base), HeaderMap::new()).unwrap();
            assert_eq!(endpoint.at(&["chat", "completions"]).as_str(), whole);
        }
    }

    #[test]
    fn what_is_no_web_address_is_refused_without_repeating_it() {
        for wrong in ["", "localhost:11434/v1", "ftp://user:hunter2@host", "file:///etc", "http://"] {
            let error = Endpoint::new(&settings(wrong), HeaderMap::new()).err().unwrap().to_string();
            assert!(error.contains("llm.base_url") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_fingerprint_changes_with_model_temperature_and_place_but_not_with_secrets() {
        let of = |settings: &ProviderSettings| fingerprint("openai", settings, [Value::Null, Value::Null]).unwrap();
        let plain = of(&settings("https://host/v1"));
        assert_eq!(plain, of(&settings("https://user:secret@host:443/v1/?key=secret")));
        assert_eq!(plain, of(&ProviderSettings { api_key: Some(Secret::new("k")), ..settings("https://host/v1") }));
        assert_ne!(plain, of(&settings("https://other/v1")));
        assert_ne!(plain, of(&ProviderSettings { model: "n".into(), ..settings("https://host/v1") }));
        assert_ne!(plain, of(&ProviderSettings { temperature: Some(0.3), ..settings("https://host/v1") }));
        assert_ne!(plain, fingerprint("gemini", &settings("https://host/v1"), [Value::Null, Value::Null]).unwrap());
    }

    #[test]
    fn a_server_on_this_machine_is_asked_without_a_proxy() {
        for (url, local) in [
            ("http://localhost:1/", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:8/", true),
            ("http://a.b/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), local, "{url}");
        }
    }
}
