use std::{path::Path, sync::Mutex};

use async_trait::async_trait;
use langflix_domain::{ClipSpec, Digest, EncodedClip, FailureKind, Footage, SourceRead, Stage, TaskId};
use langflix_pipeline::{
    Cutter, EncodingPlan, EncodingTask, Ended, Error, RunRequest, Try, analyse_chunk, encode_clip, outcomes,
    plan_analysis, plan_encoding, try_clip,
};
use langflix_ports::{
    media::{self, ClipEncoder, EncoderFault, Opened, Source, SourceAccess, Wanted},
    store::{ArtifactStore as _, Put},
};

use crate::{
    episode::{Room, cutter, drive, episode},
    fakes::{Encoder, Failing, Model, trouble},
};

pub(crate) async fn planned(room: &Room, asked: &RunRequest) -> EncodingPlan {
    let analysis = plan_analysis(&room.store, asked).await.unwrap();
    for task in &analysis.tasks {
        analyse_chunk(&room.store, &Model::good(), asked, task).await.unwrap();
    }
    let chunks = outcomes(&room.store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    plan_encoding(&room.store, asked, &analysis, &chunks).await.unwrap()
}

async fn encode(room: &Room, encoder: &Encoder, asked: &RunRequest, task: &EncodingTask) -> Option<FailureKind> {
    let failure = encode_clip(&room.store, cutter(encoder, &room.scratch()), asked, task, &|_| {}).await.unwrap();
    assert_eq!(std::fs::read_dir(room.scratch()).unwrap().count(), 0, "work in progress is left behind");
    failure.map(|failure| failure.kind)
}

/// The clip as its record has it, whose digests are those of the stored files.
pub(crate) async fn stored(room: &Room, id: &TaskId) -> EncodedClip {
    let record = room.store.get(&format!("clips/{id}/clip.json")).await.unwrap().unwrap();
    let clip: EncodedClip = serde_json::from_slice(&record).unwrap();
    for (name, blob) in &clip.blobs {
        let content = room.store.get(&format!("clips/{id}/{name}")).await.unwrap().unwrap();
        assert_eq!((&blob.sha256, blob.bytes), (&Digest::of_bytes(&content), content.len() as u64), "{name}");
    }
    clip
}

#[tokio::test]
async fn a_clip_is_stored_with_its_record_and_its_progress_is_told() {
    let (room, asked, encoder) = (Room::new(), episode(), Encoder::good());
    let task = &planned(&room, &asked).await.tasks[0];
    let told = std::sync::Mutex::new(Vec::new());
    let progress = |done: f32| told.lock().unwrap().push(done);
    let failure = encode_clip(&room.store, cutter(&encoder, &room.scratch()), &asked, task, &progress).await.unwrap();
    assert_eq!(failure, None);
    assert_eq!(*told.lock().unwrap(), [1.0]);
    assert_eq!(room.clips(&asked).await[&task.id].result(), Some(&stored(&room, &task.id).await));
}

#[tokio::test]
async fn what_a_device_refuses_is_handed_back_unless_nobody_else_could_take_it() {
    let (room, asked) = (Room::new(), episode());
    let task = &planned(&room, &asked).await.tasks[0];
    let full = || media::Error { fault: Some(EncoderFault::NoSession), ..trouble(FailureKind::Encoder, true) };
    let refusing = Encoder::new(move |_, _| Some(full()));
    let (scratch, elsewhere) = (room.scratch(), Try { alone: false, ..Try::ONLY });
    let ended = try_clip(&room.store, cutter(&refusing, &scratch), &asked, task, elsewhere, &|_| {}).await.unwrap();
    assert!(matches!(&ended, Ended::HandedBack(failure) if failure.kind == FailureKind::Encoder), "{ended:?}");
    assert_eq!((refusing.tried().len(), room.clips(&asked).await.len()), (1, 0), "tried once, and nothing recorded");

    let beyond = Encoder::new(|_, _| {
        Some(media::Error { fault: Some(EncoderFault::Input), ..trouble(FailureKind::Encoder, false) })
    });
    let ended = try_clip(&room.store, cutter(&beyond, &scratch), &asked, task, elsewhere, &|_| {}).await.unwrap();
    assert!(matches!(ended, Ended::Recorded(Some(_))), "what is the input's fault is no better elsewhere: {ended:?}");

    let (room, refusing) = (Room::new(), Encoder::new(move |_, _| Some(full())));
    let task = &planned(&room, &asked).await.tasks[0];
    assert_eq!(encode(&room, &refusing, &asked, task).await, Some(FailureKind::Encoder));
    assert_eq!(refusing.tried().len(), 3);
}

#[tokio::test]
async fn a_clip_that_is_delivered_again_keeps_its_first_outcome() {
    let (room, asked) = (Room::new(), episode());
    let tasks = planned(&room, &asked).await.tasks;
    let broken = Encoder::new(|_, _| Some(trouble(FailureKind::Encoder, false)));
    let (good, again) = (Encoder::good(), Encoder::good());
    assert_eq!(encode(&room, &broken, &asked, &tasks[0]).await, Some(FailureKind::Encoder));
    assert_eq!(encode(&room, &again, &asked, &tasks[0]).await, Some(FailureKind::Encoder));
    assert_eq!(encode(&room, &good, &asked, &tasks[1]).await, None);
    assert_eq!(encode(&room, &again, &asked, &tasks[1]).await, None);
    assert_eq!((good.tried().len(), again.tried().len()), (1, 0));
}

#[tokio::test]
async fn a_run_with_another_limit_encodes_no_clip_again() {
    let (room, asked, encoder) = (Room::new(), episode(), Encoder::good());
    let all = room.drive(&Model::good(), &encoder, &asked).await;
    assert_eq!(encoder.tried().len(), 4);
    let mut fewer = asked.clone();
    fewer.settings.max_expressions = 2;
    let two = room.drive(&Model::good(), &encoder, &fewer).await;
    assert_eq!((two.clips.len(), encoder.tried().len()), (2, 4));
    for clip in &two.clips {
        let before = all.clips.iter().find(|other| other.id == clip.id).unwrap();
        assert_eq!(clip.encoded, before.encoded);
    }
}

#[tokio::test]
async fn a_clip_with_other_settings_is_another_clip() {
    let (room, asked, encoder) = (Room::new(), episode(), Encoder::good());
    room.drive(&Model::good(), &encoder, &asked).await;
    let mut other = asked.clone();
    other.settings.encode.as_mut().unwrap().crf = 30;
    room.drive(&Model::good(), &encoder, &other).await;
    assert_eq!(encoder.tried().len(), 8);
}

#[tokio::test]
async fn the_file_of_a_twin_that_came_first_is_taken_and_its_digest_recorded() {
    let (room, asked) = (Room::new(), episode());
    let task = &planned(&room, &asked).await.tasks[0];
    let key = format!("clips/{}/clip.mp4", task.id);
    assert_eq!(room.store.put_if_absent(&key, b"what a twin made before it died").await.unwrap(), Put::Created);
    assert_eq!(encode(&room, &Encoder::good(), &asked, task).await, None);
    let clip = stored(&room, &task.id).await;
    assert_eq!(clip.blobs["clip.mp4"].sha256, Digest::of_bytes(b"what a twin made before it died"));
    assert_eq!(room.clips(&asked).await[&task.id].result(), Some(&clip));
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_three_times() {
    let (room, asked) = (Room::new(), episode());
    let tasks = planned(&room, &asked).await.tasks;
    let passes = Encoder::new(|_, before| (before < 2).then(|| trouble(FailureKind::TimedOut, true)));
    assert_eq!(encode(&room, &passes, &asked, &tasks[0]).await, None);
    assert_eq!(passes.tried().len(), 3);
    let stays = Encoder::new(|_, _| Some(trouble(FailureKind::TimedOut, true)));
    assert_eq!(encode(&room, &stays, &asked, &tasks[1]).await, Some(FailureKind::TimedOut));
    assert_eq!(stays.tried().len(), 3);
}

#[tokio::test]
async fn a_failure_for_good_is_recorded_after_one_try_with_its_kind() {
    let (room, asked) = (Room::new(), episode());
    let tasks = planned(&room, &asked).await.tasks;
    for (kind, task) in [FailureKind::Encoder, FailureKind::Input, FailureKind::TimedOut].into_iter().zip(&tasks) {
        let broken = Encoder::new(move |_, _| Some(trouble(kind, false)));
        assert_eq!(encode(&room, &broken, &asked, task).await, Some(kind));
        assert_eq!(broken.tried().len(), 1);
        assert_eq!(room.clips(&asked).await[&task.id].failure().unwrap().kind, kind);
        assert_eq!(room.store.list(&format!("clips/{}", task.id)).await.unwrap(), [""; 0], "no part is stored");
    }
}

#[tokio::test]
async fn a_full_disk_stops_the_run_without_an_outcome() {
    let (room, asked) = (Room::new(), episode());
    let full = Encoder::new(|_, _| Some(trouble(FailureKind::Store, false)));
    let stopped = drive(&room.store, &Model::good(), &full, &room.scratch(), &asked).await.unwrap_err();
    assert!(matches!(stopped, Error::Unwritable(_)), "{stopped}");
    assert!(room.clips(&asked).await.is_empty());
    let manifest = room.drive(&Model::good(), &Encoder::good(), &asked).await;
    assert_eq!(manifest.completeness.clips_ok, 4);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_clip_without_an_outcome() {
    let (room, asked) = (Room::new(), episode());
    let task = &planned(&room, &asked).await.tasks[0];
    for good in 0..5 {
        let store = Failing::after(&room.store, good, false);
        let error =
            encode_clip(&store, cutter(&Encoder::good(), &room.scratch()), &asked, task, &|_| {}).await.unwrap_err();
        assert!(matches!(error, Error::Store(_)), "{error}");
        assert!(room.clips(&asked).await.is_empty());
    }
    assert_eq!(std::fs::read_dir(room.scratch()).unwrap().count(), 0);
}

/// Sources that lie elsewhere, and are found changed when they are closed, if they are.
#[derive(Default)]
struct Elsewhere {
    is_changed: bool,
    wanted: Mutex<Vec<Footage>>,
}

#[async_trait]
impl SourceAccess for Elsewhere {
    async fn open(&self, wanted: Wanted<'_>) -> Result<Opened, media::Error> {
        assert_eq!((wanted.source, wanted.identity), ("s3://media/show.mkv", "etag:1000000"));
        self.wanted.lock().unwrap().push(wanted.footage);
        Ok(Opened {
            location: "https://s3/media/show.mkv?Signature=5ec2e7".to_owned(),
            read: SourceRead::Ranges,
            hold: None,
        })
    }

    async fn close(&self, _: Wanted<'_>, _: Opened) -> Result<(), media::Error> {
        if self.is_changed { Err(trouble(FailureKind::Input, false)) } else { Ok(()) }
    }
}

fn in_the_store() -> RunRequest {
    RunRequest { source: "s3://media/show.mkv".to_owned(), source_identity: "etag:1000000".to_owned(), ..episode() }
}

#[tokio::test]
async fn how_a_source_was_read_is_recorded_and_what_the_run_cuts_from_it_is_told() {
    let (room, asked, sources) = (Room::new(), in_the_store(), Elsewhere::default());
    let (tasks, encoder, scratch) = (planned(&room, &asked).await.tasks, Encoder::good(), room.scratch());
    let all = Footage { clips: 4, length: asked.media.duration };
    for (task, footage) in tasks.iter().zip([None, Some(all)]) {
        let cutter = Cutter { encoder: &encoder, sources: &sources, scratch: &scratch, footage };
        assert_eq!(encode_clip(&room.store, cutter, &asked, task, &|_| {}).await.unwrap(), None);
        assert_eq!(room.clips(&asked).await[&task.id].read, Some(SourceRead::Ranges));
    }
    let one = Footage::of([tasks[0].clip.as_ref().unwrap().bounds]);
    assert_eq!(*sources.wanted.lock().unwrap(), [one, all]);
}

#[tokio::test]
async fn a_clip_of_a_source_that_was_changed_meanwhile_is_thrown_away() {
    let (room, asked, encoder) = (Room::new(), in_the_store(), Encoder::good());
    let (sources, scratch) = (Elsewhere { is_changed: true, ..Elsewhere::default() }, room.scratch());
    let task = &planned(&room, &asked).await.tasks[0];
    let cutter = Cutter { encoder: &encoder, sources: &sources, scratch: &scratch, footage: None };
    let failure = encode_clip(&room.store, cutter, &asked, task, &|_| {}).await.unwrap().unwrap();
    assert_eq!(failure.kind, FailureKind::Input);
    assert_eq!(room.store.list("clips/").await.unwrap(), [""; 0]);
}

/// Quotes its source, as ffmpeg does.
struct Quoting;

#[async_trait]
impl ClipEncoder for Quoting {
    async fn encode(
        &self,
        source: Source<'_>,
        _: &ClipSpec,
        _: &Path,
        _: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, media::Error> {
        let shown = source.location.split('?').next().unwrap();
        Err(media::Error { message: format!("{shown}: it ends early"), ..trouble(FailureKind::Input, false) })
    }
}

#[tokio::test]
async fn a_failure_calls_a_source_that_was_read_elsewhere_by_its_files_name() {
    let (room, asked, sources) = (Room::new(), in_the_store(), Elsewhere::default());
    let scratch = room.scratch();
    let task = &planned(&room, &asked).await.tasks[0];
    let cutter = Cutter { encoder: &Quoting, sources: &sources, scratch: &scratch, footage: None };
    let failure = encode_clip(&room.store, cutter, &asked, task, &|_| {}).await.unwrap().unwrap();
    assert_eq!(failure.message, format!("{}: it ends early", asked.video.name));
}
