//! What has to be there at the broker, as plain data.

use std::time::Duration;

use langflix_ports::queue::{Name, Place, Shelf};
use lapin::types::{AMQPValue, FieldTable, LongString};
use serde::Serialize;

/// Where work is published.
pub(crate) const WORK: &str = "langflix.work";
/// Where messages go that went wrong.
pub(crate) const DEAD: &str = "langflix.dead";

/// Deliveries after the first before the broker gives a message up. Only lost workers and connections count: what is
/// tried again is published anew.
const DELIVERY_LIMIT: i64 = 5;
/// A shelf keeps what it has, however often somebody looks.
const NO_LIMIT: i64 = 1_000_000_000;

/// The wait queues before each work queue. One a delay, since RabbitMQ looks at the head of a queue only.
pub(crate) const WAITS: [(&str, Duration); 4] = [
    ("5s", Duration::from_secs(5)),
    ("30s", Duration::from_secs(30)),
    ("2m", Duration::from_secs(120)),
    ("10m", Duration::from_secs(600)),
];

/// All that is declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Durable direct exchanges.
    pub exchanges: Vec<Exchange>,
    /// Durable quorum queues.
    pub queues: Vec<QueueSpec>,
}

/// A durable direct exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Its name.
    pub name: &'static str,
}

/// A durable quorum queue, bound to an exchange by its own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: QueueKind,
    /// The exchange that it is bound to.
    pub exchange: &'static str,
    /// Its arguments.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// What a queue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// Work for somebody.
    Work,
    /// Work that waits to be tried again.
    Wait,
    /// Messages that went wrong.
    Shelf,
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Argument {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// All that this version needs. A queue with other arguments is another queue: its name's version is raised.
pub fn topology() -> Topology {
    let exchanges = [WORK, DEAD].map(|name| Exchange { name }).into();
    Topology { exchanges, queues: Name::ALL.into_iter().flat_map(queues).collect() }
}

fn queues(name: Name) -> Vec<QueueSpec> {
    let text = |text: &str| Argument::Text(text.to_owned());
    // What is lost on the way to another queue would be lost for good, so that way is confirmed, too; it takes this
    // sort of overflow.
    let onwards = |exchange: &str, key: String| {
        [
            ("x-dead-letter-exchange", text(exchange)),
            ("x-dead-letter-routing-key", Argument::Text(key)),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ]
    };
    let queue = |name: String, kind, exchange, more: Vec<(&'static str, Argument)>| {
        let arguments = [("x-queue-type", text("quorum"))].into_iter().chain(more).collect();
        QueueSpec { name, kind, exchange, arguments }
    };
    let shelf = |shelf| Place::Shelf(name, shelf).to_string();
    let mut work: Vec<_> = onwards(DEAD, shelf(Shelf::Dead)).into();
    work.push(("x-delivery-limit", Argument::Number(DELIVERY_LIMIT)));
    let mut all = vec![queue(name.to_string(), QueueKind::Work, WORK, work)];
    for (label, wait) in WAITS {
        let mut arguments: Vec<_> = onwards(WORK, name.to_string()).into();
        arguments.push(("x-message-ttl", Argument::Number(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))));
        all.push(queue(wait_queue(name, label), QueueKind::Wait, WORK, arguments));
    }
    for kept in Shelf::ALL {
        let arguments = vec![("x-delivery-limit", Argument::Number(NO_LIMIT))];
        all.push(queue(shelf(kept), QueueKind::Shelf, DEAD, arguments));
    }
    all
}

fn wait_queue(name: Name, label: &str) -> String {
    format!("{name}.wait.{label}")
}

/// The wait queue whose time is the shortest that is not shorter than `after`, else the longest.
pub(crate) fn wait_queue_for(name: Name, after: Duration) -> String {
    let (label, _) = WAITS.into_iter().find(|(_, wait)| *wait >= after).unwrap_or(WAITS[WAITS.len() - 1]);
    wait_queue(name, label)
}

/// As the protocol has it.
pub(crate) fn table(arguments: &[(&'static str, Argument)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(LongString::from(text.clone())),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
        };
        table.insert((*name).into(), value);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_queue_has_four_waits_and_two_shelves() {
        let queues = topology().queues;
        assert_eq!(queues.len(), Name::ALL.len() * 7);
        let of = |kind| queues.iter().filter(|queue| queue.kind == kind).count();
        assert_eq!((of(QueueKind::Work), of(QueueKind::Wait), of(QueueKind::Shelf)), (6, 24, 12));
    }

    #[test]
    fn a_wait_is_never_shorter_than_asked_for_but_for_the_longest() {
        let wait = |seconds| wait_queue_for(Name::AnalysisBulk, Duration::from_secs(seconds));
        let chosen = [0, 5, 6, 30, 31, 120, 121, 600, 9999].map(wait);
        let labels = ["5s", "5s", "30s", "30s", "2m", "2m", "10m", "10m", "10m"];
        assert_eq!(chosen, labels.map(|label| format!("analysis.bulk.v1.wait.{label}")));
    }
}
