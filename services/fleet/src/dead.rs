//! Messages that were set aside, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use langflix_domain::{Digest, Lane, RunId};
use langflix_pipeline::{Error, fleet::Order};
use langflix_ports::{
    queue::{Message, Name, Place, Shelf},
    store::ArtifactStore,
};
use langflix_rabbitmq::{Fate, Handled, RabbitQueue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::steer::planned_anew;

/// No shelf holds as many.
const ALL: usize = 100_000;

/// A message on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The shelf.
    pub queue: String,
    /// The run concerned, where the message can be read.
    pub run: Option<RunId>,
    /// What it asks for.
    pub task: String,
    /// How often it was tried.
    pub attempt: u32,
    /// Why it was set aside.
    pub reason: String,
    #[serde(skip)]
    place: Place,
    /// What tells it from others. Its body is not kept: there may be many.
    #[serde(skip)]
    body: Digest,
}

impl Found {
    /// What a message says that lies at `place`.
    pub fn new(place: Place, message: &Message) -> Self {
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
            body: Digest::of_bytes(&message.body),
        }
    }
}

/// Which messages are wanted: those that have all that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// Only what came from this queue, such as analysis.bulk.v1, or from its .dead or .parked.
    pub queue: Option<String>,
    /// Only what belongs to this run, or to runs whose names begin like this.
    pub run: Option<String>,
    /// Only what has this text in its reason.
    pub reason: Option<String>,
}

/// There is no queue of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no queue '{queue}': {}", Name::ALL.map(Name::as_str).join(", "))]
pub struct NoQueue {
    queue: String,
}

impl DeadFilter {
    /// The shelves that messages are wanted of.
    ///
    /// # Errors
    /// [`NoQueue`] where there are none.
    pub fn places(&self) -> Result<Vec<Place>, NoQueue> {
        let Some(queue) = &self.queue else { return Ok(shelves().collect()) };
        let named = |place: &Place| place.to_string() == *queue || place.name().as_str() == *queue;
        let places: Vec<Place> = shelves().filter(named).collect();
        if places.is_empty() { Err(NoQueue { queue: queue.chars().take(100).collect() }) } else { Ok(places) }
    }

    /// Whether a message of one of the shelves is wanted.
    pub fn takes(&self, found: &Found) -> bool {
        let begins = |begin: &String| found.run.as_ref().is_some_and(|run| run.as_str().starts_with(begin.as_str()));
        let says = |text: &String| found.reason.contains(text.as_str());
        self.run.as_ref().is_none_or(begins) && self.reason.as_ref().is_none_or(says)
    }

    /// Counts those that are wanted among no more than `most` messages of each of the shelves, and says whether any holds
    /// more.
    ///
    /// # Errors
    /// Where the broker fails.
    pub async fn count(
        &self,
        queue: &RabbitQueue,
        places: &[Place],
        most: usize,
    ) -> Result<(Vec<DeadGroup>, bool), Error> {
        let (mut counts, mut truncated) = (Counts::default(), false);
        for place in places {
            let keep = |message: &Message| {
                let found = Found::new(*place, message);
                if self.takes(&found) {
                    counts.add(found);
                }
                Fate::Keep
            };
            truncated |= queue.go_through(*place, most, keep).await?.kept >= most;
        }
        Ok((counts.groups(), truncated))
    }

    /// Looks at no more than `most` messages of each of the shelves.
    ///
    /// # Errors
    /// Where the broker fails.
    pub async fn look(&self, queue: &RabbitQueue, places: &[Place], most: usize) -> Result<Vec<Found>, Error> {
        let mut all = Vec::new();
        for place in places {
            let keep = |message: &Message| {
                all.extend(Some(Found::new(*place, message)).filter(|found| self.takes(found)));
                Fate::Keep
            };
            queue.go_through(*place, most, keep).await?;
        }
        Ok(all)
    }
}

fn shelves() -> impl Iterator<Item = Place> {
    Name::ALL.into_iter().flat_map(|name| Shelf::ALL.map(|shelf| Place::Shelf(name, shelf)))
}

/// All messages of one run.
pub(crate) async fn of_run(queue: &RabbitQueue, run: &RunId) -> Result<Vec<Found>, Error> {
    let filter = DeadFilter { run: Some(run.to_string()), ..DeadFilter::default() };
    let mut found = filter.look(queue, &shelves().collect::<Vec<_>>(), ALL).await?;
    // The name of another may begin with it.
    found.retain(|found| found.run.as_ref() == Some(run));
    Ok(found)
}

/// Messages that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadGroup {
    /// The shelf.
    pub queue: String,
    /// The run concerned, where the messages can be read.
    pub run: Option<RunId>,
    /// Why they were set aside.
    pub reason: String,
    /// How many they are.
    pub messages: usize,
}

/// Counts messages by shelf, run and reason.
pub fn groups(found: &[Found]) -> Vec<DeadGroup> {
    let mut counts = Counts::default();
    found.iter().cloned().for_each(|found| counts.add(found));
    counts.groups()
}

