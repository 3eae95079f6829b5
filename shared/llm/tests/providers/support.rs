//! A provider's server on this machine, and what every test of a provider needs.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use langflix_domain::{AnalysisRequest, LearnerLevel, RequestLine, Usage};
use langflix_llm::{LlmSettings, ProviderSettings, Secret};
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

/// The key, which no error may show.
pub(crate) const KEY: &str = "sk-very-secret-7391";
/// What is said, which no error may show either.
pub(crate) const LINE: &str = "I told him I gave it up.";
/// A text as a model gives it.
pub(crate) const TEXT: &str = r#"{"expressions":[{"expression":"give up"}]}"#;

pub(crate) fn request() -> AnalysisRequest {
    AnalysisRequest {
        source_language: "en".parse().unwrap(),
        language: "ko".parse().unwrap(),
        level: LearnerLevel::Intermediate,
        min_expressions: 1,
        max_expressions: 3,
        translate_lines: false,
        lines: vec![RequestLine { text: LINE.to_owned(), offset_ms: 0, duration_ms: 2_400, context: false }],
    }
}

pub(crate) fn provider(base_url: String) -> ProviderSettings {
    ProviderSettings {
        model: "model-1".to_owned(),
        base_url,
        api_key: Some(Secret::new(KEY)),
        temperature: Some(0.2),
        request_timeout: Duration::from_secs(20),
    }
}

/// Everything together, with waits too short to notice.
pub(crate) fn settings(provider: &str, base_url: String) -> LlmSettings {
    LlmSettings {
        provider: provider.to_owned(),
        model: Some("model-1".to_owned()),
        base_url: Some(base_url),
        api_key: Some(Secret::new(KEY)),
        max_retries: 3,
        retry_backoff: Duration::from_millis(1),
        max_concurrent_requests: NonZeroU32::MIN,
        ..LlmSettings::default()
    }
}

pub(crate) fn usage(requests: u32, input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { requests, input_tokens, output_tokens }
}

/// A server that gives these replies in turn, and 599 to whoever asks once more.
pub(crate) async fn server(replies: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    answering("POST", replies).await
}

/// The same for requests of another method.
pub(crate) async fn answering(asked: &str, replies: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for reply in replies {
        Mock::given(method(asked)).respond_with(reply).up_to_n_times(1).mount(&server).await;
    }
    Mock::given(method(asked)).respond_with(ResponseTemplate::new(599)).with_priority(9).mount(&server).await;
    server
}

pub(crate) fn reply(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub(crate) async fn sent(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// Asks, and expects an error of this kind at this price. No error shows the key or a line.
pub(crate) async fn expect_error(model: &dyn LanguageModel, kind: ErrorKind, cost: Usage) -> Error {
    let error = ask(model).await.unwrap_err();
    assert_eq!((error.kind, error.usage), (kind, cost), "{error}");
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(KEY) && !shown.contains("gave it up"), "{shown}");
        assert!(!shown.contains('\n'), "{shown}");
    }
    error
}

pub(crate) async fn ask(model: &dyn LanguageModel) -> Result<Answer, Error> {
    model.ask(&request(), &[]).await
}

/// A server that cuts every connection after writing `before_the_cut`; counts the connections.
pub(crate) async fn cutting_server(before_the_cut: &'static str) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicU32::new(0));
    let counter = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut start = [0; 1024];
            let _ = stream.read(&mut start).await;
            let _ = stream.write_all(before_the_cut.as_bytes()).await;
        }
    });
    (address, connections)
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
