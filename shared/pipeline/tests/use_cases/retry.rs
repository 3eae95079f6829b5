use langflix_domain::{EpisodeStatus, FailureKind, Lane};
use langflix_pipeline::retry_failed;
use langflix_ports::{llm::ErrorKind, store::ArtifactStore as _};

use crate::{
    episode::{Room, episode, names, text},
    fakes::{Encoder, Model, found, good, trouble},
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
