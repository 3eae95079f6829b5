use langflix_domain::{EpisodeStatus, FailureKind, Lane, SourceFile, Usage};
use langflix_pipeline::{RunRequest, fleet::state, retry_failed};
use langflix_ports::{llm::ErrorKind, store::ArtifactStore as _};

use crate::{
    episode::{Room, episode, names, text},
    fakes::{COST, Encoder, Model, found, good, trouble},
};

#[tokio::test]
async fn a_second_round_works_on_what_failed_and_on_nothing_else() {
    let (room, asked) = (Room::new(), episode());
    let model = Model::new(|ask| match found(&ask.request)[0] {
        "hit the road" => Err(ErrorKind::QuotaExhausted),
        _ => Ok(good(&ask.request)),
    });
    let first = asked.transcript.cues[0].span.end;
    let broken = Encoder::new(move |spec, _| (spec.scene.start < first).then(|| trouble(FailureKind::Encoder, false)));
    let partial = room.drive(&model, &broken, &asked).await;
    assert_eq!((partial.status, partial.failures.len()), (EpisodeStatus::Partial, 2));

    let (model, encoder) = (Model::good(), Encoder::good());
    let complete = room.drive(&model, &encoder, &asked).await;
    let asks = model.asks();
    assert_eq!((asks.len(), found(&asks[0].request)), (1, vec!["hit the road"]));
    let encoded: Vec<String> = encoder.tried().iter().map(|spec| spec.digest().unwrap().to_string()).collect();
    let wanted = [&complete.clips[0], &complete.clips[3]].map(|clip| clip.id.to_string());
    assert_eq!(encoded, wanted, "{:?}", names(&complete));
    let undisturbed = Room::new().drive(&Model::good(), &Encoder::good(), &asked).await;
    assert_eq!(text(&complete), text(&undisturbed));
}

#[tokio::test]
async fn what_succeeded_is_never_forgotten() {
    let (room, asked) = (Room::new(), episode());
    assert_eq!(retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap(), 0, "nothing is known of the run yet");
    room.drive(&Model::good(), &Encoder::good(), &asked).await;
    let before = room.store.list("").await.unwrap();
    assert_eq!(retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap(), 0);
    assert_eq!(room.store.list("").await.unwrap(), before);
}

#[tokio::test]
async fn clips_whose_files_were_removed_are_encoded_again() {
    let (room, asked) = (Room::new(), episode());
    let before = room.drive(&Model::good(), &Encoder::good(), &asked).await;
    let [kept, lost] = [&before.clips[0], &before.clips[1]].map(|clip| format!("clips/{}/clip.mp4", clip.id));
    room.store.delete(&lost).await.unwrap();
    let encoder = Encoder::good();
    let after = room.drive(&Model::good(), &encoder, &asked).await;
    assert_eq!((text(&after), encoder.tried().len()), (text(&before), 1));
    assert!(room.store.get(&kept).await.unwrap().is_some() && room.store.get(&lost).await.unwrap().is_some());
    // Another run that wants the clip does not take its record for it.
    room.store.delete(&lost).await.unwrap();
    let other = RunRequest {
        source: "elsewhere".to_owned(),
        subtitles: SourceFile { bytes: 7, ..asked.subtitles.clone() },
        ..asked
    };
    let encoder = Encoder::good();
    room.drive(&Model::good(), &encoder, &other).await;
    assert_eq!(encoder.tried().len(), 1);
    assert!(room.store.get(&lost).await.unwrap().is_some());
}

#[tokio::test]
async fn a_failure_that_stays_is_told_again() {
    let (room, asked) = (Room::new(), episode());
    let model = || {
        Model::new(|ask| {
            if ask.request.lines[1].text.contains("give up") { Err(ErrorKind::Refused) } else { Ok(good(&ask.request)) }
        })
    };
    let first = room.drive(&model(), &Encoder::good(), &asked).await;
    let encoder = Encoder::good();
    let second = room.drive(&model(), &encoder, &asked).await;
    assert_eq!(text(&second), text(&first));
    assert_eq!((second.status, encoder.tried().len()), (EpisodeStatus::Partial, 0));
}

#[tokio::test]
async fn what_failed_requests_cost_is_not_forgotten_with_them() {
    let (room, asked) = (Room::new(), episode());
    let mut asked_so_far = Usage::default();
    // Twice a chunk is refused, which costs as much as an answer, and then it is not.
    for refused in ["hit the road", "hit the road", ""] {
        let model = Model::new(move |ask| match found(&ask.request)[0] {
            expression if expression == refused => Err(ErrorKind::Refused),
            _ => Ok(good(&ask.request)),
        });
        let manifest = room.drive(&model, &Encoder::good(), &asked).await;
        model.asks().iter().for_each(|_| asked_so_far += COST);
        assert_eq!(manifest.timing.usage, asked_so_far);
        retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap();
        let run = state(&room.store, &asked.run().unwrap()).await.unwrap();
        assert_eq!((run.spent, run.ending.is_some()), (asked_so_far, refused.is_empty()));
    }
}
