use langflix_domain::{EpisodeStatus, FailureKind, Stage, TaskId, Timing};
use langflix_pipeline::{Error, RunRequest, analyse_chunk, complete, outcomes, plan_analysis, plan_encoding};
use langflix_ports::{llm::ErrorKind, store::ArtifactStore as _};

use crate::{
    episode::{EXPRESSIONS, Room, cue, episode, names, text},
    fakes::{Encoder, Model, found, item, trouble},
};

#[tokio::test]
async fn the_same_request_gives_the_same_manifest() {
    let mut texts = Vec::new();
    for _ in 0..2 {
        let room = Room::new();
        texts.push(text(&room.drive(&Model::good(), &Encoder::good(), &episode()).await));
    }
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test]
async fn a_finished_run_gives_its_manifest_again_and_works_on_nothing() {
    let (room, asked) = (Room::new(), episode());
    let first = room.drive(&Model::good(), &Encoder::good(), &asked).await;
    let (model, encoder) = (Model::good(), Encoder::good());
    assert_eq!(room.drive(&model, &encoder, &asked).await, first, "its times included");
    assert!(model.asks().is_empty() && encoder.tried().is_empty());
    assert_eq!(room.store.list("open/").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn each_task_ends_in_one_outcome_and_each_clip_in_the_manifest() {
    let (room, asked) = (Room::new(), episode());
    let manifest = room.drive(&Model::good(), &Encoder::good(), &asked).await;
    let chunks: Vec<TaskId> = room.chunks(&asked).await.into_keys().collect();
    assert_eq!(chunks, [0, 1, 2, 3].map(TaskId::chunk));
    let mut clips: Vec<TaskId> = manifest.clips.iter().map(|clip| clip.id.clone()).collect();
    clips.sort();
    assert_eq!(room.clips(&asked).await.into_keys().collect::<Vec<_>>(), clips);
    assert_eq!(manifest.status, EpisodeStatus::Complete);
    assert_eq!(names(&manifest), EXPRESSIONS);
    let request = room.store.get(&format!("runs/{}/request.json", asked.run().unwrap())).await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<RunRequest>(&request).unwrap(), asked);
}

#[tokio::test]
async fn a_manifest_reads_like_this() {
    let mut asked = episode();
    asked.transcript.cues.truncate(6);
    let room = Room::new();
    let model = Model::new(|ask| match found(&ask.request)[0] {
        "give up" => Ok(crate::fakes::good(&ask.request)),
        _ => Err(ErrorKind::Refused),
    });
    let mut manifest = room.drive(&model, &Encoder::good(), &asked).await;
    assert!(manifest.timing.started_at <= manifest.timing.finished_at, "{:?}", manifest.timing);
    manifest.timing = Timing::default();
    insta::assert_json_snapshot!(manifest);
}

#[tokio::test]
async fn what_failed_is_listed_in_the_order_of_the_episode() {
    let (room, asked) = (Room::new(), episode());
    let model = Model::new(|ask| match found(&ask.request)[0] {
        "break the ice" => Err(ErrorKind::Refused),
        _ => Ok(crate::fakes::good(&ask.request)),
    });
    let (first, last) = (asked.transcript.cues[0].span.end, asked.transcript.cues[9].span.start);
    let encoder = Encoder::new(move |spec, _| {
        let fails = spec.scene.start < first || spec.scene.end > last;
        fails.then(|| trouble(FailureKind::Encoder, false))
    });
    let manifest = room.drive(&model, &encoder, &asked).await;
    let stages: Vec<Stage> = manifest.failures.iter().map(|failure| failure.stage).collect();
    assert_eq!(stages, [Stage::Encoding, Stage::Analysis, Stage::Encoding]);
    assert!(manifest.failures.is_sorted_by_key(|failure| failure.span.start));
    assert_eq!(manifest.status, EpisodeStatus::Partial);
    let counts = manifest.completeness;
    assert_eq!([counts.chunks_ok, counts.chunks_failed, counts.clips_ok, counts.clips_failed], [3, 1, 1, 2]);
    let encoded: Vec<bool> = manifest.clips.iter().map(|clip| clip.encoded.is_some()).collect();
    assert_eq!(encoded, [false, true, false]);
}

#[tokio::test]
async fn an_episode_without_any_result_is_failed() {
    let asked = episode();
    let nothing = Room::new().drive(&Model::new(|_| Err(ErrorKind::Auth)), &Encoder::good(), &asked).await;
    assert_eq!((nothing.status, nothing.failures.len()), (EpisodeStatus::Failed, 4));
    assert_eq!(nothing.notes, [""; 0], "nothing was looked at, so nothing is said about what was found");
    let broken = Encoder::new(|_, _| Some(trouble(FailureKind::Input, false)));
    let no_clip = Room::new().drive(&Model::good(), &broken, &asked).await;
    assert_eq!((no_clip.status, no_clip.failures.len()), (EpisodeStatus::Failed, 4));
}

#[tokio::test]
async fn an_episode_without_expressions_is_complete_and_says_so() {
    let manifest = Room::new().drive(&Model::new(|_| Ok("[]".to_owned())), &Encoder::good(), &episode()).await;
    assert_eq!((manifest.status, manifest.clips.len()), (EpisodeStatus::Complete, 0));
    assert_eq!(manifest.notes, ["No expression worth learning was found at this level."]);
}

#[tokio::test]
async fn an_episode_whose_expressions_are_all_rejected_says_so() {
    let model = Model::new(|ask| Ok(crate::fakes::good(&ask.request).replace("\"B1\"", "\"Z9\"")));
    let manifest = Room::new().drive(&model, &Encoder::good(), &episode()).await;
    let rejected: usize = manifest.rejected.values().map(Vec::len).sum();
    assert_eq!((manifest.clips.len(), rejected), (0, 4), "{manifest:?}");
    assert_eq!(manifest.notes, ["None of the model's expressions passed its check; those that did not: 4."]);
}

#[tokio::test]
async fn subtitles_in_another_language_than_they_are_taken_for_are_told() {
    let tag = |tag: &str| Some(tag.parse().unwrap());
    let mut asked = crate::episode::with_target_subtitles();
    for (source, target, expected) in [
        (None, None, vec![]),
        (tag("en-GB"), tag("ko"), vec![]),
        (tag("fr"), None, vec!["The subtitles seem to be in fr, not in en."]),
        (tag("en"), tag("ja"), vec!["The target subtitles seem to be in ja, not in ko."]),
    ] {
        asked.transcript.language = source;
        asked.target_transcript.as_mut().unwrap().language = target;
        let manifest = Room::new().drive(&Model::good(), &Encoder::good(), &asked).await;
        assert_eq!(manifest.notes, expected);
    }
}

#[tokio::test]
async fn a_run_is_not_completed_while_a_task_has_no_outcome() {
    let (room, asked) = (Room::new(), episode());
    let analysis = plan_analysis(&room.store, &asked).await.unwrap();
    let chunks = outcomes(&room.store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    let error = plan_encoding(&room.store, &asked, &analysis, &chunks).await.unwrap_err();
    assert!(matches!(&error, Error::Unfinished { task } if *task == TaskId::chunk(0)), "{error}");
    for task in &analysis.tasks {
        analyse_chunk(&room.store, &Model::good(), &asked, task).await.unwrap();
    }
    let chunks = outcomes(&room.store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    let encoding = plan_encoding(&room.store, &asked, &analysis, &chunks).await.unwrap();
    let error = complete(&room.store, &asked, &analysis, &encoding).await.unwrap_err();
    assert!(matches!(&error, Error::Unfinished { task } if *task == encoding.tasks[0].id), "{error}");
    let run = asked.run().unwrap();
    assert_eq!(room.store.get(&format!("runs/{run}/manifest.json")).await.unwrap(), None);
    assert_eq!(room.store.list("open/").await.unwrap(), [format!("open/{run}")]);
}

#[tokio::test]
async fn what_is_said_after_the_videos_end_is_counted_and_takes_no_other_expressions_place() {
    let mut asked = episode();
    // The last scene begins within the video, but its expression is said after the end.
    asked.media.duration = asked.transcript.cues[10].span.start;
    asked.settings.max_expressions = 3;
    let manifest = Room::new().drive(&Model::good(), &Encoder::good(), &asked).await;
    assert_eq!(names(&manifest), EXPRESSIONS[..3]);
    assert_eq!(manifest.notes, ["Expressions that are left out because the video ends before they are said: 1."]);
    for clip in &manifest.clips {
        assert!(clip.said.end <= asked.media.duration && clip.scene.end <= asked.media.duration);
    }
}

#[tokio::test]
async fn two_expressions_of_one_moment_share_their_clip() {
    let mut asked = episode();
    let mut moment = cue(20_000, "Then we give up and call it a day.");
    moment.span.end = moment.span.start;
    asked.transcript.cues = vec![moment];
    let model = Model::new(|ask| {
        Ok(serde_json::to_string(&found(&ask.request).iter().map(|name| item(&ask.request, name)).collect::<Vec<_>>())
            .unwrap())
    });
    let encoder = Encoder::good();
    let manifest = Room::new().drive(&model, &encoder, &asked).await;
    assert_eq!(names(&manifest), ["call it a day", "give up"]);
    assert_eq!(manifest.clips[0].encoded, manifest.clips[1].encoded);
    assert_eq!((manifest.status, encoder.tried().len()), (EpisodeStatus::Complete, 1));
}
