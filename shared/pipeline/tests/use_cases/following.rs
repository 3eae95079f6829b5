//! Runs that somebody waits for, seen through the store.

use std::sync::Mutex;

use langflix_domain::{EpisodeStatus, FailureKind, RunId, Stage};
use langflix_pipeline::{
    RunRequest, analyse_chunk, complete, encode_clip, fleet::Follower, outcomes, plan_analysis, plan_encoding,
};
use langflix_ports::observer::{Event, Observer};

use crate::{
    episode::{Room, cutter, episode},
    fakes::{Encoder, Model, trouble},
};

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn notice(&self, _: &RunId, event: Event) {
        let line = match event {
            Event::StagePlanned { stage, tasks, done } => format!("{}: {done} of {tasks}", stage.as_str()),
            Event::TaskStarted { label, .. } => format!("began {label}"),
            Event::TaskFinished { failure, .. } => failure.map_or("done".to_owned(), |failure| failure.message),
            Event::TaskProgress { .. } => "progress".to_owned(),
            Event::RunFinished { status } => status.as_str().to_owned(),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Told {
    /// What was told since it was last asked for.
    fn news(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Watched {
    room: Room,
    asked: RunRequest,
    told: Told,
    follower: Follower,
}

impl Watched {
    async fn look(&mut self) -> (Option<EpisodeStatus>, Vec<String>) {
        let manifest = self.follower.look(&self.room.store, &self.told).await.unwrap();
        (manifest.map(|manifest| manifest.status), self.told.news())
    }
}

fn watched() -> Watched {
    let asked = episode();
    let follower = Follower::new(asked.run().unwrap());
    Watched { room: Room::new(), asked, told: Told::default(), follower }
}

#[tokio::test]
async fn each_step_of_a_run_is_told_once_when_it_is_seen() {
    let mut watched = watched();
    let (model, scratch) = (Model::good(), watched.room.scratch());
    let first = watched.asked.transcript.cues[0].span.end;
    let encoder = Encoder::new(move |spec, _| (spec.scene.start < first).then(|| trouble(FailureKind::Encoder, false)));
    assert_eq!(watched.look().await, (None, vec![]), "nobody has planned it yet");

    let (asked, store) = (watched.asked.clone(), watched.room.store.clone());
    let analysis = plan_analysis(&store, &asked).await.unwrap();
    analyse_chunk(&store, &model, &asked, &analysis.tasks[0]).await.unwrap();
    assert_eq!(watched.look().await, (None, vec!["analysis: 1 of 4".to_owned()]));
    assert_eq!(watched.look().await, (None, vec![]));
    for task in &analysis.tasks[1..] {
        analyse_chunk(&store, &model, &asked, task).await.unwrap();
    }
    let steps = ["began cues 4 to 6", "done", "began cues 7 to 9", "done", "began cues 10 to 12", "done"];
    assert_eq!(watched.look().await, (None, steps.map(str::to_owned).to_vec()));

    let chunks = outcomes(&store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    let encoding = plan_encoding(&store, &asked, &analysis, &chunks).await.unwrap();
    assert_eq!(watched.look().await, (None, vec!["encoding: 0 of 4".to_owned()]));
    for task in &encoding.tasks {
        encode_clip(&store, cutter(&encoder, &scratch), &asked, task, &|_| {}).await.unwrap();
    }
    complete(&store, &asked, &analysis, &encoding).await.unwrap();
    let (status, told) = watched.look().await;
    assert_eq!(status, Some(EpisodeStatus::Partial));
    assert_eq!(told[..4], ["began give up", "it broke", "began call it a day", "done"]);
    assert_eq!(told.last().map(String::as_str), Some("partial"));
}

#[tokio::test]
async fn of_a_run_that_has_ended_all_is_told_at_once() {
    let mut watched = watched();
    watched.room.drive(&Model::good(), &Encoder::good(), &watched.asked).await;
    let told = ["analysis: 4 of 4", "encoding: 4 of 4", "complete"].map(str::to_owned).to_vec();
    assert_eq!(watched.look().await, (Some(EpisodeStatus::Complete), told));
}

#[tokio::test]
async fn what_failed_before_anybody_looked_is_told_as_well() {
    let mut watched = watched();
    let first = watched.asked.transcript.cues[0].span.end;
    let encoder = Encoder::new(move |spec, _| (spec.scene.start < first).then(|| trouble(FailureKind::Encoder, false)));
    watched.room.drive(&Model::good(), &encoder, &watched.asked).await;
    let told = ["analysis: 4 of 4", "encoding: 3 of 4", "began give up", "it broke", "partial"];
    let told = told.map(str::to_owned).to_vec();
    assert_eq!(watched.look().await, (Some(EpisodeStatus::Partial), told));
}
