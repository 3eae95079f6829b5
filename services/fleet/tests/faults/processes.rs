//! Many processes of a kind, processes that sleep, and processes that are told to end.

use std::time::Duration;

use rustix::process::Signal;

use crate::{
    episode::episode,
    role::{Process, Role},
    town::Town,
};

#[tokio::test]
async fn dispatchers_and_workers_that_race_give_one_manifest() {
    let (town, asked) = (Town::new().await, episode(1));
    let _running = town.start([Role::ALL, Role::ALL, Role::ALL].concat());
    town.submit(&asked).await;
    town.is_well(&asked).await;
}

#[tokio::test]
async fn services_that_begin_before_anything_is_declared_wait_for_it() {
    let (town, asked) = (Town::new().await, episode(1));
    let workers = town.start([Role::Analysis, Role::Encoding]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _dispatcher = town.start([Role::Dispatcher]);
    town.submit(&asked).await;
    town.is_well(&asked).await;
    drop(workers);
}

#[tokio::test]
async fn a_worker_that_sleeps_on_its_task_and_wakes_changes_nothing() {
    let (town, asked) = (Town::new().await, episode(1));
    let _dispatcher = town.start([Role::Dispatcher, Role::Encoding]);
    let mut sleepy = Process::start(&town, Role::Analysis, Some("put outcomes/chunk-0001.json sleep"));
    town.submit(&asked).await;
    sleepy.sleeps().await;
    // The broker finds out by itself that it hears nothing, and gives its tasks to another. Here its connections are cut.
    town.cut_connections("analysis-worker").await;
    let _other = Process::start(&town, Role::Analysis, None);
    town.is_well(&asked).await;
    sleepy.send(Signal::CONT);
    tokio::time::sleep(Duration::from_secs(2)).await;
    town.is_well(&asked).await;
    sleepy.send(Signal::TERM);
    assert!(sleepy.ended().await.success());
}

#[tokio::test]
async fn services_that_are_told_to_end_hand_back_and_end_well() {
    let (town, asked) = (Town::new().await, episode(1));
    let mut running = town.start(Role::ALL);
    town.submit(&asked).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for process in &mut running {
        process.send(Signal::TERM);
    }
    for process in &mut running {
        assert!(process.ended().await.success());
    }
    let _again = town.start(Role::ALL);
    town.is_well(&asked).await;
}
