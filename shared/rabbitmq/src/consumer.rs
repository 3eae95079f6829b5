use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use langflix_ports::queue::{Consumer, Delivery, Error, Place, Settle, Settled, Shelf};
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};

use crate::{
    failure::{failed, unavailable},
    link::Link,
    properties::message,
    publisher::publish,
    topology::{DEAD, wait_queue_for},
};

/// Takes messages on a channel of its own, which stays open until the last of its deliveries is settled.
pub(crate) struct RabbitConsumer {
    link: Arc<Link>,
    channel: Arc<Channel>,
    deliveries: lapin::Consumer,
    place: Place,
    queue: Arc<str>,
}

impl RabbitConsumer {
    pub(crate) async fn open(link: &Arc<Link>, place: Place, prefetch: u16) -> Result<Self, Error> {
        let queue: Arc<str> = place.to_string().into();
        let channel = link.channel(&queue).await?;
        link.within(&queue, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions::default();
        let consume = channel.basic_consume((&*queue).into(), ShortString::default(), options, FieldTable::default());
        let deliveries = link.within(&queue, consume).await?;
        Ok(Self { link: Arc::clone(link), channel: Arc::new(channel), deliveries, place, queue })
    }

    fn delivery(&self, mut delivery: lapin::message::Delivery) -> Delivery {
        let (redelivered, message) = (delivery.redelivered, message(&mut delivery));
        let settle = RabbitSettle {
            acker: Some(delivery.acker),
            link: Arc::clone(&self.link),
            channel: Arc::clone(&self.channel),
            place: self.place,
            queue: Arc::clone(&self.queue),
        };
        Delivery::new(message, redelivered, Box::new(settle))
    }
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Result<Delivery, Error> {
        match self.deliveries.next().await {
            Some(Ok(delivery)) => Ok(self.delivery(delivery)),
            Some(Err(error)) => Err(failed(&self.queue, &error)),
            None => Err(unavailable(&self.queue, "the broker ended the consumer")),
        }
    }

    async fn cancel(mut self: Box<Self>) -> Result<Vec<Delivery>, Error> {
        let cancel = self.channel.basic_cancel(self.deliveries.tag(), BasicCancelOptions::default());
        self.link.within(&self.queue, cancel).await?;
        let mut left = Vec::new();
        while let Some(Ok(delivery)) = self.deliveries.next().await {
            left.push(self.delivery(delivery));
        }
        Ok(left)
    }
}

struct RabbitSettle {
    /// `None` once it is settled.
    acker: Option<lapin::Acker>,
    link: Arc<Link>,
    /// Deliveries are settled on the channel that they came on.
    channel: Arc<Channel>,
    place: Place,
    queue: Arc<str>,
}

#[async_trait]
impl Settle for RabbitSettle {
    async fn settle(mut self: Box<Self>, how: Settled) -> Result<(), Error> {
        let name = self.place.name();
        match &how {
            Settled::Done => {}
            // The default exchange knows every queue by its name.
            Settled::Later { message, after } => {
                publish(&self.link, "", &wait_queue_for(name, *after), message).await?
            }
            Settled::Parked { message } => {
                publish(&self.link, DEAD, &Place::Shelf(name, Shelf::Parked).to_string(), message).await?;
            }
        }
        let Some(acker) = self.acker.take() else { return Ok(()) };
        match acker.ack(BasicAckOptions::default()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(unavailable(&self.queue, "the channel is lost, and the message comes again")),
            Err(error) => Err(failed(&self.queue, &error)),
        }
    }
}

impl Drop for RabbitSettle {
    /// Whoever drops a delivery unsettled has crashed over it: it comes again at once, and the broker counts that.
    fn drop(&mut self) {
        if let Some(acker) = self.acker.take() {
            let channel = Arc::clone(&self.channel);
            self.link.threads.handle().spawn(async move {
                // Fails only where the channel is lost, and then the message comes again by itself.
                let _lost = acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await;
                drop(channel);
            });
        }
    }
}
