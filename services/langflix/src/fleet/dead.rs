//! `langflix dead`: messages that were set aside, and what becomes of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
};

use langflix_domain::{EpisodeStatus, RunId};
use langflix_pipeline::fleet::Order;
use langflix_ports::{
    queue::{Message, Name, Place, Shelf},
    store::ArtifactStore,
};
use langflix_rabbitmq::{Fate, Handled, RabbitQueue};
use serde::Serialize;

use super::{steer, table::Table};
use crate::{
    Usage,
    cli::{DeadCommand, DeadFilter},
    counted, say,
};

/// Most messages of a shelf that are looked at.
const MOST: usize = 100_000;
/// Longest reason in a table, in characters.
const SHOWN: usize = 70;

/// A message on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Found {
    queue: String,
    /// The run concerned, where the message can be read.
    run: Option<RunId>,
    /// What it asks for.
    task: String,
    attempt: u32,
    reason: String,
    #[serde(skip)]
    place: Place,
    #[serde(skip)]
    body: Vec<u8>,
}

impl Found {
    fn new(place: Place, message: &Message) -> Self {
        let order = Order::read(&message.body);
        let (run, task, unreadable) = match &order {
            Ok(order) => (Some(order.run().clone()), order.label(), None),
            Err(error) => (None, "unreadable".to_owned(), Some(error.to_string())),
        };
        let reason = message.reason.clone().or(unreadable);
        Self {
            queue: place.to_string(),
            run,
            task,
            attempt: message.attempt,
            reason: reason.unwrap_or_else(|| "its worker ended, or took too long, each time".to_owned()),
            place,
            body: message.body.clone(),
        }
    }

    fn run(&self) -> &str {
        self.run.as_ref().map_or("-", RunId::as_str)
    }
}

/// Which messages are wanted.
struct Wanted<'a> {
    places: Vec<Place>,
    run: Option<&'a str>,
    reason: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(filter: &'a DeadFilter) -> anyhow::Result<Self> {
        let all = || Name::ALL.into_iter().flat_map(|name| Shelf::ALL.map(|shelf| Place::Shelf(name, shelf)));
        let places: Vec<Place> = match &filter.queue {
            None => all().collect(),
            Some(queue) => {
                all().filter(|place| place.to_string() == *queue || place.name().as_str() == *queue).collect()
            }
        };
        if places.is_empty() {
            let names = Name::ALL.map(Name::as_str).join(", ");
            let queue = filter.queue.as_deref().unwrap_or_default();
            return Err(Usage(format!("--queue: there is no queue '{queue}': {names}")).into());
        }
        Ok(Self { places, run: filter.run.as_deref(), reason: filter.reason.as_deref() })
    }

    fn takes(&self, found: &Found) -> bool {
        let run = self.run.is_none_or(|begin| found.run.as_ref().is_some_and(|run| run.as_str().starts_with(begin)));
        run && self.reason.is_none_or(|text| found.reason.contains(text))
    }

    async fn look(&self, queue: &RabbitQueue) -> anyhow::Result<Vec<Found>> {
        let mut all = Vec::new();
        for place in &self.places {
            let keep = |message: &Message| {
                all.extend(Some(Found::new(*place, message)).filter(|found| self.takes(found)));
                Fate::Keep
            };
            queue.go_through(*place, MOST, keep).await?;
        }
        Ok(all)
    }
}

/// Looks at the messages that were set aside, or does with them what the command says.
///
/// # Errors
/// Where a server fails: what was not dealt with is still there.
pub(crate) async fn dead(
    command: &DeadCommand,
    store: &dyn ArtifactStore,
    queue: &RabbitQueue,
) -> anyhow::Result<EpisodeStatus> {
    let (DeadCommand::List(args) | DeadCommand::Show(args)) = command else {
        return change(command, store, queue).await;
    };
    let found = Wanted::of(&args.filter)?.look(queue).await?;
    let text = match (args.json, command) {
        (true, DeadCommand::List(_)) => serde_json::to_string_pretty(&groups(&found))? + "\n",
        (true, _) => serde_json::to_string_pretty(&found)? + "\n",
        (false, DeadCommand::List(_)) => list(&found),
        (false, _) => found.iter().map(paragraph).collect(),
    };
    let text = if found.is_empty() && !args.json { "No such message.\n".to_owned() } else { text };
    say::out!("{}", text.trim_end())?;
    Ok(EpisodeStatus::Complete)
}