#[derive(Default)]
struct Counts(BTreeMap<(String, Option<RunId>, String), usize>);

impl Counts {
    fn add(&mut self, found: Found) {
        *self.0.entry((found.queue, found.run, found.reason)).or_default() += 1;
    }

    fn groups(self) -> Vec<DeadGroup> {
        let counts = self.0.into_iter();
        counts.map(|((queue, run, reason), messages)| DeadGroup { queue, run, reason, messages }).collect()
    }
}

/// What came of taking messages up again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// Runs that forgot what failed in them, and are planned anew.
    pub runs_planned: usize,
    /// How much had failed in them.
    pub tasks: usize,
    /// Messages that are back in their work queues.
    pub republished: usize,
    /// Messages whose tasks belong to the runs that are planned anew.
    #[serde(skip)]
    pub replaced: usize,
}

/// Takes the messages up again. A task whose failure is recorded is not worked on by its message alone: the run forgets
/// what failed in it, and is planned anew.
///
/// # Errors
/// Where a server fails: what was not dealt with is still there.
pub async fn retry(store: &dyn ArtifactStore, queue: &RabbitQueue, found: &[Found]) -> Result<Retried, Error> {
    let (mut tasks, mut anew) = (0, BTreeSet::new());
    for run in found.iter().filter_map(|found| found.run.as_ref()).collect::<BTreeSet<_>>() {
        // `None` for a run that is not there: its messages go back, and are parked again with the reason.
        if let Some(failed @ 1..) = planned_anew(store, queue, run, Lane::Bulk).await? {
            tasks += failed;
            anew.insert(run);
        }
    }
    // The plan publishes what the messages ask for.
    let is_planned = |found: &Found| found.run.as_ref().is_some_and(|run| anew.contains(run));
    let fate = |found: &Found| if is_planned(found) { Fate::Drop } else { Fate::Republish };
    let handled = deal(queue, found, fate).await?;
    Ok(Retried { runs_planned: anew.len(), tasks, republished: handled.republished, replaced: handled.dropped })
}

/// Throws the messages away; gives how many were still there.
///
/// # Errors
/// Where the broker fails: what was not dealt with is still there.
pub async fn drop_all(queue: &RabbitQueue, found: &[Found]) -> Result<usize, Error> {
    Ok(deal(queue, found, |_| Fate::Drop).await?.dropped)
}

/// Deals with those messages that were found, and with no others.
async fn deal(queue: &RabbitQueue, found: &[Found], fate: impl Fn(&Found) -> Fate) -> Result<Handled, Error> {
    let mut by_place: BTreeMap<Place, BTreeMap<(&Digest, &str), Fate>> = BTreeMap::new();
    for found in found {
        by_place.entry(found.place).or_default().insert((&found.body, &found.reason), fate(found));
    }
    let mut all = Handled::default();
    for (place, fates) in by_place {
        let decide = |message: &Message| {
            let met = Found::new(place, message);
            fates.get(&(&met.body, met.reason.as_str())).copied().unwrap_or(Fate::Keep)
        };
        let handled = queue.go_through(place, ALL, decide).await?;
        all.republished += handled.republished;
        all.dropped += handled.dropped;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_leave_what_has_all_that_they_name() {
        let run = |name: &str| RunId::parse(name).unwrap();
        let parked = |name, order: Order, reason: &str| {
            let message = Message { reason: Some(reason.to_owned()), attempt: 4, ..order.message(None).unwrap() };
            Found::new(Place::Shelf(name, Shelf::Parked), &message)
        };
        let found = [
            parked(Name::Stages, Order::Cancel { run: run("suits-s01e02-0123abcd") }, "there is no such run"),
            parked(Name::Stages, Order::PlanEpisode { run: run("suits-s01e02-0123abcd") }, "there is no such run"),
            parked(Name::Episodes, Order::PlanEpisode { run: run("dark-s01e01-0123abcd") }, "no"),
            Found::new(Place::Shelf(Name::EncodingBulk, Shelf::Dead), &Message::new(b"garbage".to_vec())),
        ];
        let count = |queue: Option<&str>, run: Option<&str>, reason: Option<&str>| {
            let [queue, run, reason] = [queue, run, reason].map(|text| text.map(str::to_owned));
            let filter = DeadFilter { queue, run, reason };
            let places = filter.places().unwrap();
            found.iter().filter(|found| places.contains(&found.place) && filter.takes(found)).count()
        };
        assert_eq!(count(None, None, None), 4);
        assert_eq!(count(Some("stages.v1"), None, None), 2);
        assert_eq!(count(Some("encoding.bulk.v1.dead"), None, None), 1);
        assert_eq!(count(None, Some("suits-s01e02"), Some("no such run")), 2);
        assert_eq!(count(None, None, Some("cannot be read")), 1);
        let nowhere = DeadFilter { queue: Some("analysis".to_owned()), ..DeadFilter::default() };
        assert!(nowhere.places().unwrap_err().to_string().starts_with("there is no queue 'analysis': episodes.v1,"));
    }
}
