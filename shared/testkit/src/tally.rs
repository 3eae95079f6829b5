//! What every tally does, whatever it stands on.

use std::collections::BTreeSet;

use futures::future::join_all;
use langflix_domain::{Digest, EpisodeId, RunId, Stage, TaskId};
use langflix_ports::tally::{Error, Tally};

/// Holds a `tally` of nothing to all that [`Tally`] promises.
///
/// # Panics
/// Where the tally breaks a promise.
pub async fn tally_contract(tally: &dyn Tally) {
    a_task_counts_once(tally).await;
    runs_and_stages_are_counted_apart(tally).await;
    of_many_at_once_each_is_told_another_number(tally).await;
    what_is_forgotten_is_counted_anew(tally).await;
}

#[track_caller]
fn must<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn run(show: &str) -> RunId {
    let episode = EpisodeId { show: show.to_owned(), season: 1, episode: 2 };
    RunId::new(&episode, &Digest::of_bytes(show.as_bytes()))
}

async fn done(tally: &dyn Tally, run: &RunId, stage: Stage, task: u32) -> u32 {
    must(tally.done(run, stage, &TaskId::chunk(task)).await)
}

async fn a_task_counts_once(tally: &dyn Tally) {
    let run = run("once");
    let mut told = Vec::new();
    for task in [7, 7, 3, 7, 3, 0] {
        told.push(done(tally, &run, Stage::Analysis, task).await);
    }
    assert_eq!(told, [1, 1, 2, 2, 2, 3], "a task counts once, and is answered with how many are done");
}

async fn runs_and_stages_are_counted_apart(tally: &dyn Tally) {
    let places = [
        (run("one"), Stage::Analysis),
        (run("one"), Stage::Encoding),
        (run("one two"), Stage::Analysis),
        (run("쇼"), Stage::Analysis),
    ];
    for nth in 0..2 {
        for ((run, stage), task) in places.iter().zip([0, 10, 20, 30]) {
            assert_eq!(done(tally, run, *stage, task + nth).await, nth + 1, "{run} {stage:?} is counted with another");
        }
    }
}

async fn of_many_at_once_each_is_told_another_number(tally: &dyn Tally) {
    const TASKS: u32 = 64;
    let run = run("raced");
    // Each is told twice, as by a message that was delivered twice.
    let tasks = (0..TASKS).chain(0..TASKS);
    let told = join_all(tasks.map(|task| done(tally, &run, Stage::Encoding, task))).await;
    let told: BTreeSet<u32> = told.into_iter().collect();
    assert_eq!(told, (1..=TASKS).collect(), "the last of many is told that all are done, each other another number");
}

async fn what_is_forgotten_is_counted_anew(tally: &dyn Tally) {
    let (gone, kept) = (run("gone"), run("kept"));
    for task in 0..3 {
        done(tally, &gone, Stage::Analysis, task).await;
        done(tally, &gone, Stage::Encoding, task).await;
        done(tally, &kept, Stage::Analysis, task).await;
    }
    must(tally.forget(&gone, Stage::Analysis).await);
    must(tally.forget(&gone, Stage::Analysis).await);
    must(tally.forget(&run("never told"), Stage::Analysis).await);
    let counts = [
        done(tally, &gone, Stage::Analysis, 1).await,
        done(tally, &gone, Stage::Encoding, 1).await,
        done(tally, &kept, Stage::Analysis, 1).await,
    ];
    assert_eq!(counts, [1, 3, 3], "what is forgotten is counted anew, and nothing else is");
}
