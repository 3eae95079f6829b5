//! Connections of HTTP: how many there may be, and how long they may take.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::shutdown::Shutdown;

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;
/// How long answers may take to end after a signal.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many there may be at once.
    pub connections: usize,
    /// What comes of one more.
    pub beyond: Beyond,
    /// How long the head of a request may take, and a connection be without one.
    pub head_within: Duration,
}

/// What comes of a connection that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It waits until another one has ended.
    Waits,
    /// The oldest one is cut for it, whatever that one does: for answers that are short.
    CutsOldest,
}

/// Serves `routes` until `shutdown` is told, and for a moment more. Dropped, it cuts every connection.
///
/// Each request has its [`ConnectInfo`] with the address that it came from.
pub async fn serve(listener: TcpListener, routes: Router, bounds: Bounds, shutdown: &Shutdown) {
    let mut connections = Connections::default();
    loop {
        let accepted = tokio::select! {
            () = shutdown.draining() => break,
            accepted = connections.accept(&listener, bounds) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (routes, shutdown) = (routes.clone(), shutdown.clone());
                connections.begin(async move { connection(stream, peer, routes, bounds, &shutdown).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    connections.end().await;
}

/// The connections that are open.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// The same from the oldest to the newest, and maybe some that have ended.
    by_age: VecDeque<AbortHandle>,
}

impl Connections {
    /// The next connection, for which there is a place.
    async fn accept(&mut self, listener: &TcpListener, bounds: Bounds) -> io::Result<(TcpStream, SocketAddr)> {
        let accepted = listener.accept().await?;
        while self.tasks.try_join_next().is_some() {}
        self.by_age.retain(|connection| !connection.is_finished());
        while self.tasks.len() >= bounds.connections {
            if bounds.beyond == Beyond::CutsOldest
                && let Some(oldest) = self.by_age.pop_front()
            {
                oldest.abort();
            }
            self.tasks.join_next().await;
        }
        Ok(accepted)
    }

    fn begin(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        self.by_age.push_back(self.tasks.spawn(connection));
    }

    async fn end(mut self) {
        if timeout(LAST_WITHIN, async { while self.tasks.join_next().await.is_some() {} }).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, bounds: Bounds, shutdown: &Shutdown) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        routes.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(bounds.head_within);
    builder.max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Whoever asks may go at any time.
        tracing::debug!(%error, "a connection was cut");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::JoinHandle,
    };

    use super::*;

    const HALF: &str = "GET / HTTP/1.1\r\nhost: here\r\n";
    /// Longer than a test may take.
    const FOREVER: Duration = Duration::from_secs(3600);

    struct Served {
        address: SocketAddr,
        shutdown: Shutdown,
        task: JoinHandle<()>,
    }

    /// Serves whoever asks their own address.
    async fn served(connections: usize, beyond: Beyond, head_within: Duration) -> Served {
        let routes = Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::default());
        let told = shutdown.clone();
        let bounds = Bounds { connections, beyond, head_within };
        let task = tokio::spawn(async move { serve(listener, routes, bounds, &told).await });
        Served { address, shutdown, task }
    }

    impl Served {
        async fn half_sent(&self) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(HALF.as_bytes()).await.unwrap();
            stream
        }
    }

    /// Sends what is left of a request, and gives what is answered until the connection ends; nothing where it was cut.
    async fn rest(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        let _ = stream.write_all(b"connection: close\r\n\r\n").await;
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    /// Waits until the other end has closed.
    async fn closed(stream: &mut TcpStream) {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    #[tokio::test]
    async fn a_request_tells_where_it_came_from() {
        let served = served(4, Beyond::Waits, FOREVER).await;
        let stream = served.half_sent().await;
        let own = stream.local_addr().unwrap().to_string();
        assert!(rest(stream).await.ends_with(&format!("\r\n\r\n{own}")));
    }

    #[tokio::test]
    async fn one_too_many_cuts_the_oldest() {
        let served = served(3, Beyond::CutsOldest, FOREVER).await;
        let mut streams = Vec::new();
        for _ in 0..5 {
            streams.push(served.half_sent().await);
        }
        for oldest in &mut streams[..2] {
            closed(oldest).await;
        }
        for younger in streams.drain(2..) {
            assert!(rest(younger).await.starts_with("HTTP/1.1 200"));
        }
    }

    #[tokio::test]
    async fn one_too_many_waits_for_another_to_end() {
        let served = served(1, Beyond::Waits, FOREVER).await;
        let (first, second) = (served.half_sent().await, served.half_sent().await);
        let mut second = tokio::spawn(rest(second));
        timeout(Duration::from_millis(100), &mut second).await.unwrap_err();
        assert!(rest(first).await.starts_with("HTTP/1.1 200"));
        assert!(second.await.unwrap().starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_head_that_takes_too_long_and_a_connection_without_one_are_ended() {
        let served = served(4, Beyond::Waits, Duration::from_millis(50)).await;
        closed(&mut served.half_sent().await).await;
        let mut kept = served.half_sent().await;
        kept.write_all(b"\r\n").await.unwrap();
        let mut answer = String::new();
        kept.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("connection: close"), "{answer}");
    }

    #[tokio::test]
    async fn a_signal_ends_connections_that_ask_for_nothing() {
        let served = served(4, Beyond::Waits, FOREVER).await;
        let mut kept = served.half_sent().await;
        kept.write_all(b"\r\n").await.unwrap();
        kept.read_u8().await.unwrap();
        served.shutdown.signal();
        closed(&mut kept).await;
        served.task.await.unwrap();
        TcpStream::connect(served.address).await.unwrap_err();
    }
}
