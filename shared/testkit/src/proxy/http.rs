use std::{
    io::Result,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional, sink},
    net::{TcpListener, TcpStream},
};

use super::{Background, accept, end, listen, redirect, reset};
use crate::servers::Ports;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The server does not see it; the answer has this status and, as S3 answers, this error code.
    Answer(u16, &'static str),
    /// The server does not see it, and the connection is reset.
    Cut,
    /// The server does not see it, and nothing comes back.
    Stall,
    /// The server does what it asks for, and the connection is reset in place of the answer.
    Lose,
    /// The server does what it asks for, and the connection ends after so many bytes of the answer's body.
    CutAnswer(u64),
}

/// An HTTP proxy that can tell one request from another.
///
/// What passes, passes as it is, `Host` included, so that signatures stay valid. Only `Connection` changes: each
/// connection has one request.
#[derive(Debug)]
pub struct Http {
    /// The server's URL, but by way of the proxy.
    pub url: String,
    shared: Arc<Shared>,
    _thread: Background,
    _ports: Ports,
}

#[derive(Debug)]
struct Shared {
    server: String,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    rules: Vec<Rule>,
    requests: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    left: usize,
    method: String,
    target: String,
    act: Act,
}

impl Http {
    /// Before the server of an `http` URL.
    ///
    /// # Panics
    /// Where the URL is none, or a port can't be had.
    #[must_use]
    pub fn before(url: &str) -> Self {
        let ports = Ports::claim();
        let (server, url) = redirect(url, ports.port(0));
        let shared = Arc::new(Shared { server, book: Mutex::default() });
        let (serving, port) = (shared.clone(), ports.port(0));
        let thread = Background::start(move |ready| serve(serving, port, ready));
        Self { url, shared, _thread: thread, _ports: ports }
    }

    /// Does this with the next `times` requests of a method whose target (path and query, as sent) contains `target`.
    ///
    /// Of several that fit, the one that was told first is done first.
    pub fn next(&self, times: usize, method: &str, target: &str, act: Act) {
        let rule = Rule { left: times, method: method.to_owned(), target: target.to_owned(), act };
        self.shared.book().rules.push(rule);
    }

    /// How many times something is still to be done that [`next`](Self::next) asked for.
    #[must_use]
    pub fn left(&self) -> usize {
        self.shared.book().rules.iter().map(|rule| rule.left).sum()
    }

    /// The requests that came so far, each as `METHOD target`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shared.book().requests.clone()
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done with a request, if it is not to pass.
    fn judge(&self, head: &str) -> Option<Act> {
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut book = self.book();
        book.requests.push(format!("{method} {target}"));
        let mut rules = book.rules.iter_mut();
        let rule = rules.find(|rule| rule.left > 0 && rule.method == method && target.contains(&rule.target))?;
        rule.left -= 1;
        Some(rule.act)
    }
}

async fn serve(shared: Arc<Shared>, port: u16, ready: mpsc::Sender<()>) {
    let listener: TcpListener = listen(port).await;
    let _ = ready.send(());
    loop {
        let mut client = accept(Some(&listener)).await;
        let shared = shared.clone();
        tokio::spawn(async move {
            if handle(&mut client, &shared).await.is_err() {
                reset(client);
            }
        });
    }
}

/// Serves one request; an error resets the connection.
async fn handle(client: &mut TcpStream, shared: &Shared) -> Result<()> {
    client.set_nodelay(true)?;
    let Some((head, rest)) = read_head(client).await? else { return Ok(()) };
    match shared.judge(&head) {
        None => {
            let mut server = forward(&shared.server, &head, &rest).await?;
            copy_bidirectional(client, &mut server).await.map(|_| ())
        }
        Some(Act::Answer(status, code)) => answer(client, &head, status, code).await,
        Some(Act::Cut) => Err(lost()),
        Some(Act::Stall) => std::future::pending().await,
        Some(Act::Lose) => {
            let mut server = forward(&shared.server, &head, &rest).await?;
            beside(client, &mut server, None).await?;
            Err(lost())
        }
        Some(Act::CutAnswer(bytes)) => {
            let mut server = forward(&shared.server, &head, &rest).await?;
            beside(client, &mut server, Some(bytes)).await?;
            end(client).await
        }
    }
}

/// Lets the request's body pass until the server has answered, and of the answer only its head and so much of its body.
async fn beside(client: &mut TcpStream, server: &mut TcpStream, keep: Option<u64>) -> Result<()> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let sending = async {
        copy(&mut from_client, &mut to_server).await?;
        std::future::pending::<Result<()>>().await
    };
    let answering = async {
        let Some(bytes) = keep else { return copy(&mut from_server, &mut sink()).await.map(|_| ()) };
        let Some((head, rest)) = read_head(&mut from_server).await? else { return Ok(()) };
        to_client.write_all(head.as_bytes()).await?;
        let mut body = rest.as_slice().chain(&mut from_server).take(bytes);
        copy(&mut body, &mut to_client).await.map(|_| ())
    };
    tokio::select! {
        sent = sending => sent,
        answered = answering => answered,
    }
}

/// The text up to the empty line, and what was read beyond; nothing where no request comes any more.
async fn read_head(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<Option<(String, Vec<u8>)>> {
    let mut read = Vec::new();
    loop {
        if from.read_buf(&mut read).await? == 0 {
            return if read.is_empty() { Ok(None) } else { Err(lost()) };
        }
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok(Some((String::from_utf8_lossy(&read).into_owned(), rest)));
        }
    }
}

/// Sends a request's head, changed so that the server closes the connection behind its answer.
async fn forward(server: &str, head: &str, rest: &[u8]) -> Result<TcpStream> {
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    let mut lines = head.trim_end().split("\r\n");
    let mut changed = format!("{}\r\nConnection: close\r\n", lines.next().unwrap_or_default());
    for line in lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        changed += line;
        changed += "\r\n";
    }
    changed += "\r\n";
    server.write_all(changed.as_bytes()).await?;
    server.write_all(rest).await?;
    Ok(server)
}

async fn answer(client: &mut TcpStream, head: &str, status: u16, code: &str) -> Result<()> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>made up by a test</Message></Error>"
    );
    let mut text = format!(
        "HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if !head.starts_with("HEAD ") {
        text += &body;
    }
    client.write_all(text.as_bytes()).await?;
    end(client).await
}

fn lost() -> std::io::Error {
    std::io::ErrorKind::ConnectionReset.into()
}
