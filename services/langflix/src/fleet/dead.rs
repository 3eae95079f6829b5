//! `langflix dead`: messages that were set aside, and what becomes of them.

use std::io::IsTerminal as _;

use langflix_domain::{EpisodeStatus, RunId};
use langflix_fleet::dead::{DeadFilter, Found, drop_all, groups, retry};
use langflix_ports::store::ArtifactStore;
use langflix_rabbitmq::RabbitQueue;
use unicode_width::UnicodeWidthStr as _;

use super::table::Table;
use crate::{
    Usage,
    cli::DeadCommand,
    counted,
    progress::screen::{Stream, fitted},
    say,
};

/// Most messages of a shelf that are looked at.
const MOST: usize = 100_000;
/// Shortest reason that is worth a column.
const SHORTEST: usize = 20;

async fn look(filter: &DeadFilter, queue: &RabbitQueue) -> anyhow::Result<Vec<Found>> {
    let places = filter.places().map_err(|error| Usage(format!("--queue: {error}")))?;
    Ok(filter.look(queue, &places, MOST).await?)
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
    let found = look(&args.filter.filter(), queue).await?;
    let text = match (args.json, command) {
        (true, DeadCommand::List(_)) => serde_json::to_string_pretty(&groups(&found))? + "\n",
        (true, _) => serde_json::to_string_pretty(&found)? + "\n",
        (false, DeadCommand::List(_)) => list(&found, Stream::Out.width()),
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
    let found = look(&filter.filter(), queue).await?;
    match command {
        _ if found.is_empty() => say::out!("No such message.")?,
        DeadCommand::Drop { yes, .. } => {
            if !yes && !confirmed(&found)? {
                say::out!("Nothing was dropped.")?;
                return Ok(EpisodeStatus::Complete);
            }
            let dropped = drop_all(queue, &found).await?;
            say::out!("{} dropped", counted(dropped, "message"))?;
            warn_of_others(&found, dropped);
        }
        _ => {
            let done = retry(store, queue, &found).await?;
            if done.runs_planned > 0 {
                let (runs, tasks) = (counted(done.runs_planned, "run"), counted(done.tasks, "failed task"));
                say::out!("{runs} planned anew for {tasks}")?;
            }
            if done.republished > 0 {
                say::out!("{} back in the work queues", counted(done.republished, "message"))?;
            }
            warn_of_others(&found, done.republished + done.replaced);
        }
    }
    Ok(EpisodeStatus::Complete)
}

/// Says how many of the messages were there no more when their turn came.
fn warn_of_others(found: &[Found], handled: usize) {
    let gone = found.len().saturating_sub(handled);
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
    say::err!(
        "{}Drop {}? What they ask for stays undone. [y/N]",
        list(found, Stream::Err.width()),
        counted(found.len(), "message")
    );
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A row for those that are alike, its reason as long as `width` columns have room for, where there is a width.
fn list(found: &[Found], width: Option<usize>) -> String {
    let groups = groups(found);
    let table = |reason: &dyn Fn(&str) -> String| {
        let mut table = Table::new(&["QUEUE", "RUN", "MESSAGES#", "REASON"]);
        for group in &groups {
            let run = group.run.as_ref().map_or("-", RunId::as_str).to_owned();
            table.row([group.queue.clone(), run, group.messages.to_string(), reason(&group.reason)]);
        }
        table.render()
    };
    // The last column begins where its head does.
    let others = table(&|_| String::new()).lines().next().map_or(0, |heads| heads.width() - "REASON".len());
    let room = width.map(|width| width.saturating_sub(others).max(SHORTEST));
    table(&|reason| room.map_or_else(|| reason.to_owned(), |room| fitted(reason, room)))
}

fn paragraph(found: &Found) -> String {
    let tried = counted(found.attempt as usize, "attempt");
    let run = found.run.as_ref().map_or("-", RunId::as_str);
    format!("{}  {run}  {}, {tried} before\n  {}\n", found.queue, found.task, found.reason)
}

#[cfg(test)]
mod tests {
    use langflix_domain::Stage;
    use langflix_pipeline::fleet::Order;
    use langflix_ports::queue::{Message, Name, Place, Shelf};

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
        insta::assert_snapshot!(list(&found(), None));
    }

    #[test]
    fn a_reason_takes_the_room_that_there_is() {
        let widest = |width| list(&found(), Some(width)).lines().map(|line| line.width()).max().unwrap();
        assert_eq!((widest(120), widest(100)), (120, 100));
        let whole = list(&found(), Some(300));
        assert!(whole.contains("or does this service look at another one?"), "{whole}");
    }

    #[test]
    fn each_message_says_what_it_asks_for_and_why_it_is_here() {
        insta::assert_snapshot!(found().iter().map(paragraph).collect::<String>());
    }
}
