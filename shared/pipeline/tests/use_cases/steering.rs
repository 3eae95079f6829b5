//! Runs that are cancelled, taken up again and looked for.

use std::{collections::BTreeSet, time::Duration};

use langflix_domain::{EpisodeStatus, FailureKind, Lane};
use langflix_pipeline::{
    Try,
    fleet::{Order, Survey, latest_runs, manifest, runs, state},
    retry_failed,
};
use langflix_ports::queue::Name;

use crate::{
    episode::{Room, episode, text},
    fakes::{Encoder, Model},
    queues::{Fleet, Messages, undisturbed},
};

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_with_what_it_has_and_can_be_taken_up_again() {
    for chunks in [0, 2, 4] {
        let (room, asked) = (Room::new(), episode());
        let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
        fleet.submit(&asked, Lane::Bulk).await;
        let (model, encoder) = (Model::good(), Encoder::good());
        fleet.dispatcher().plan_episode(&run).await.unwrap();
        for _ in 0..chunks {
            let at = |queue: &Messages| queue.waiting.lock().unwrap().get_mut(&Name::AnalysisBulk)?.pop_front();
            let order = Order::read(&at(&fleet.queue).unwrap().body).unwrap();
            fleet.handle(&order, Try::ONLY, &model, &encoder).await.unwrap();
        }
        fleet.dispatcher().cancel(&run).await.unwrap();
        // Workers notice it some seconds later.
        tokio::time::advance(Duration::from_secs(5)).await;
        fleet.work(&model, &encoder).await;
        let manifest = fleet.manifest(&asked).await.unwrap();
        assert_ne!(manifest.status, EpisodeStatus::Complete);
        assert!(manifest.failures.iter().any(|failure| failure.failure.kind == FailureKind::Cancelled));
        assert_eq!((model.asks().len(), encoder.tried().len()), (chunks, 0), "nothing more is spent on it");
        assert!(!fleet.is_open().await);

        retry_failed(&room.store, &asked, Lane::Bulk).await.unwrap();
        fleet.dispatcher().plan_episode(&run).await.unwrap();
        fleet.work(&model, &encoder).await;
        assert_eq!(text(&fleet.manifest(&asked).await.unwrap()), undisturbed(&asked).await, "cancelled after {chunks}");
        assert_eq!(model.asks().len(), 4, "no answer is asked for twice");
    }
}

#[tokio::test]
async fn runs_are_found_by_show_season_and_episode_and_tell_where_they_stand() {
    let (room, asked) = (Room::new(), episode());
    let (fleet, run) = (Fleet::new(&room), asked.run().unwrap());
    fleet.submit(&asked, Lane::Interactive).await;
    let of = |show: Option<&str>, season, episode| Survey { show: show.map(str::to_owned), season, episode };
    for survey in [of(None, None, None), of(Some("The Show"), None, None), of(Some("the-show"), Some(1), Some(2))] {
        assert_eq!(runs(&room.store, &survey).await.unwrap(), BTreeSet::from([run.clone()]));
    }
    assert!(runs(&room.store, &of(Some("The Show"), Some(2), None)).await.unwrap().is_empty());
    let before = state(&room.store, &run).await.unwrap();
    assert_eq!((before.ending.as_ref(), before.lane, before.analysis), (None, Some(Lane::Interactive), None));
    assert!(before.is_known() && before.submitted_at_ms.is_some());
    fleet.dispatcher().plan_episode(&run).await.unwrap();
    let planned = state(&room.store, &run).await.unwrap().analysis.unwrap();
    assert_eq!((planned.done, planned.tasks), (0, 4));
    fleet.work(&Model::good(), &Encoder::good()).await;
    let ended = state(&room.store, &run).await.unwrap();
    let ending = ended.ending.unwrap();
    assert_eq!((ending.status, ending.clips, ended.encoding.unwrap().tasks), (EpisodeStatus::Complete, 4, 4));
    assert!(!ended.cancelled && ended.spent.requests > 0);
}

#[tokio::test]
async fn the_run_that_was_submitted_last_comes_first() {
    let room = Room::new();
    let fleet = Fleet::new(&room);
    let mut submitted = Vec::new();
    for language in ["ja", "ko", "de"] {
        let mut asked = episode();
        asked.settings.language = language.parse().unwrap();
        fleet.submit(&asked, Lane::Bulk).await;
        submitted.insert(0, asked.run().unwrap());
        // The times are told apart by milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let survey = Survey { show: Some("The Show".to_owned()), season: Some(1), episode: Some(2) };
    assert_eq!(latest_runs(&room.store, &survey).await.unwrap(), submitted);
    assert_eq!(manifest(&room.store, &submitted[0]).await.unwrap(), None);
}