async fn change(
    command: &DeadCommand,
    store: &dyn ArtifactStore,
    queue: &RabbitQueue,
) -> anyhow::Result<EpisodeStatus> {
    let filter = match command {
        DeadCommand::Retry(filter) | DeadCommand::Drop { filter, .. } => filter,
        DeadCommand::List(_) | DeadCommand::Show(_) => return Ok(EpisodeStatus::Complete),
    };
    let found = Wanted::of(filter)?.look(queue).await?;
    match command {
        _ if found.is_empty() => say::out!("No such message.")?,
        DeadCommand::Drop { yes, .. } => {
            if !yes && !confirmed(&found)? {
                say::out!("Nothing was dropped.")?;
                return Ok(EpisodeStatus::Complete);
            }
            let handled = deal(queue, &found, |_| Fate::Drop).await?;
            say::out!("{} dropped", counted(handled.dropped, "message"))?;
            warn_of_others(&found, handled);
        }
        _ => retry(store, queue, &found).await?,
    }
    Ok(EpisodeStatus::Complete)
}

/// Takes the messages up again. A task whose failure is recorded is not worked on by its message alone: the run forgets
/// what failed in it, and is planned anew.
async fn retry(store: &dyn ArtifactStore, queue: &RabbitQueue, found: &[Found]) -> anyhow::Result<()> {
    let (mut tasks, mut anew) = (0, BTreeSet::new());
    for run in found.iter().filter_map(|found| found.run.as_ref()).collect::<BTreeSet<_>>() {
        // `None` for a run that is not there: its messages go back, and are parked again with the reason.
        if let Some(failed @ 1..) = steer::again(store, queue, run).await? {
            tasks += failed;
            anew.insert(run.clone());
        }
    }
    // The plan publishes what the messages ask for.
    let is_planned = |found: &Found| found.run.as_ref().is_some_and(|run| anew.contains(run));
    let fate = |found: &Found| if is_planned(found) { Fate::Drop } else { Fate::Republish };
    let handled = deal(queue, found, fate).await?;
    if !anew.is_empty() {
        say::out!("{} planned anew for {}", counted(anew.len(), "run"), counted(tasks, "failed task"))?;
    }
    if handled.republished > 0 {
        say::out!("{} back in the work queues", counted(handled.republished, "message"))?;
    }
    warn_of_others(found, handled);
    Ok(())
}

/// Deals with those messages that were found, and with no others.
async fn deal(queue: &RabbitQueue, found: &[Found], fate: impl Fn(&Found) -> Fate) -> anyhow::Result<Handled> {
    let mut by_place: BTreeMap<Place, BTreeMap<&[u8], Fate>> = BTreeMap::new();
    for found in found {
        by_place.entry(found.place).or_default().insert(&found.body, fate(found));
    }
    let mut all = Handled::default();
    for (place, fates) in by_place {
        let decide = |message: &Message| fates.get(message.body.as_slice()).copied().unwrap_or(Fate::Keep);
        let handled = queue.go_through(place, MOST, decide).await?;
        all.republished += handled.republished;
        all.dropped += handled.dropped;
    }
    Ok(all)
}

/// Says how many of the messages were there no more when their turn came.
fn warn_of_others(found: &[Found], handled: Handled) {
    let gone = found.len().saturating_sub(handled.dropped + handled.republished);
    if gone > 0 {
        say::err!("{} not there any more: did somebody else deal with them?", counted(gone, "message"));
    }
}

