use std::collections::BTreeSet;

use langflix_domain::{FailureKind, Manifest};
use langflix_pipeline::{Error, RunRequest, plan_analysis};
use langflix_ports::{llm::ErrorKind, store::ArtifactStore as _};

use crate::{
    episode::{Room, drive, episode, text},
    fakes::{Encoder, Failing, Model, found, good, trouble},
};

/// Far more operations than a run needs.
const ENOUGH: usize = 1000;

/// Names of the clips that need no encoding any more.
async fn made(room: &Room) -> BTreeSet<String> {
    let keys = room.store.list("clips/").await.unwrap();
    keys.iter().filter_map(|key| key.strip_prefix("clips/")?.strip_suffix("/clip.json")).map(str::to_owned).collect()
}

/// Goes on with a run that was stopped, and holds it to work on nothing that is done. Where that is `retried`, what failed is open again.
async fn go_on(room: &Room, asked: &RunRequest, retried: bool) -> Manifest {
    let run = asked.run().unwrap();
    let keys = room.store.list(&format!("runs/{run}/")).await.unwrap();
    let finished = keys.contains(&format!("runs/{run}/manifest.json"));
    let open = room.store.get(&format!("open/{run}")).await.unwrap().is_some();
    assert!(open || finished || keys.is_empty(), "nobody knows that the run is unfinished: {keys:?}");
    let (model, encoder, before) = (Model::good(), Encoder::good(), made(room).await);
    let outcomes = room.chunks(asked).await;
    let manifest = room.drive(&model, &encoder, asked).await;
    assert_eq!(room.store.list("open/").await.unwrap(), [""; 0]);
    let asks = model.asks();
    for task in plan_analysis(&Room::new().store, asked).await.unwrap().tasks {
        let request = asked.analysis_request(&task.chunk);
        let count = asks.iter().filter(|ask| ask.request == request).count();
        let done = outcomes.get(&task.id).is_some_and(|outcome| !retried || outcome.result().is_some());
        assert_eq!(count, usize::from(!done), "{}", task.id);
    }
    let encoded: Vec<String> = encoder.tried().iter().map(|spec| spec.digest().unwrap().to_string()).collect();
    let again: Vec<&String> = encoded.iter().filter(|clip| before.contains(*clip)).collect();
    assert_eq!(again, [""; 0], "clips that were made are encoded again");
    assert_eq!(encoded.len(), encoded.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(before.len() + encoded.len(), made(room).await.len());
    assert_eq!(std::fs::read_dir(room.scratch()).unwrap().count(), 0);
    manifest
}

#[tokio::test]
async fn a_run_that_is_stopped_anywhere_goes_on_to_the_same_manifest() {
    let asked = episode();
    let undisturbed = text(&Room::new().drive(&Model::good(), &Encoder::good(), &asked).await);
    for done in [false, true] {
        let mut stopped = 0;
        for operations in 0..ENOUGH {
            let room = Room::new();
            let store = Failing::after(&room.store, operations, done);
            match drive(&store, &Model::good(), &Encoder::good(), &room.scratch(), &asked).await {
                Ok(manifest) => {
                    assert_eq!(text(&manifest), undisturbed);
                    break;
                }
                Err(error) => assert!(matches!(error, Error::Store(_)), "{error}"),
            }
            stopped += 1;
            assert_eq!(text(&go_on(&room, &asked, false).await), undisturbed, "stopped after {operations} operations");
        }
        assert!((40..ENOUGH).contains(&stopped), "stopped at {stopped} places");
    }
}

/// A run with a chunk and a clip that failed.
async fn partial(asked: &RunRequest) -> Room {
    let room = Room::new();
    let model = Model::new(|ask| match found(&ask.request)[0] {
        "call it a day" => Err(ErrorKind::Unavailable),
        _ => Ok(good(&ask.request)),
    });
    let first = asked.transcript.cues[0].span.end;
    let encoder = Encoder::new(move |spec, _| (spec.scene.start < first).then(|| trouble(FailureKind::Encoder, false)));
    assert_eq!(room.drive(&model, &encoder, asked).await.failures.len(), 2);
    room
}

#[tokio::test]
async fn a_retry_that_is_stopped_anywhere_goes_on_to_the_manifest_of_a_run_without_failures() {
    let asked = episode();
    let undisturbed = text(&Room::new().drive(&Model::good(), &Encoder::good(), &asked).await);
    for done in [false, true] {
        let mut stopped = 0;
        for operations in 0..ENOUGH {
            let room = partial(&asked).await;
            let store = Failing::after(&room.store, operations, done);
            match drive(&store, &Model::good(), &Encoder::good(), &room.scratch(), &asked).await {
                Ok(manifest) => {
                    assert_eq!(text(&manifest), undisturbed);
                    break;
                }
                Err(error) => assert!(matches!(error, Error::Store(_)), "{error}"),
            }
            stopped += 1;
            assert_eq!(text(&go_on(&room, &asked, true).await), undisturbed, "stopped after {operations} operations");
        }
        assert!((40..ENOUGH).contains(&stopped), "stopped at {stopped} places");
    }
}
