use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use langflix_s3::Settings;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// It reaches the server, and the answer comes back.
    Pass,
    /// It does not reach the server, which seems to answer this status and code, and to live at the beginning of 2026
    /// where it says `RequestTimeTooSkewed`.
    Answer(u16, &'static str),
    /// The same, before its body is read.
    Interrupt(u16, &'static str),
    /// It does not reach the server, and the connection is cut.
    Cut,
    /// It reaches the server, and the connection is cut in place of the answer.
    Lose,
    /// It reaches the server, and the connection is cut after so many bytes of the answer.
    CutAfter(usize),
    /// It does not reach the server, and nothing comes back.
    Stall,
}

/// A request as it came in.
pub(crate) struct Request {
    /// The request line and the headers.
    pub(crate) head: String,
    /// How many came before it that begin with the same method.
    pub(crate) nth: usize,
}

impl Request {
    pub(crate) fn is(&self, method: &str) -> bool {
        self.head.starts_with(method)
    }
}

/// Stands between a store and its server.
pub(crate) struct Proxy {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// In front of the server of `settings`; every request is judged by `script`.
    pub(crate) async fn before(
        settings: &Settings,
        script: impl Fn(&Request) -> Act + Send + Sync + 'static,
    ) -> (Self, Settings) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = settings.endpoint.as_deref().unwrap().trim_start_matches("http://").to_owned();
        let heads = Arc::new(Mutex::new(Vec::<String>::new()));
        let (seen, script) = (heads.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (seen, script, upstream) = (seen.clone(), script.clone(), upstream.clone());
                let judge = move |head: String| {
                    let mut seen = seen.lock().unwrap();
                    let method = head.split(' ').next().unwrap_or_default().to_owned();
                    let nth = seen.iter().filter(|head| head.starts_with(&method)).count();
                    seen.push(head.clone());
                    drop(seen);
                    script(&Request { head, nth })
                };
                tokio::spawn(async move { serve(client, &upstream, judge).await });
            }
        });
        let settings = Settings { endpoint: Some(url.clone()), ..settings.clone() };
        (Self { url, heads, task: task.abort_handle() }, settings)
    }

    /// The requests that came in, each from its method to its headers.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// How many requests have this in their first line.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.heads().iter().filter(|head| head.lines().next().is_some_and(|line| line.contains(what))).count()
    }
}

/// One request a connection, which is enough for a test.
async fn serve(mut client: TcpStream, upstream: &str, judge: impl FnOnce(String) -> Act) -> Option<()> {
    let mut request = Vec::new();
    let head = loop {
        client.read_buf(&mut request).await.ok().filter(|read| *read > 0)?;
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).into_owned();
    let length = text.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let act = judge(text);
    if let Act::Interrupt(status, code) = act {
        return client.write_all(&answer(status, code)).await.ok();
    }
    while request.len() < head + length.unwrap_or(0usize) {
        client.read_buf(&mut request).await.ok().filter(|read| *read > 0)?;
    }
    let keep = match act {
        Act::Pass => usize::MAX,
        Act::Lose => 0,
        Act::CutAfter(bytes) => bytes,
        Act::Cut => return None,
        Act::Stall => std::future::pending().await,
        Act::Answer(status, code) | Act::Interrupt(status, code) => {
            return client.write_all(&answer(status, code)).await.ok();
        }
    };
    let answer = forward(upstream, &request).await?;
    client.write_all(&answer[..keep.min(answer.len())]).await.ok()
}

fn answer(status: u16, code: &str) -> Vec<u8> {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>");
    let body = if code.is_empty() { "" } else { &body };
    let date = if code == "RequestTimeTooSkewed" { "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" } else { "" };
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{date}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The whole answer of the server.
async fn forward(upstream: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(upstream).await.ok()?;
    let line = request.windows(2).position(|window| window == b"\r\n")? + 2;
    server.write_all(&request[..line]).await.ok()?;
    server.write_all(b"connection: close\r\n").await.ok()?;
    server.write_all(&request[line..]).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

/// What a plain GET of a URL answers, head and body.
pub(crate) async fn get(url: &str, headers: &str) -> String {
    let (host, target) = url.trim_start_matches("http://").split_once('/').unwrap();
    let request = format!("GET /{target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
    String::from_utf8_lossy(&forward(host, request.as_bytes()).await.unwrap()).into_owned()
}

/// Does `first` with as many requests as `times` of this method, and lets the others pass.
pub(crate) fn at_first(method: &'static str, times: usize, first: Act) -> impl Fn(&Request) -> Act {
    let seen = AtomicUsize::new(0);
    move |request| {
        let ours = request.is(method) && seen.fetch_add(1, Ordering::Relaxed) < times;
        if ours { first.clone() } else { Act::Pass }
    }
}
