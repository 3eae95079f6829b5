//! What stands between a client and its server, and lets go wrong what goes wrong in networks.
//!
//! Each runs on a thread of its own, so that a test that waits does not hold it up, and ends when it is dropped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use reqwest::Url;
use tokio::{
    io::{AsyncWriteExt as _, copy, sink},
    net::{TcpListener, TcpStream},
    sync::{mpsc as tokio_mpsc, watch},
};

use crate::servers::Ports;

mod background;
mod http;
mod link;
mod tls;

use background::Background;
pub use http::{Act, Http};
pub use tls::Tls;

/// How the network between client and server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// All passes at once.
    Whole,
    /// Each chunk, of 16 KiB at most, passes after so long a time.
    Slow(Duration),
    /// Connections stand and can be made, and nothing passes in either direction until the link is another.
    Silent,
    /// Open connections are reset, and new ones refused.
    Refused,
    /// Of what the client sends on a connection so many bytes more pass; then the server sees its end, and the client is
    /// reset.
    CutSending(u64),
    /// Of what the server sends on a connection so many bytes more pass; then the client sees its end, and the server is
    /// reset.
    CutAnswering(u64),
}

/// A TCP proxy; its link is whole at first.
#[derive(Debug)]
pub struct Proxy {
    /// The server's URL, but by way of the proxy.
    pub url: String,
    commands: tokio_mpsc::UnboundedSender<Command>,
    shared: Arc<Shared>,
    _thread: Background,
    _ports: Ports,
}

#[derive(Debug)]
enum Command {
    Set(Link, mpsc::Sender<()>),
    Reset,
}

#[derive(Debug)]
struct Shared {
    /// `host:port`.
    server: String,
    link: watch::Sender<Link>,
    resets: watch::Sender<u64>,
    connections: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Proxy {
    /// Before the server of a URL of any scheme, which must name host and port.
    ///
    /// # Panics
    /// Where the URL is none, or a port can't be had.
    #[must_use]
    pub fn before(url: &str) -> Self {
        let ports = Ports::claim();
        let (server, url) = redirect(url, ports.port(0));
        let shared = Arc::new(Shared {
            server,
            link: watch::Sender::new(Link::Whole),
            resets: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        let (commands, orders) = tokio_mpsc::unbounded_channel();
        let (serving, port) = (shared.clone(), ports.port(0));
        let thread = Background::start(move |ready| serve(serving, port, orders, ready));
        Self { url, commands, shared, _thread: thread, _ports: ports }
    }

    /// Changes the link, for open connections and new ones. It is so when this returns.
    ///
    /// # Panics
    /// Where the proxy has ended by a fault of its own.
    pub fn set(&self, link: Link) {
        let (done, wait) = mpsc::channel();
        let sent = self.commands.send(Command::Set(link, done));
        assert!(sent.is_ok() && wait.recv().is_ok(), "the proxy has ended");
    }

    /// Resets all open connections.
    pub fn reset(&self) {
        // Without its thread no connection is open.
        let _ = self.commands.send(Command::Reset);
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many bytes went to the server.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// How many bytes came from the server.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::SeqCst)
    }
}

/// Obeys and accepts. Refusing takes a port on which nobody listens.
async fn serve(
    shared: Arc<Shared>,
    port: u16,
    mut orders: tokio_mpsc::UnboundedReceiver<Command>,
    ready: mpsc::Sender<()>,
) {
    let mut listener = Some(listen(port).await);
    let _ = ready.send(());
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return,
                Some(Command::Reset) => shared.reset(),
                Some(Command::Set(link, done)) => {
                    shared.link.send_replace(link);
                    if link == Link::Refused {
                        listener = None;
                        shared.reset();
                    } else if listener.is_none() {
                        listener = Some(listen(port).await);
                    }
                    // Who asked may have gone on.
                    let _ = done.send(());
                }
            },
            client = accept(listener.as_ref()) => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(link::carry(client, shared.clone(), shared.resets.subscribe()));
            }
        }
    }
}

impl Shared {
    fn reset(&self) {
        self.resets.send_modify(|resets| *resets += 1);
    }
}

/// The next client, if any may come.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        // A client that has gone meanwhile is an error here, and the next one is not.
        if let Ok((client, _)) = listener.accept().await {
            return client;
        }
    }
}

async fn listen(port: u16) -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.unwrap_or_else(|error| panic!("port {port}: {error}"))
}

/// The `host:port` of a URL, and the same URL with another port of this machine.
fn redirect(url: &str, port: u16) -> (String, String) {
    let mut changed = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    let (Some(host), Some(from)) = (changed.host_str(), changed.port_or_known_default()) else {
        panic!("{url}: it takes a host and a port")
    };
    let server = format!("{host}:{from}");
    assert!(changed.set_port(Some(port)).is_ok(), "{url}: it takes no port");
    assert!(changed.set_host(Some("127.0.0.1")).is_ok(), "{url}: it takes no host");
    (server, changed.as_str().strip_suffix('/').filter(|_| !url.ends_with('/')).unwrap_or(changed.as_str()).to_owned())
}

/// Ends a connection behind what was written to it. What still comes is read, since closing before would reset it, and
/// take from the other side what is on its way there.
async fn end(connection: &mut TcpStream) -> std::io::Result<()> {
    connection.shutdown().await?;
    copy(connection, &mut sink()).await.map(|_| ())
}

/// Closes a connection so that the other side sees a reset instead of an end.
fn reset(connection: TcpStream) {
    // One that is closed already needs no reset.
    let _ = connection.set_zero_linger();
}