fn confirmed(found: &[Found]) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Usage(format!("to drop {} without being asked, give --yes", counted(found.len(), "message"))).into()
        );
    }
    say::err!("{}Drop {}? What they ask for stays undone. [y/N]", list(found), counted(found.len(), "message"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Messages that are alike.
#[derive(Debug, Serialize)]
struct Group<'a> {
    queue: &'a str,
    run: Option<&'a RunId>,
    reason: &'a str,
    messages: usize,
}

fn groups(found: &[Found]) -> Vec<Group<'_>> {
    let mut counts: BTreeMap<(&str, Option<&RunId>, &str), usize> = BTreeMap::new();
    for found in found {
        *counts.entry((&found.queue, found.run.as_ref(), &found.reason)).or_default() += 1;
    }
    counts.into_iter().map(|((queue, run, reason), messages)| Group { queue, run, reason, messages }).collect()
}

fn list(found: &[Found]) -> String {
    let mut table = Table::new(&["QUEUE", "RUN", "MESSAGES#", "REASON"]);
    for group in groups(found) {
        let run = group.run.map_or("-", RunId::as_str).to_owned();
        table.row([group.queue.to_owned(), run, group.messages.to_string(), shortened(group.reason)]);
    }
    table.render()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn paragraph(found: &Found) -> String {
    let tried = counted(found.attempt as usize, "attempt");
    format!("{}  {}  {}, {tried} before\n  {}\n", found.queue, found.run(), found.task, found.reason)
}

#[cfg(test)]
mod tests {
    use langflix_domain::Stage;

    use super::*;

    fn found() -> Vec<Found> {
        let run = |name: &str| RunId::parse(name).unwrap();
        let parked = |name, order: Order, reason: &str| {
            let message = order.message(None).unwrap();
            let message = Message { reason: Some(reason.to_owned()), attempt: 4, ..message };
            Found::new(Place::Shelf(name, Shelf::Parked), &message)
        };
        let stage = |name: &str| Order::StageDone { run: run(name), stage: Stage::Analysis };
        let broken = "run suits-s01e02-0123abcd: there is no such run in this bucket: was it removed, or does this service look at another one?";
        vec![
            parked(Name::Stages, stage("suits-s01e02-0123abcd"), broken),
            parked(Name::Stages, Order::Cancel { run: run("suits-s01e02-0123abcd") }, broken),
            parked(Name::Episodes, Order::PlanEpisode { run: run("dark-s01e01-0123abcd") }, "no"),
            Found::new(Place::Shelf(Name::EncodingBulk, Shelf::Dead), &Message::new(b"garbage".to_vec())),
        ]
    }

    #[test]
    fn messages_that_are_alike_are_one_row() {
        insta::assert_snapshot!(list(&found()));
    }

    #[test]
    fn each_message_says_what_it_asks_for_and_why_it_is_here() {
        insta::assert_snapshot!(found().iter().map(paragraph).collect::<String>());
    }

    #[test]
    fn filters_leave_what_has_all_that_they_name() {
        let count = |filter: DeadFilter| {
            let wanted = Wanted::of(&filter).unwrap();
            found().iter().filter(|found| wanted.places.contains(&found.place) && wanted.takes(found)).count()
        };
        let of = |queue: Option<&str>, run: Option<&str>, reason: Option<&str>| DeadFilter {
            queue: queue.map(str::to_owned),
            run: run.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        assert_eq!(count(of(None, None, None)), 4);
        assert_eq!(count(of(Some("stages.v1"), None, None)), 2);
        assert_eq!(count(of(Some("encoding.bulk.v1.dead"), None, None)), 1);
        assert_eq!(count(of(None, Some("suits-s01e02"), Some("no such run"))), 2);
        assert_eq!(count(of(None, None, Some("cannot be read"))), 1);
        assert!(Wanted::of(&of(Some("analysis"), None, None)).err().unwrap().is::<Usage>());
    }
}
