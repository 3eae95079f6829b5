use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use langflix_ports::queue::{Consumer, Delivery, Error, Place, Settle, Settled, Shelf};
use lapin::{
    Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};

use crate::{
    acks::Acks,
    connection::{Connected, within},
    failure::{failed, unavailable},
    link::Link,
    properties::{message, waited},
    publisher::publish,
    topology::{DEAD, WORK, wait_queue_for},
};

/// Takes messages on a channel of its own, which stays open until the last of its deliveries is settled.
pub(crate) struct RabbitConsumer {
    taking: Arc<Taking>,
    deliveries: lapin::Consumer,
    ended: bool,
}

/// What a consumer and its deliveries share: they are settled on the channel that they came on.
struct Taking {
    link: Arc<Link>,
    connected: Arc<Connected>,
    channel: Channel,
    place: Place,
    queue: String,
    acks: Acks,
}

impl RabbitConsumer {
    pub(crate) async fn open(link: &Arc<Link>, place: Place, prefetch: u16) -> Result<Self, Error> {
        let queue = place.to_string();
        let connected = link.consuming(&queue).await?;
        let channel = connected.channel(&queue).await?;
        let (link, on) = (Arc::clone(link), Arc::clone(&connected));
        let taking = Taking { link, connected: on, channel, place, queue: queue.clone(), acks: Acks::default() };
        let opening = async move {
            let Taking { channel, queue, .. } = &taking;
            // 0 would be no bound at all.
            channel.basic_qos(prefetch.max(1), BasicQosOptions::default()).await?;
            let (name, options) = (queue.as_str().into(), BasicConsumeOptions::default());
            let consume = channel.basic_consume(name, ShortString::default(), options, FieldTable::default());
            let deliveries = consume.await?;
            Ok(Self { taking: Arc::new(taking), deliveries, ended: false })
        };
        connected.see_through(&queue, opening).await?.map_err(|error| failed(&queue, &error))
    }

    fn delivery(&self, mut delivery: lapin::message::Delivery) -> Delivery {
        let (redelivered, waited) = (delivery.redelivered, waited(&delivery));
        let message = message(&mut delivery);
        self.taking.acks.hold();
        let settle = RabbitSettle { tag: Some(delivery.delivery_tag), taking: Arc::clone(&self.taking) };
        Delivery::new(message, redelivered, Box::new(settle)).after(waited)
    }
}

/// What had come in before the broker confirmed that no more comes.
fn left(deliveries: &mut lapin::Consumer) -> Vec<lapin::message::Delivery> {
    std::iter::from_fn(|| deliveries.next().now_or_never()??.ok()).collect()
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Result<Delivery, Error> {
        let Taking { channel, queue, .. } = &*self.taking;
        while !self.ended {
            match self.deliveries.next().await {
                // What came before the channel was lost cannot be settled any more, and comes again.
                Some(Ok(_)) if !channel.status().connected() => {}
                Some(Ok(delivery)) => return Ok(self.delivery(delivery)),
                Some(Err(error)) => {
                    self.ended = true;
                    return Err(failed(queue, &error));
                }
                None => self.ended = true,
            }
        }
        Err(unavailable(queue, "the broker ended the consumer"))
    }

    async fn cancel(mut self: Box<Self>) -> Result<Vec<Delivery>, Error> {
        let Taking { channel, queue, .. } = &*self.taking;
        within(queue, channel.basic_cancel(self.deliveries.tag(), BasicCancelOptions::default())).await?;
        self.ended = true;
        let left = left(&mut self.deliveries);
        Ok(left.into_iter().map(|delivery| self.delivery(delivery)).collect())
    }
}

impl Drop for RabbitConsumer {
    /// What had come in goes back at once: as long as a delivery is unsettled, the channel stays open and would keep it.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (taking, mut deliveries) = (Arc::clone(&self.taking), self.deliveries.clone());
        self.taking.connected.spawn(async move {
            let cancel = taking.channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default());
            if cancel.await.is_ok() {
                for delivery in left(&mut deliveries) {
                    taking.give_back(delivery.delivery_tag).await;
                }
            }
        });
    }
}

/// lapin's own way to settle goes through one more of its tasks for each message than the channel's does.
impl Taking {
    async fn give_back(&self, tag: u64) {
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        // Fails only where the channel is lost, and then the message comes again by itself.
        let _lost = self.channel.basic_nack(tag, options).await;
    }
}

struct RabbitSettle {
    /// `None` once it is settled.
    tag: Option<u64>,
    taking: Arc<Taking>,
}

#[async_trait]
impl Settle for RabbitSettle {
    async fn settle(mut self: Box<Self>, how: Settled) -> Result<(), Error> {
        let Taking { link, channel, place, queue, acks, .. } = &*self.taking;
        // What comes again by itself must not be published beside that.
        if !channel.status().connected() {
            return Err(unavailable(queue, "the channel is lost, and the message comes again"));
        }
        match &how {
            Settled::Done => {}
            Settled::Later { message, after } => {
                publish(link, WORK, &wait_queue_for(place.name(), *after), message).await?;
            }
            Settled::Parked { message } => {
                publish(link, DEAD, &Place::Shelf(place.name(), Shelf::Parked).to_string(), message).await?;
            }
        }
        match self.tag.take() {
            Some(tag) => acks.ack(channel, queue, tag).await,
            None => Ok(()),
        }
    }
}

impl Drop for RabbitSettle {
    /// Whoever drops a delivery unsettled has crashed over it: it comes again at once, and the broker counts that.
    fn drop(&mut self) {
        self.taking.acks.let_go();
        if let Some(tag) = self.tag.take() {
            let taking = Arc::clone(&self.taking);
            self.taking.connected.spawn(async move { taking.give_back(tag).await });
        }
    }
}
