//! Connections: how many there may be, and how long they may take.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use langflix_runtime::shutdown::Shutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::guard::Peer;

/// Connections at once. A browser has up to six, one of them for events.
const CONNECTIONS: usize = 256;
/// How long the head of a request may take, and a connection be without one.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;
/// How long answers may take to end after a signal.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// Serves `routes` until the process is told to end, and for a moment more.
pub(super) async fn serve(listener: TcpListener, routes: Router, shutdown: &Shutdown) {
    let (places, mut connections) = (Arc::new(Semaphore::new(CONNECTIONS)), JoinSet::new());
    loop {
        let accepted = async {
            // Closed by nobody.
            let place = places.clone().acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = shutdown.draining() => break,
            accepted = accepted => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let (routes, shutdown) = (routes.clone(), shutdown.clone());
                connections.spawn(async move {
                    connection(stream, peer, routes, &shutdown).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the page cannot be taken");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    drop(listener);
    if timeout(LAST_WITHIN, async { while connections.join_next().await.is_some() {} }).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, shutdown: &Shutdown) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        routes.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
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
        // Whoever looks may go at any time.
        tracing::debug!(%error, "a connection to the page was cut");
    }
}
