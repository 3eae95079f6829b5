use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use langflix_ports::queue::{Error, ErrorKind, Message};
use lapin::{Confirmation, options::BasicPublishOptions};
use tokio::time::{sleep, timeout};

use crate::{
    failure::{failed, missing, unavailable},
    link::Link,
    properties::properties,
};

/// How often a publish is tried, new connections included. A queue whose leader moves refuses for less than a second.
const TRIES: usize = 6;
/// How long all of them may take.
const WITHIN: Duration = Duration::from_secs(15);

/// Publishes to the queue bound to `exchange` by the name `queue`, until the broker confirms that it has the message.
pub(crate) async fn publish(link: &Link, exchange: &str, queue: &str, message: &Message) -> Result<(), Error> {
    let published = timeout(WITHIN, persistently(link, exchange, queue, message)).await;
    let late = |_| Err(unavailable(queue, format!("not confirmed within {} s", WITHIN.as_secs())));
    published.unwrap_or_else(late)
}

async fn persistently(link: &Link, exchange: &str, queue: &str, message: &Message) -> Result<(), Error> {
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
    let route = link.route(queue).await?;
    let _turn = route.turn(queue).await?;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let publish = async {
        let (exchange, key) = (exchange.into(), queue.into());
        route.channel.basic_publish(exchange, key, options, &message.body, properties(message)).await?.await
    };
    match publish.await.map_err(|error| failed(queue, &error))? {
        Confirmation::Ack(None) => {
            route.prove(true);
            Ok(())
        }
        // Acknowledged, and sent back: no queue has it.
        Confirmation::Ack(Some(_)) => {
            route.prove(false);
            Err(missing(queue, "there is no such queue"))
        }
        Confirmation::Nack(_) => Err(unavailable(queue, "the broker takes no message now: the queue is full or moves")),
        Confirmation::NotRequested => Err(unavailable(queue, "the broker does not confirm")),
    }
}
