//! A dispatcher that serves its page, and whoever asks it.

use std::{fs, time::Duration};

use langflix_domain::{Manifest, RunId};
use langflix_fleet::parts;
use langflix_pipeline::RunRequest;
use langflix_ports::store::ArtifactStore as _;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    episode::{episode, undisturbed},
    program::{Program, Town},
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_langflix-dispatcher");
pub(crate) const DRAIN: Duration = Duration::from_secs(20);
pub(crate) const VIEW: &str = "view-0123456789abcdef";
pub(crate) const ACT: &str = "act-0123456789abcdef";

/// A dispatcher that serves its page.
pub(crate) struct Site {
    pub(crate) program: Program,
    /// `http://127.0.0.1:port`.
    pub(crate) url: String,
    pub(crate) client: Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Site {
    /// Starts one in which everybody may look, and whoever has the token may act.
    pub(crate) async fn open(town: &Town) -> Self {
        Self::with(town, &[("ACTION", ACT)]).await
    }

    /// Starts one with these tokens.
    pub(crate) async fn with(town: &Town, tokens: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Vec::new();
        for (name, token) in tokens {
            let file = folder.path().join(name);
            fs::write(&file, token).unwrap();
            settings.push((format!("LANGFLIX__WEB__{name}_TOKEN_FILE"), file.to_str().unwrap().to_owned()));
        }
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        Self::set(town, &settings).await
    }

    /// Starts one with more settings.
    pub(crate) async fn set(town: &Town, more: &[(&str, &str)]) -> Self {
        let settings = [&[("LANGFLIX__WEB__ADDRESS", "127.0.0.1:0")], more].concat();
        let program = town.start(PROGRAM, DRAIN, &settings);
        let url = program.logged("page").await.trim_end_matches('/').to_owned();
        program.readiness_is(200).await;
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { program, url, client }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// What it answers where all is well.
    pub(crate) async fn shows(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    /// Asks for a path as it is written, which no client would do, and gives status and body.
    pub(crate) async fn raw(&self, head: &str) -> (u16, String) {
        self.raw_with(head, "").await
    }

    /// The same with a body.
    pub(crate) async fn raw_with(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).await.unwrap();
        let text = format!("{head}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n{body}");
        // It may answer and go before it has read all.
        let _gone = stream.write_all(text.as_bytes()).await;
        let mut text = Vec::new();
        let _gone = stream.read_to_end(&mut text).await;
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{text}")), text)
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Holds that this is a problem, and gives what it says.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(
            (self.status.as_u16(), self.header("content-type")),
            (status, "application/problem+json"),
            "{self:?}"
        );
        assert_eq!(self.body["status"], status);
        assert!(self.body["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{self:?}");
        self.body["detail"].as_str().unwrap()
    }
}

/// An episode of which nothing is cut.
pub(crate) fn dry(number: u16) -> RunRequest {
    let mut asked = episode(number);
    asked.settings.encode = None;
    asked
}

/// Puts a run into the bucket that has ended, with the content of its clips' files.
pub(crate) async fn ended(town: &Town, number: u16, content: &[u8]) -> (RunId, Manifest) {
    let mut manifest = undisturbed(&episode(number)).await;
    let store = town.servers().store;
    for clip in &mut manifest.clips {
        for (name, blob) in &mut clip.encoded.as_mut().unwrap().blobs {
            blob.bytes = content.len() as u64;
            store.put_if_absent(&format!("clips/{}/{name}", clip.id), content).await.unwrap();
        }
    }
    store_manifest(town, &manifest).await;
    (manifest.run.clone(), manifest)
}

pub(crate) async fn store_manifest(town: &Town, manifest: &Manifest) {
    let (store, run) = (town.servers().store, &manifest.run);
    let (show, season, episode) = parts(run);
    store.put_if_absent(&format!("shows/{show}/s{season:02}/e{episode:02}/{run}"), b"1").await.unwrap();
    let bytes = serde_json::to_vec(manifest).unwrap();
    store.put_if_absent(&format!("runs/{run}/manifest.json"), &bytes).await.unwrap();
}
