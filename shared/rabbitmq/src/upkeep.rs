//! Declares what has to be there, and looks whether it is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use langflix_ports::queue::{Error, ErrorKind, Message, Name, Place, Shelf};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

use crate::{
    Count,
    connection::{answer, within},
    failure::{differs, failed},
    link::Link,
    publisher::publish,
    shelf::{Fate, go_through},
    topology::{QueueSpec, Topology, WORK, table, topology},
};

/// Whether a declaration only asks for what is there.
#[derive(Clone, Copy)]
enum Mode {
    Declare,
    Look,
}

/// Declares all that is not there; again and again what another program declares at the same moment.
pub(crate) async fn apply(link: &Link) -> Result<(), Error> {
    link.consuming(WORK).await?;
    let waits = ExponentialBuilder::new().with_min_delay(Duration::from_millis(50)).with_max_times(6).with_jitter();
    let declare = || declare_and_bind(link);
    declare.retry(waits).when(|error| error.kind == ErrorKind::Unavailable).await
}

async fn declare_and_bind(link: &Link) -> Result<(), Error> {
    let connected = link.consuming(WORK).await?;
    let channel = connected.channel(WORK).await?;
    declare(&channel, &topology()).await?;
    for queue in topology().queues {
        let (name, options) = (queue.name.as_str(), QueueBindOptions::default());
        let bind = channel.queue_bind(name.into(), queue.exchange.into(), name.into(), options, FieldTable::default());
        within(name, bind).await?;
    }
    close(&channel).await
}

pub(crate) async fn check(link: &Link) -> Result<(), Error> {
    counts(link).await?;
    let connected = link.consuming(WORK).await?;
    let channel = connected.channel(WORK).await?;
    // Only who declares what is there learns that it is something else.
    match declare(&channel, &topology()).await {
        Err(error) if error.kind == ErrorKind::Denied => Ok(()),
        Err(error) => Err(error),
        Ok(()) => close(&channel).await,
    }
}

pub(crate) async fn check_rights(link: &Arc<Link>) -> Result<(), Error> {
    match publish(link, WORK, "check.of.rights", &Message::default()).await {
        // Let in, and no queue has that name.
        Err(error) if error.kind == ErrorKind::Missing => {}
        done => done?,
    }
    for name in Name::ALL {
        go_through(link, Place::Shelf(name, Shelf::Parked), 1, |_| Fate::Keep).await?;
    }
    Ok(())
}

pub(crate) async fn counts(link: &Link) -> Result<BTreeMap<String, Count>, Error> {
    let connected = link.consuming(WORK).await?;
    let mut channel = connected.channel(WORK).await?;
    let (mut counts, mut missing) = (BTreeMap::new(), Vec::new());
    let topology = topology();
    for exchange in &topology.exchanges {
        exchange_declare(&channel, exchange.name, Mode::Look).await?;
    }
    for queue in topology.queues {
        match queue_declare(&channel, &queue, Mode::Look).await {
            Ok(count) => drop(counts.insert(queue.name, count)),
            Err(error) if error.kind == ErrorKind::Missing => {
                missing.push(error);
                // The broker closes a channel that asks for what is not there.
                channel = connected.channel(WORK).await?;
            }
            Err(error) => return Err(error),
        }
    }
    close(&channel).await?;
    let mut missing = missing.into_iter();
    let Some(first) = missing.next() else { return Ok(counts) };
    let others: Vec<String> = missing.map(|error| error.queue).collect();
    match others.is_empty() {
        true => Err(first),
        false => Err(Error { message: format!("{}; nor are there {}", first.message, others.join(", ")), ..first }),
    }
}

async fn declare(channel: &Channel, topology: &Topology) -> Result<(), Error> {
    for exchange in &topology.exchanges {
        exchange_declare(channel, exchange.name, Mode::Declare).await?;
    }
    for queue in &topology.queues {
        queue_declare(channel, queue, Mode::Declare).await?;
    }
    Ok(())
}

async fn exchange_declare(channel: &Channel, name: &'static str, mode: Mode) -> Result<(), Error> {
    let passive = matches!(mode, Mode::Look);
    let options = ExchangeDeclareOptions { durable: true, passive, ..ExchangeDeclareOptions::default() };
    let declare = channel.exchange_declare(name.into(), ExchangeKind::Direct, options, FieldTable::default());
    declared(name, answer(name, declare).await?)
}

async fn queue_declare(channel: &Channel, queue: &QueueSpec, mode: Mode) -> Result<Count, Error> {
    let name = queue.name.as_str();
    let passive = matches!(mode, Mode::Look);
    let options = QueueDeclareOptions { durable: true, passive, ..QueueDeclareOptions::default() };
    let declare = channel.queue_declare(name.into(), options, table(&queue.arguments));
    let queue = declared(name, answer(name, declare).await?)?;
    Ok(Count { ready: queue.message_count(), consumers: queue.consumer_count() })
}

fn declared<T>(name: &str, declared: lapin::Result<T>) -> Result<T, Error> {
    declared.map_err(|error| match failed(name, &error) {
        failed if differs(&error) => {
            let advice = "once it is empty, delete it and run `langflix topology apply`";
            Error { kind: ErrorKind::Missing, message: format!("{}: {advice}", failed.message), ..failed }
        }
        failed => failed,
    })
}

async fn close(channel: &Channel) -> Result<(), Error> {
    within(WORK, channel.close(200, "done".into())).await
}
