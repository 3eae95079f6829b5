use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use langflix_measures::{RECONNECTS, Server};
use langflix_ports::queue::Error;
use lapin::{Channel, options::ConfirmSelectOptions};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    connection::{Connected, within},
    failure::unavailable,
    settings::Endpoint,
    shared::Shared,
};

/// Two connections: a broker that is short of memory blocks the one that publishes, and must not keep the other from
/// acknowledging.
pub(crate) struct Link {
    pub(crate) endpoint: Endpoint,
    publishing: Shared<Connected>,
    consuming: Shared<Connected>,
    routes: RwLock<HashMap<String, Arc<Shared<Route>>>>,
    /// What connections were made for.
    known: RwLock<HashSet<&'static str>>,
}

impl Link {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let (publishing, consuming) = Default::default();
        Self { endpoint, publishing, consuming, routes: RwLock::default(), known: RwLock::default() }
    }

    /// The way that messages for `queue` take.
    pub(crate) async fn route(&self, queue: &str) -> Result<Arc<Route>, Error> {
        let open = async || {
            let connected = self.publishing.get(queue, Connected::is_up, async || self.publisher(queue).await).await?;
            connected.ready(queue)?;
            let channel = connected.channel(queue).await?;
            within(queue, channel.confirm_select(ConfirmSelectOptions::default())).await?;
            Ok(Route { connected, channel, proven: AtomicBool::new(false), alone: Mutex::default() })
        };
        self.slot(queue).get(queue, Route::is_up, open).await
    }

    async fn publisher(&self, queue: &str) -> Result<Connected, Error> {
        let connected = self.connect("publishing", queue).await?;
        // A route that nobody takes now would keep the connection before.
        for slot in self.routes.read().unwrap_or_else(PoisonError::into_inner).values() {
            slot.forget_lost(Route::is_up);
        }
        Ok(connected)
    }

    /// A new connection. All but the first for a purpose come after one that was lost.
    async fn connect(&self, purpose: &'static str, queue: &str) -> Result<Connected, Error> {
        let connected = Connected::open(&self.endpoint, purpose, queue).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        RECONNECTS.add((Server::RabbitMq,), u64::from(!known.insert(purpose)));
        Ok(connected)
    }

    fn slot(&self, queue: &str) -> Arc<Shared<Route>> {
        if let Some(slot) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(queue) {
            return Arc::clone(slot);
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(queue.to_owned()).or_default())
    }

    /// The connection to consume on.
    pub(crate) async fn consuming(&self, queue: &str) -> Result<Arc<Connected>, Error> {
        let connect = async || self.connect("consuming", queue).await;
        self.consuming.get(queue, Connected::is_up, connect).await
    }
}

impl Connected {
    /// Whether it can be published on.
    fn ready(&self, queue: &str) -> Result<(), Error> {
        match self.is_blocked() {
            // What is published now would only pile up in this process.
            true => Err(unavailable(queue, "the broker is short of memory or disk and takes no messages now")),
            false => Ok(()),
        }
    }
}

/// A channel for the messages to one queue.
///
/// A message that no queue takes comes back before it is confirmed, and lapin hands it to whichever publish of the channel
/// is confirmed next. So no channel is shared by queues of which one may be there and another not, and until a message
/// was taken, those to one queue are published one by one.
pub(crate) struct Route {
    connected: Arc<Connected>,
    pub(crate) channel: Channel,
    proven: AtomicBool,
    alone: Mutex<()>,
}

impl Route {
    fn is_up(&self) -> bool {
        self.channel.status().connected() && self.connected.is_up()
    }

    /// Waits for its turn to publish, where there are turns.
    pub(crate) async fn turn(&self, queue: &str) -> Result<Option<MutexGuard<'_, ()>>, Error> {
        self.connected.ready(queue)?;
        if self.proven.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let turn = self.alone.lock().await;
        Ok(if self.proven.load(Ordering::Relaxed) { None } else { Some(turn) })
    }

    /// A message was taken, or came back.
    pub(crate) fn prove(&self, taken: bool) {
        // No line of cache is written for each message.
        if self.proven.load(Ordering::Relaxed) != taken {
            self.proven.store(taken, Ordering::Relaxed);
        }
    }
}
