use std::sync::LazyLock;

use futures::future::join;
use langflix_domain::{FailureKind, Stage, TaskId};
use langflix_pipeline::{analyse_chunk, complete, encode_clip, outcomes, plan_analysis, plan_encoding};
use langflix_ports::{llm::ErrorKind, store::ArtifactStore as _};
use tokio::sync::Barrier;

use crate::{
    encoding::{planned, stored},
    episode::{Room, cutter, episode, text},
    fakes::{Encoder, Model, trouble},
};

#[tokio::test]
async fn two_planners_work_by_one_plan() {
    let (room, asked) = (Room::new(), episode());
    let (one, other) = join(plan_analysis(&room.store, &asked), plan_analysis(&room.store, &asked)).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one, other, "the moment it was planned included");
}

#[tokio::test]
async fn of_two_answers_one_is_recorded_and_both_workers_take_it() {
    static BOTH: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    let (room, asked) = (Room::new(), episode());
    let task = &plan_analysis(&room.store, &asked).await.unwrap().tasks[0];
    let (good, bad) = (Model::good().meeting(&BOTH), Model::new(|_| Err(ErrorKind::Refused)).meeting(&BOTH));
    let (one, other) =
        join(analyse_chunk(&room.store, &good, &asked, task), analyse_chunk(&room.store, &bad, &asked, task)).await;
    assert_eq!((good.asks().len(), bad.asks().len()), (1, 1), "both asked before either had recorded");
    let recorded = room.chunks(&asked).await;
    assert_eq!(recorded.len(), 1);
    let failure = recorded[&TaskId::chunk(0)].failure().cloned();
    assert_eq!((one.unwrap(), other.unwrap()), (failure.clone(), failure));
}

#[tokio::test]
async fn of_two_clips_one_is_stored_and_both_workers_take_it() {
    static BOTH: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    let (room, asked) = (Room::new(), episode());
    let task = &planned(&room, &asked).await.tasks[0];
    let [one, two] = ["one", "two"].map(|make| Encoder::good().make(make).meeting(&BOTH));
    let scratch = room.scratch();
    let (first, second) = join(
        encode_clip(&room.store, cutter(&one, &scratch), &asked, task, &|_| {}),
        encode_clip(&room.store, cutter(&two, &scratch), &asked, task, &|_| {}),
    )
    .await;
    assert_eq!((first.unwrap(), second.unwrap()), (None, None));
    let clips = room.clips(&asked).await;
    assert_eq!(clips[&task.id].result(), Some(&stored(&room, &task.id).await));
    assert_eq!(room.store.list(&format!("clips/{}/", task.id)).await.unwrap().len(), 3);
}

#[tokio::test]
async fn of_a_clip_and_a_failure_one_is_recorded_and_both_workers_take_it() {
    static BOTH: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    let (room, asked) = (Room::new(), episode());
    let task = &planned(&room, &asked).await.tasks[0];
    let good = Encoder::good().meeting(&BOTH);
    let bad = Encoder::new(|_, _| Some(trouble(FailureKind::Encoder, false))).meeting(&BOTH);
    let scratch = room.scratch();
    let (one, other) = join(
        encode_clip(&room.store, cutter(&good, &scratch), &asked, task, &|_| {}),
        encode_clip(&room.store, cutter(&bad, &scratch), &asked, task, &|_| {}),
    )
    .await;
    let failure = room.clips(&asked).await[&task.id].failure().cloned();
    assert_eq!((one.unwrap(), other.unwrap()), (failure.clone(), failure));
}

#[tokio::test]
async fn two_that_complete_a_run_give_one_manifest() {
    let (room, asked) = (Room::new(), episode());
    let encoding = planned(&room, &asked).await;
    for task in &encoding.tasks {
        encode_clip(&room.store, cutter(&Encoder::good(), &room.scratch()), &asked, task, &|_| {}).await.unwrap();
    }
    let analysis = plan_analysis(&room.store, &asked).await.unwrap();
    let one = complete(&room.store, &asked, &analysis, &encoding);
    let other = complete(&room.store, &asked, &analysis, &encoding);
    let (one, other) = join(one, other).await;
    assert_eq!(one.unwrap(), other.unwrap(), "the moment it was finished included");
    assert_eq!(room.store.list("open/").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn two_processes_that_work_on_one_run_agree() {
    let (room, asked) = (Room::new(), episode());
    let (here, there) = (Encoder::good().make("one"), Encoder::good().make("two"));
    let model = Model::good();
    let (one, other) = join(room.drive(&model, &here, &asked), room.drive(&model, &there, &asked)).await;
    assert_eq!(one, other);
    for clip in &one.clips {
        assert_eq!(clip.encoded, Some(stored(&room, &clip.id).await));
    }
}

#[tokio::test]
async fn the_order_in_which_tasks_end_plays_no_part() {
    let asked = episode();
    let forwards = text(&Room::new().drive(&Model::good(), &Encoder::good(), &asked).await);
    let room = Room::new();
    let analysis = plan_analysis(&room.store, &asked).await.unwrap();
    for task in analysis.tasks.iter().rev() {
        analyse_chunk(&room.store, &Model::good(), &asked, task).await.unwrap();
    }
    let chunks = outcomes(&room.store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    let encoding = plan_encoding(&room.store, &asked, &analysis, &chunks).await.unwrap();
    for task in encoding.tasks.iter().rev() {
        encode_clip(&room.store, cutter(&Encoder::good(), &room.scratch()), &asked, task, &|_| {}).await.unwrap();
    }
    assert_eq!(text(&complete(&room.store, &asked, &analysis, &encoding).await.unwrap()), forwards);
}
