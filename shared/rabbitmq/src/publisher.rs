use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use langflix_ports::queue::{Error, ErrorKind, Message};
use lapin::{Confirmation, options::BasicPublishOptions};
use tokio::time::sleep;

use crate::{
    failure::{missing, unavailable},
    link::Link,
    properties::properties,
};

/// How often a publish is tried, new connections included. A queue whose leader moves refuses for less than a second.
const TRIES: usize = 6;

/// Publishes to the queue bound to `exchange` by the name `queue`, until the broker confirms that it has the message.
pub(crate) async fn publish(link: &Link, exchange: &str, queue: &str, message: &Message) -> Result<(), Error> {
    let mut waits = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(TRIES - 1)
        .with_jitter()
        .build();
    loop {
        match once(link, exchange, queue, message).await {
            Err(error) if error.kind == ErrorKind::Unavailable => match waits.next() {
                Some(wait) => sleep(wait).await,
                None => return Err(error),
            },
            done => return done,
        }
    }
}

async fn once(link: &Link, exchange: &str, queue: &str, message: &Message) -> Result<(), Error> {
    let publishing = link.publishing(queue).await?;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let publish = async {
        let sent = publishing.channel.basic_publish(
            exchange.into(),
            queue.into(),
            options,
            &message.body,
            properties(message),
        );
        sent.await?.await
    };
    match link.within(queue, publish).await? {
        Confirmation::Ack(None) => Ok(()),
        // Acknowledged, and sent back: no queue has it.
        Confirmation::Ack(Some(_)) => Err(missing(queue, "there is no such queue")),
        Confirmation::Nack(_) => Err(unavailable(queue, "the broker takes no message now: the queue is full or moves")),
        Confirmation::NotRequested => Err(unavailable(queue, "the broker does not confirm")),
    }
}
