//! Runs that have ended, as they lie in the store.

use langflix_domain::{Digest, EpisodeId, RunId};
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// Episodes of a season.
const SEASON: usize = 20;
const SHOWS: [&str; 5] = ["Suits", "Night Ferry", "The Long Way Home", "Harbour Lights", "Mondays"];

/// The episode with this number, among seasons of several shows.
pub(crate) fn place(number: usize) -> EpisodeId {
    let small = |number: usize| u16::try_from(number).unwrap();
    EpisodeId {
        show: SHOWS[number / SEASON % SHOWS.len()].to_owned(),
        season: small(number / (SEASON * SHOWS.len()) + 1),
        episode: small(number % SEASON + 1),
    }
}

/// A run of the episode.
pub(crate) fn named(episode: &EpisodeId) -> RunId {
    RunId::new(episode, &Digest::of_json(episode).unwrap())
}

/// Puts a run into the store that has ended as `manifest` says.
pub(crate) async fn ended(fleet: &Fleet, run: &RunId, mut manifest: Value) {
    let (show, season, episode) = langflix_fleet::parts(run);
    fleet.put(&format!("shows/{show}/s{season:02}/e{episode:02}/{run}"), &json!(0)).await;
    manifest["run"] = json!(run);
    fleet.put(&format!("runs/{run}/manifest.json"), &manifest).await;
}
