//! The page and the HTTP API.

mod api;
mod assets;
mod board;
mod events;
mod guard;
mod limits;
mod page;
mod problem;
mod tokens;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    extract::{ConnectInfo, Request},
    middleware::map_request,
};
use langflix_domain::Prices;
use langflix_fleet::{Servers, Service};
use langflix_runtime::{
    http::{self, Beyond, Bounds},
    shutdown::Shutdown,
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Semaphore},
    task::{JoinError, JoinHandle},
};
use tracing::Instrument as _;

use board::Board;
use guard::Peer;
use limits::Limits;
use problem::{ENDS, Problem};
use tokens::Tokens;

/// A browser has up to six connections, one of them for events.
const BOUNDS: Bounds = Bounds { connections: 256, beyond: Beyond::Waits, head_within: Duration::from_secs(20) };

/// What the page and the API are served from. Clones are the same.
#[derive(Clone)]
struct App {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    board: Board,
    tokens: Tokens,
    limits: Limits,
    /// Places for whoever listens to events.
    listeners: Arc<Semaphore>,
    /// Held while shelves are gone through. That holds their messages: two at once would not see each other's.
    shelves: Arc<Mutex<()>>,
    prices: Option<Prices>,
    shutdown: Shutdown,
    /// Where it is served.
    address: SocketAddr,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl App {
    /// Has shelves gone through once nobody else does, and to the end where whoever asked has gone: broken off, an action is
    /// half done, and the next look does not find what this one still holds.
    async fn at_shelves<T, W>(&self, work: impl FnOnce(Self) -> W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let (alone, work) = (Arc::clone(&self.shelves).lock_owned().await, work(self.clone()));
        let working = async move {
            let _alone = alone;
            work.await
        };
        match tokio::spawn(working.in_current_span()).await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => Err(Problem::unavailable(ENDS)),
        }
    }
}

/// The page and the API, while they are served.
pub(crate) struct Web {
    tasks: [JoinHandle<()>; 2],
}

impl Web {
    /// Serves the page and the API from `servers`, where the configuration says so.
    ///
    /// # Errors
    /// Where `web.address` cannot be listened at.
    pub(crate) async fn begin(service: &Service, servers: &Servers) -> anyhow::Result<Option<Self>> {
        let web = &service.config.web;
        let Some(address) = web.address else { return Ok(None) };
        let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, error))?;
        let address = listener.local_addr().map_err(|error| cannot_listen(address, error))?;
        let (prices, shutdown) = (service.config.common.llm.prices.clone(), service.shutdown.clone());
        let tokens = Tokens::new(web.view_token.as_ref(), web.action_token.as_ref());
        let board = Board::new(servers.clone(), prices.clone(), tokens.allow_actions());
        let (limits, listeners) = (Limits::default(), Arc::new(Semaphore::new(events::LISTENERS)));
        let looking = tokio::spawn({
            let (board, shutdown) = (board.clone(), shutdown.clone());
            async move {
                tokio::select! {
                    () = board.look_while_wanted() => {}
                    () = shutdown.draining() => {}
                }
            }
        });
        let servers = servers.clone();
        let (shelves, told) = (Arc::default(), shutdown.clone());
        let inner = Inner { servers, board, tokens, limits, listeners, shelves, prices, shutdown: told, address };
        let routes = guard::guarded(App { inner: Arc::new(inner) }).layer(map_request(with_peer));
        let serving = tokio::spawn(async move { http::serve(listener, routes, BOUNDS, &shutdown).await });
        if web.view_token.is_none() && !address.ip().is_loopback() {
            tracing::warn!(%address, "whoever reaches the page may look: web.view_token_file names no token");
        }
        tracing::info!(page = %format_args!("http://{address}/"), "serves its page");
        Ok(Some(Self { tasks: [serving, looking] }))
    }

    /// Waits until all requests are answered, which began before the service was told to end.
    pub(crate) async fn ended(self) {
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "the page has ended");
            }
        }
    }
}

/// Why there is no page at `address`.
fn cannot_listen(address: SocketAddr, error: io::Error) -> anyhow::Error {
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => format!("web.address {address} is in use: give another port, or port 0 for any"),
        _ => format!("web.address {address} cannot be listened at"),
    };
    anyhow::Error::new(error).context(what)
}

async fn with_peer(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer(peer.ip()));
    request
}
