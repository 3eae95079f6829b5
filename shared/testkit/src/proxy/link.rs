use std::{
    io::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
};

use super::{Link, Shared, end, reset};

/// Why a connection does not end in order.
enum Stop {
    Failed,
    Cut(Side),
}

#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl From<Error> for Stop {
    fn from(_: Error) -> Self {
        Self::Failed
    }
}

/// Carries one connection until both sides have ended it, or it is to be reset.
pub(super) async fn carry(mut client: TcpStream, shared: Arc<Shared>, mut resets: watch::Receiver<u64>) {
    let mut server = None;
    let carried = tokio::select! {
        _ = resets.changed() => Err(Stop::Failed),
        carried = both_ways(&mut client, &mut server, &shared) => carried,
    };
    let (cut, to) = match (carried, server) {
        (Ok(()), _) => return,
        (Err(Stop::Cut(Side::Client)), Some(server)) => (server, client),
        (Err(Stop::Cut(Side::Server)), Some(server)) => (client, server),
        (Err(_), server) => return server.into_iter().chain([client]).for_each(reset),
    };
    reset(cut);
    let mut to = to;
    tokio::select! {
        _ = resets.changed() => reset(to),
        // Who has gone needs no end.
        _ = end(&mut to) => {}
    }
}

async fn both_ways(client: &mut TcpStream, server: &mut Option<TcpStream>, shared: &Shared) -> Result<(), Stop> {
    let mut up = Direction::new(shared, Side::Server, |link| match link {
        Link::CutSending(bytes) => Some(bytes),
        _ => None,
    });
    let down = Direction::new(shared, Side::Client, |link| match link {
        Link::CutAnswering(bytes) => Some(bytes),
        _ => None,
    });
    up.open().await?;
    let server = server.insert(TcpStream::connect(&shared.server).await?);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::try_join!(up.pump(from_client, to_server), down.pump(from_server, to_client)).map(|_| ())
}

/// The bytes from one side to the other.
struct Direction<'a> {
    link: watch::Receiver<Link>,
    seen: Link,
    to: Side,
    passed: &'a AtomicU64,
    cuts: fn(Link) -> Option<u64>,
    /// How many bytes may pass before the connection is cut.
    left: Option<u64>,
}

impl<'a> Direction<'a> {
    fn new(shared: &'a Shared, to: Side, cuts: fn(Link) -> Option<u64>) -> Self {
        let link = shared.link.subscribe();
        let seen = *link.borrow();
        let passed = match to {
            Side::Client => &shared.received,
            Side::Server => &shared.sent,
        };
        Self { link, seen, to, passed, cuts, left: cuts(seen) }
    }

    /// Waits until something passes. It fails where connections are refused.
    async fn open(&mut self) -> Result<(), Stop> {
        let link = *self.link.wait_for(|link| *link != Link::Silent).await.map_err(Error::other)?;
        if link == Link::Refused {
            return Err(Stop::Failed);
        }
        if link != self.seen {
            self.seen = link;
            self.left = (self.cuts)(link);
        }
        Ok(())
    }

    async fn pump(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), Stop> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            self.open().await?;
            let read = tokio::select! {
                biased;
                _ = self.link.changed() => continue,
                read = from.read(&mut buffer) => read?,
            };
            if let Link::Slow(delay) = self.seen {
                tokio::time::sleep(delay).await;
            }
            self.open().await?;
            if read == 0 {
                return Ok(to.shutdown().await?);
            }
            let passes = self.left.map_or(read, |left| read.min(usize::try_from(left).unwrap_or(usize::MAX)));
            to.write_all(&buffer[..passes]).await?;
            self.passed.fetch_add(passes as u64, Ordering::SeqCst);
            self.left = self.left.map(|left| left - passes as u64);
            if self.left == Some(0) {
                return Err(Stop::Cut(self.to));
            }
        }
    }
}
