use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use langflix_ports::queue::{Consumer, Error, Message, Name, Place, Queue};
use lapin::{
    ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use serde::Serialize;

use crate::{
    Fate, Handled, Settings, SettingsError,
    consumer::RabbitConsumer,
    link::Link,
    publisher::publish,
    settings::Endpoint,
    shelf,
    threads::Threads,
    topology::{QueueSpec, WORK, table, topology},
};

/// The queues of a RabbitMQ broker. Nothing is connected before it is needed; a connection that is lost is opened anew
/// by the next call. Clones are the same.
#[derive(Clone)]
pub struct RabbitQueue {
    link: Arc<Link>,
}

/// What lies in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Messages that wait to be delivered.
    pub ready: u32,
    /// Those who take messages from it.
    pub consumers: u32,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Host and port.
    pub address: String,
    /// The virtual host.
    pub vhost: String,
    /// Whether the way there is encrypted.
    pub encrypted: bool,
}

impl RabbitQueue {
    /// The queues at the broker of `settings`.
    ///
    /// # Errors
    /// [`SettingsError`]; the broker is not asked.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let link = Link::new(Endpoint::new(settings)?, Threads::start()?);
        Ok(Self { link: Arc::new(link) })
    }

    /// Declares all that [`topology`] lists; what is there already is left as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`](langflix_ports::queue::ErrorKind::Missing) where something of that name is there with other properties.
    pub async fn apply_topology(&self) -> Result<(), Error> {
        let topology = topology();
        let channel = self.link.channel(WORK).await?;
        for exchange in &topology.exchanges {
            let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let declare =
                channel.exchange_declare(exchange.name.into(), ExchangeKind::Direct, options, FieldTable::default());
            self.link.within(exchange.name, declare).await?;
        }
        for queue in &topology.queues {
            let name = queue.name.as_str();
            let declare = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), table(&queue.arguments));
            self.link.within(name, declare).await?;
            let options = QueueBindOptions::default();
            let bind =
                channel.queue_bind(name.into(), queue.exchange.into(), name.into(), options, FieldTable::default());
            self.link.within(name, bind).await?;
        }
        self.link.within(WORK, channel.close(200, "done".into())).await
    }

    /// Whether all that [`topology`] lists is there.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`](langflix_ports::queue::ErrorKind::Missing) with the first that is not.
    pub async fn check_topology(&self) -> Result<(), Error> {
        self.counts().await.map(drop)
    }

    /// What lies in each queue that [`topology`] lists, by its name.
    ///
    /// # Errors
    /// As [`Self::check_topology`].
    pub async fn counts(&self) -> Result<BTreeMap<String, Count>, Error> {
        let mut counts = BTreeMap::new();
        let channel = self.link.channel(WORK).await?;
        for QueueSpec { name, .. } in topology().queues {
            let passive = QueueDeclareOptions::durable().passive();
            let declare = channel.queue_declare(name.as_str().into(), passive, FieldTable::default());
            let queue = self.link.within(&name, declare).await?;
            counts.insert(name, Count { ready: queue.message_count(), consumers: queue.consumer_count() });
        }
        self.link.within(WORK, channel.close(200, "done".into())).await?;
        Ok(counts)
    }

    /// Goes through at most `most` messages of a shelf and does with each what `decide` says. Broken off anywhere, what
    /// was not dealt with is still there.
    ///
    /// # Errors
    /// See [`ErrorKind`](langflix_ports::queue::ErrorKind).
    pub async fn go_through(
        &self,
        place: Place,
        most: usize,
        decide: impl FnMut(&Message) -> Fate + Send,
    ) -> Result<Handled, Error> {
        shelf::go_through(&self.link, place, most, decide).await
    }

    /// Reaches the broker.
    ///
    /// # Errors
    /// See [`ErrorKind`](langflix_ports::queue::ErrorKind), with the broker's address.
    pub async fn ping(&self) -> Result<Server, Error> {
        let channel = self.link.channel(WORK).await?;
        self.link.within(WORK, channel.close(200, "done".into())).await?;
        let endpoint = &self.link.endpoint;
        let (address, vhost) = (endpoint.place(), endpoint.vhost().to_owned());
        Ok(Server { address, vhost, encrypted: endpoint.is_encrypted() })
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn publish(&self, to: Name, message: &Message) -> Result<(), Error> {
        publish(&self.link, WORK, to.as_str(), message).await
    }

    async fn consume(&self, from: Place, prefetch: u16) -> Result<Box<dyn Consumer>, Error> {
        Ok(Box::new(RabbitConsumer::open(&self.link, from, prefetch).await?))
    }
}
