use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use langflix_ports::queue::{Consumer, Error, Message, Name, Place, Queue};
use serde::Serialize;

use crate::{
    Fate, Handled, Settings, SettingsError, consumer::RabbitConsumer, greeting, link::Link, publisher::publish,
    settings::Endpoint, shelf, topology::WORK, upkeep,
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
    /// What the server is, such as `RabbitMQ 3.10.8`, in its own words.
    pub product: String,
}

impl RabbitQueue {
    /// The queues at the broker of `settings`.
    ///
    /// # Errors
    /// [`SettingsError`]; the broker is not asked.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self { link: Arc::new(Link::new(Endpoint::new(settings)?)) })
    }

    /// Declares all that [`topology`](crate::topology) lists; what is there already is left as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`](langflix_ports::queue::ErrorKind::Missing) where something of that name is there with other properties.
    pub async fn apply_topology(&self) -> Result<(), Error> {
        upkeep::apply(&self.link).await
    }

    /// Whether all that [`topology`](crate::topology) lists is there, and is what it should be as far as this user may
    /// ask: that takes the permission to configure queues.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`](langflix_ports::queue::ErrorKind::Missing) with those that are not.
    pub async fn check_topology(&self) -> Result<(), Error> {
        upkeep::check(&self.link).await
    }

    /// Whether this user may publish and take messages, which every program of the fleet does. Tried on the topology, which
    /// has to be there: no queue gets a message of it, and one that is taken stays.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](langflix_ports::queue::ErrorKind::Denied) with what is refused.
    pub async fn check_rights(&self) -> Result<(), Error> {
        upkeep::check_rights(&self.link).await
    }

    /// What lies in each queue that [`topology`](crate::topology) lists, by its name.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`](langflix_ports::queue::ErrorKind::Missing) with those that are not there.
    pub async fn counts(&self) -> Result<BTreeMap<String, Count>, Error> {
        upkeep::counts(&self.link).await
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
        self.link.consuming(WORK).await?;
        let endpoint = &self.link.endpoint;
        Ok(Server {
            address: endpoint.place(),
            vhost: endpoint.vhost().to_owned(),
            encrypted: endpoint.is_encrypted(),
            product: greeting::product(endpoint).await?,
        })
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
