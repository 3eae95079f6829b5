use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_rs::Runtime;
use langflix_ports::queue::Error;
use lapin::{Channel, Connection, options::ConfirmSelectOptions};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    failure::{failed, unavailable},
    settings::Endpoint,
    threads::Threads,
};

/// How long opening a connection or a channel may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Two connections: a broker that is short of memory blocks the one that publishes, and must not keep the other from
/// acknowledging. Each is opened when it is needed and not there, by one caller for all.
pub(crate) struct Link {
    pub(crate) endpoint: Endpoint,
    pub(crate) threads: Threads,
    publishing: Shared<Publishing>,
    consuming: Shared<Connection>,
}

/// A connection with the channel that everything is published on.
pub(crate) struct Publishing {
    connection: Connection,
    pub(crate) channel: Channel,
}

impl Publishing {
    fn is_up(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }
}

/// Something that is opened once for many.
struct Shared<T> {
    open: RwLock<Option<Arc<T>>>,
    opening: Mutex<()>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { open: RwLock::default(), opening: Mutex::default() }
    }
}

impl<T> Shared<T> {
    fn there(&self, is_up: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|open| is_up(open)).map(Arc::clone)
    }

    async fn get(
        &self,
        is_up: impl Fn(&T) -> bool,
        open: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        if let Some(there) = self.there(&is_up) {
            return Ok(there);
        }
        let _opening = self.opening.lock().await;
        // Somebody else may have opened it meanwhile.
        if let Some(there) = self.there(&is_up) {
            return Ok(there);
        }
        let opened = Arc::new(open().await?);
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

impl Link {
    pub(crate) fn new(endpoint: Endpoint, threads: Threads) -> Self {
        Self { endpoint, threads, publishing: Shared::default(), consuming: Shared::default() }
    }

    /// The channel to publish on.
    pub(crate) async fn publishing(&self, queue: &str) -> Result<Arc<Publishing>, Error> {
        let open = async || {
            let connection = self.connect("publishing", queue).await?;
            let channel = self.within(queue, connection.create_channel()).await?;
            self.within(queue, channel.confirm_select(ConfirmSelectOptions::default())).await?;
            Ok(Publishing { connection, channel })
        };
        self.publishing.get(Publishing::is_up, open).await
    }

    /// A new channel on the connection to consume on.
    pub(crate) async fn channel(&self, queue: &str) -> Result<Channel, Error> {
        let connection = self
            .consuming
            .get(|connection| connection.status().connected(), async || self.connect("consuming", queue).await)
            .await?;
        self.within(queue, connection.create_channel()).await
    }

    async fn connect(&self, purpose: &str, queue: &str) -> Result<Connection, Error> {
        let endpoint = &self.endpoint;
        let (uri, tls, properties) = (endpoint.uri(), endpoint.tls(), endpoint.properties(purpose));
        let runtime = Runtime::tokio_with_handle(self.threads.handle().clone());
        let connect = Connection::connect_uri_with_config(uri, properties, tls, runtime);
        self.within(queue, connect).await.map_err(|error| {
            let (place, vhost, user) = (endpoint.place(), endpoint.vhost(), endpoint.username());
            let how = if endpoint.is_encrypted() { " over TLS" } else { "" };
            let message = format!("RabbitMQ at {place}{how}, virtual host {vhost}, as {user}: {}", error.message);
            Error { message, ..error }
        })
    }

    /// What `step` gives, unless it takes too long.
    pub(crate) async fn within<T>(
        &self,
        queue: &str,
        step: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, Error> {
        match timeout(WITHIN, step).await {
            Ok(done) => done.map_err(|error| failed(queue, &error)),
            Err(_) => {
                let (place, seconds) = (self.endpoint.place(), WITHIN.as_secs());
                Err(unavailable(queue, format!("RabbitMQ at {place} gave no answer within {seconds} s")))
            }
        }
    }
}
