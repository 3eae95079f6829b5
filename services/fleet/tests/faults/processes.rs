//! Many processes of a kind, processes that sleep, and processes that are told to end.

use std::time::Duration;

use rustix::process::Signal;

use crate::{
    episode::episode,
    role::{MARK, Process, Role},
    town::Town,
};

#[tokio::test]
async fn dispatchers_and_workers_that_race_give_one_manifest() {
    let (town, asked) = (Town::new().await, episode(1));
    let running = town.start([Role::ALL, Role::ALL, Role::ALL].concat());
    town.submit(&asked).await;
    let clips = town.ends_well(running, &[asked]).await;
    town.encoded_once(clips);
}

#[tokio::test]
async fn services_that_begin_before_anything_is_declared_wait_for_it() {
    let (town, asked) = (Town::new().await, episode(1));
    let mut running = town.start([Role::Analysis, Role::Encoding]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.extend(town.start([Role::Dispatcher]));
    town.submit(&asked).await;
    let clips = town.ends_well(running, &[asked]).await;
    town.encoded_once(clips);
}

#[tokio::test]
async fn queues_that_are_gone_are_declared_again_and_work_goes_on() {
    let (town, asked) = (Town::new().await, [episode(1), episode(2)]);
    let running = town.start(Role::ALL);
    town.submit(&asked[0]).await;
    town.is_well(&asked[0]).await;
    town.delete_queues(&["episodes.v1", "stages.v1", "encoding.bulk.v1", "analysis.bulk.v1.wait.5s"]).await;
    town.has_queues().await;
    town.submit(&asked[1]).await;
    let clips = town.ends_well(running, &asked).await;
    town.encoded_once(clips);
}

/// Has the service of that `role` fall asleep at `step`, others do its work meanwhile, and wakes it when all is done. Where
/// its connections are not `cut`, the broker finds out by itself that it hears nothing, which takes it up to a minute.
async fn sleeps_at(role: Role, step: &str, cut: bool) {
    let (mut town, asked) = (Town::new().await, episode(1));
    let setting = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    if !cut {
        // The sweeper would be sooner.
        town.more.push(setting(("LANGFLIX__FLEET__SILENCE_SECONDS", "600")));
    }
    let mut others = town.start(Role::ALL.into_iter().filter(|other| *other != role));
    // Its clips are told from those of the one that takes over, and it is at none but the one that it sleeps on.
    let (usual, one) = (town.more.clone(), ("LANGFLIX__PROCESSING__MAX_CONCURRENT_JOBS", "1"));
    town.more.extend([(MARK, " by the sleeper"), one].map(setting));
    let mut sleeper = Process::start(&town, role, Some(step));
    town.more = usual;
    town.submit(&asked).await;
    sleeper.sleeps().await;
    let recorded = town.recorded(&asked.run().unwrap()).await;
    if cut {
        town.cut_connections(role.name()).await;
    }
    others.push(Process::start(&town, role, None));
    town.is_well(&asked).await;
    assert!(sleeper.wakes_and_ends().await.success());
    let clips = town.ends_well(others, &[asked]).await;
    // The one that the sleeper was at counts for nobody while it sleeps.
    town.encoded_again(clips, &recorded, usize::from(role == Role::Encoding));
}

macro_rules! asleep {
    ($($name:ident: $role:ident, $step:literal, $cut:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            sleeps_at(Role::$role, $step, $cut).await;
        }
    )*};
}

asleep! {
    an_analysis_worker_that_sleeps_on_an_outcome_and_wakes_changes_nothing: Analysis, "put outcomes/chunk-0001.json sleep", true;
    an_encoding_worker_that_sleeps_on_a_clip_and_wakes_changes_nothing: Encoding, "put clip.mp4 sleep", false;
    a_dispatcher_that_sleeps_on_a_plan_and_wakes_changes_nothing: Dispatcher, "put encoding/plan.json sleep", true;
    a_dispatcher_that_sleeps_on_a_manifest_and_wakes_changes_nothing: Dispatcher, "put manifest.json sleep", true;
}

#[tokio::test]
async fn services_that_are_told_to_end_hand_back_and_end_well() {
    let (town, asked) = (Town::new().await, episode(1));
    let mut running = town.start(Role::ALL);
    town.submit(&asked).await;
    town.moves_on().await;
    town.is_underway().await;
    for process in &mut running {
        process.send(Signal::TERM);
    }
    for process in &mut running {
        assert!(process.ended().await.success());
    }
    let again = town.start(Role::ALL);
    let clips = town.ends_well(again, &[asked]).await;
    town.encoded_once(clips);
}
