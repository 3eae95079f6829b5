use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use langflix_domain::{EpisodeStatus, RunId};
use serde_json::json;

use crate::{
    browser::Browser,
    episode::{episode, undisturbed},
    fleet::Fleet,
    program::until,
    runs::{ended, named, place},
};

/// Episodes that a test of speed has, and those of them that end while it looks.
const EPISODES: usize = 1000;
const STEP: usize = 100;
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_episodes_are_drawn_and_followed_quickly() {
    let Some(browser) = Browser::find() else { return };
    let figures = std::env::var("LANGFLIX_BENCH").is_ok();
    let steps = if figures { 3 } else { 1 };
    let fleet = Fleet::new().await;
    let manifest = undisturbed(&episode(1)).await;
    assert_eq!(manifest.status, EpisodeStatus::Complete);
    let manifest = serde_json::to_value(manifest).unwrap();
    let done = stream::iter(steps * STEP..EPISODES).map(async |number| {
        ended(&fleet, &named(&place(number)), manifest.clone()).await;
    });
    done.buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
    let going = stream::iter(0..steps * STEP).map(async |number| {
        let mut asked = episode(1);
        asked.settings.encode = None;
        asked.episode = place(number);
        fleet.town.submit(&asked).await
    });
    let going: Vec<RunId> = going.buffered(AT_ONCE).collect().await;
    let dispatcher = fleet.dispatcher().await;
    until("all is planned", async || fleet.town.planned().await == going.len()).await;

    let signals: Vec<_> =
        (0..steps).map(|n| [format!("go{n}"), format!("done{n}")].map(|n| fleet.signal(&n))).collect();
    let paths: Vec<_> = signals.iter().map(|[go, done]| json!({ "go": go.path(), "done": done.path() })).collect();
    let (paths, count) = (serde_json::to_string(&paths).unwrap(), EPISODES.to_string());
    let mut told = BTreeMap::from([("URL", dispatcher.url.as_str()), ("STEPS", &paths), ("COUNT", &count)]);
    if figures {
        told.insert("FIGURES", "1");
    }
    let told: Vec<_> = told.into_iter().collect();
    let script = browser.run("speed.test.js", &told);
    let services = async {
        for ([go, done], runs) in signals.iter().zip(going.chunks(STEP)) {
            go.comes().await;
            let ends = stream::iter(runs).map(async |run| ended(&fleet, run, manifest.clone()).await);
            ends.buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
            done.give();
        }
        std::future::pending::<()>().await;
    };
    tokio::select! { () = script => (), () = services => () }
}
