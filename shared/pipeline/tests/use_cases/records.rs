use langflix_pipeline::{Error, RunRequest, plan_analysis};
use langflix_ports::store::ArtifactStore as _;

use crate::{
    episode::{Room, cue, drive, episode, with_target_subtitles},
    fakes::{Encoder, Model},
};

/// The key of the record that a run stumbles over.
async fn stumbles_over(room: &Room, asked: &RunRequest) -> String {
    match drive(&room.store, &Model::good(), &Encoder::good(), &room.scratch(), asked).await {
        Err(Error::Record { key, .. }) => key,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_left_alone() {
    let asked = episode();
    let run = asked.run().unwrap();
    let room = Room::new();
    let clip = room.drive(&Model::good(), &Encoder::good(), &asked).await.clips[0].id.clone();
    let keys = [
        format!("runs/{run}/analysis/plan.json"),
        format!("runs/{run}/analysis/outcomes/chunk-0000.json"),
        format!("runs/{run}/encoding/plan.json"),
        format!("runs/{run}/encoding/outcomes/{clip}.json"),
        format!("runs/{run}/manifest.json"),
        format!("clips/{clip}/clip.json"),
    ];
    for key in keys {
        let room = Room::new();
        room.store.put_if_absent(&key, b"{\"cut\": ").await.unwrap();
        assert_eq!(stumbles_over(&room, &asked).await, key);
        assert_eq!(room.store.get(&key).await.unwrap().as_deref(), Some(&b"{\"cut\": "[..]));
    }
}

#[tokio::test]
async fn what_was_recorded_of_other_cues_is_not_taken_for_these() {
    let (room, asked) = (Room::new(), episode());
    plan_analysis(&room.store, &asked).await.unwrap();
    // The same file, read by a parser that sees one cue more.
    let mut otherwise = asked.clone();
    otherwise.transcript.cues.insert(0, cue(0, "Previously on this show."));
    assert_eq!(otherwise.run().unwrap(), asked.run().unwrap());
    let request = format!("runs/{}/request.json", asked.run().unwrap());
    assert_eq!(stumbles_over(&room, &otherwise).await, request);
    let first = room.drive(&Model::good(), &Encoder::good(), &asked).await;
    assert_eq!(room.drive(&Model::good(), &Encoder::good(), &otherwise).await, first, "a finished run stays finished");
}

#[tokio::test]
async fn runs_of_one_episode_lie_side_by_side() {
    let room = Room::new();
    let first = room.drive(&Model::good(), &Encoder::good(), &episode()).await;
    room.drive(&Model::good(), &Encoder::good(), &with_target_subtitles()).await;
    assert_eq!(room.drive(&Model::good(), &Encoder::good(), &episode()).await, first);
    let manifests = room.store.list("runs/").await.unwrap();
    assert_eq!(manifests.iter().filter(|key| key.ends_with("/manifest.json")).count(), 2);
}
