//! Messages that come twice, that nobody can read, and that end whoever works on them.

use std::collections::BTreeSet;

use langflix_domain::{EpisodeStatus, FailureKind, TaskId};
use langflix_pipeline::fleet::Order;
use langflix_ports::queue::{Message, Name, Place, Queue as _, Shelf};

use crate::{
    episode::{episode, undisturbed},
    role::{Process, Role, TWICE},
    town::Town,
};

/// What lies on a shelf, with its reasons.
async fn shelved(town: &Town, place: Place) -> Vec<Message> {
    let mut seen = Vec::new();
    let look = |message: &Message| {
        seen.push(message.clone());
        langflix_rabbitmq::Fate::Keep
    };
    town.servers().queue.go_through(place, 100, look).await.unwrap();
    seen
}

#[tokio::test]
async fn every_message_comes_twice_and_each_chunk_is_asked_and_each_clip_encoded_once() {
    let (mut town, asked) = (Town::new().await, episode(1));
    town.more.push((TWICE.to_owned(), "yes".to_owned()));
    let running = town.start(Role::ALL);
    town.submit(&asked).await;
    let clips = town.ends_well(running, &[asked]).await;
    town.encoded_once(clips);
    town.asked_once();
}

#[tokio::test]
async fn garbage_and_messages_of_other_versions_are_parked_with_their_reason() {
    let (town, asked) = (Town::new().await, episode(1));
    let run = town.submit(&asked).await;
    let queue = town.servers().queue;
    // A map with `version` and nothing else that is known.
    let other = |version| [&[0x81, 0xa7][..], b"version", &[version]].concat();
    for name in Name::ALL {
        for body in [b"garbage \xff\x00".to_vec(), other(99), other(0)] {
            queue.publish(name, &Message::new(body)).await.unwrap();
        }
    }
    // A message that has gone astray.
    let astray = Order::PlanEpisode { run }.message(None).unwrap();
    queue.publish(Name::AnalysisBulk, &astray).await.unwrap();
    let running = town.start(Role::ALL);
    let clips = town.came_out(&asked).await.clips.len();
    town.encoded_once(clips);
    let parked: Vec<String> = Name::ALL.map(|name| Place::Shelf(name, Shelf::Parked).to_string()).into();
    let parked: Vec<&str> = parked.iter().map(String::as_str).collect();
    town.is_empty(&parked).await;
    town.rests(running, &parked).await;
    for name in Name::ALL {
        let reasons: Vec<String> = shelved(&town, Place::Shelf(name, Shelf::Parked))
            .await
            .into_iter()
            .filter_map(|message| message.reason)
            .collect();
        let expected = if name == Name::AnalysisBulk { 4 } else { 3 };
        assert_eq!(reasons.len(), expected, "{name}: {reasons:?}");
        for why in ["version 99", "version 0", "cannot be read"] {
            assert!(reasons.iter().any(|reason| reason.contains(why)), "{reasons:?}");
        }
    }
}

/// Has a task end the worker of its `role` each time, which puts at this `step`, while a dispatcher is killed at each of these
/// `steps`, one after another, and another takes its place. Holds that the task has failed for it, and that all else of the
/// run came out.
async fn poisoned(role: Role, task: &str, step: &str, steps: &[&str]) {
    let (mut town, asked) = (Town::new().await, episode(1));
    // One at a time, so that no other shares its fate.
    for limit in ["LANGFLIX__LLM__MAX_CONCURRENT_REQUESTS", "LANGFLIX__PROCESSING__MAX_CONCURRENT_JOBS"] {
        town.more.push((limit.to_owned(), "1".to_owned()));
    }
    let dispatcher = |step| Process::start(&town, Role::Dispatcher, step);
    let mut steps = steps.iter().copied().map(Some).chain([None]);
    let mut dispatching = dispatcher(steps.next().flatten());
    let mut running = town.start(Role::ALL.into_iter().filter(|other| ![Role::Dispatcher, role].contains(other)));
    town.submit(&asked).await;
    for _delivery in 0..6 {
        Process::start(&town, role, Some(step)).was_killed().await;
        // Its lease, too, so that nobody waits until that has ended.
        town.flush_redis().await;
    }
    running.push(Process::start(&town, role, Some(step)));
    for step in steps {
        dispatching.was_killed().await;
        dispatching = dispatcher(step);
    }
    running.push(dispatching);
    let manifest = town.manifest(&asked.run().unwrap()).await;
    assert_eq!(manifest.status, EpisodeStatus::Partial);
    let failures: Vec<_> =
        manifest.failures.iter().map(|failure| (failure.task.as_str(), failure.failure.kind)).collect();
    assert_eq!(failures, [(task, FailureKind::Crashed)]);
    let all: BTreeSet<TaskId> = undisturbed(&asked).await.clips.into_iter().map(|clip| clip.id).collect();
    let made = manifest.clips.iter().filter(|clip| clip.encoded.is_some()).map(|clip| clip.id.clone());
    let made: BTreeSet<TaskId> = made.collect();
    assert!(made.is_subset(&all) && made.len() + 1 == all.len(), "{made:?} of {all:?}");
    let others = town.encoded().into_iter().filter(|clip| clip != task);
    assert_eq!(others.count(), made.len());
    let work = if role == Role::Analysis { Name::AnalysisBulk } else { Name::EncodingBulk };
    let shelf = Place::Shelf(work, Shelf::Parked).to_string();
    town.is_empty(&[&shelf]).await;
    town.rests(running, &[&shelf]).await;
    let (parked, label) = (shelved(&town, Place::Shelf(work, Shelf::Parked)).await, &task[..8]);
    assert!(parked.len() == 1 && parked[0].reason.as_ref().is_some_and(|reason| reason.contains(label)), "{parked:?}");
}

const CHUNK: &str = "chunk-0002";

#[tokio::test]
async fn a_chunk_that_ends_its_worker_each_time_fails_and_the_run_ends() {
    poisoned(Role::Analysis, CHUNK, &format!("put outcomes/{CHUNK}.json before"), &[]).await;
}

#[tokio::test]
async fn a_clip_that_ends_its_worker_each_time_fails_and_the_run_ends() {
    let clip = undisturbed(&episode(1)).await.clips.remove(1).id.to_string();
    poisoned(Role::Encoding, &clip, &format!("put {clip}/clip.mp4 before"), &[]).await;
}

#[tokio::test]
async fn a_dispatcher_that_is_killed_while_it_gives_a_task_up_changes_nothing() {
    let outcome = ["put analysis/outcomes before", "put analysis/outcomes after"];
    let steps = [&outcome[..], &["ack analysis before", "ack analysis after"]].concat();
    poisoned(Role::Analysis, CHUNK, &format!("put outcomes/{CHUNK}.json before"), &steps).await;
}
