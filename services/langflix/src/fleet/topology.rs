//! `langflix topology`: the queues that the fleet needs.

use std::collections::BTreeMap;

use langflix_domain::EpisodeStatus;
use langflix_ports::queue::ErrorKind;
use langflix_rabbitmq::{Argument, QueueSpec, RabbitQueue, topology};

use super::table::Table;
use crate::say;

/// Declares what is not there.
///
/// # Errors
/// Where something of its name is there with other properties, or the broker fails.
pub(crate) async fn apply(queue: &RabbitQueue) -> anyhow::Result<EpisodeStatus> {
    queue.apply_topology().await?;
    let topology = topology();
    say::out!("{} exchanges and {} queues are there", topology.exchanges.len(), topology.queues.len())?;
    Ok(EpisodeStatus::Complete)
}

/// Prints what is needed, and whether it is there: failed where it is not.
///
/// # Errors
/// Where stdout cannot be written.
pub(crate) async fn show(queue: &RabbitQueue, json: bool) -> anyhow::Result<EpisodeStatus> {
    let found = queue.check_topology().await;
    let text = match json {
        true => {
            let topology = topology();
            let found = found.as_ref().err().map(ToString::to_string);
            let all =
                serde_json::json!({ "exchanges": topology.exchanges, "queues": topology.queues, "missing": found });
            serde_json::to_string_pretty(&all)?
        }
        false => {
            let verdict = match &found {
                Ok(()) => "All of them are there.".to_owned(),
                Err(error) if error.kind == ErrorKind::Unavailable => {
                    format!("Whether they are there is not known: {error}")
                }
                Err(error) => format!("They are not as they should be: {error}"),
            };
            format!("{}\n{verdict}", table())
        }
    };
    say::out!("{text}")?;
    Ok(if found.is_ok() { EpisodeStatus::Complete } else { EpisodeStatus::Failed })
}

/// Every queue; those of one kind differ by their names alone.
fn table() -> String {
    let mut table = Table::new(&["QUEUE", "EXCHANGE", "ARGUMENTS"]);
    for QueueSpec { name, exchange, arguments, .. } in topology().queues {
        let arguments: BTreeMap<_, _> = arguments.into_iter().collect();
        let argument = |(name, value): (&&str, &Argument)| match value {
            Argument::Text(text) => format!("{name}={text}"),
            Argument::Number(number) => format!("{name}={number}"),
        };
        let arguments: Vec<String> = arguments.iter().map(argument).collect();
        table.row([name, exchange.to_owned(), arguments.join(" ")]);
    }
    table.render()
}
