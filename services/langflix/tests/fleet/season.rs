//! Seasons from end to end: the operator's commands, the real services, the real servers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use langflix_domain::{Digest, EncodedClip, EpisodeStatus, LearnerLevel, Manifest, Stage};
use langflix_pipeline::outcomes;
use langflix_ports::store::ArtifactStore as _;
use serde_json::Value;
use tempfile::tempdir;

use crate::{
    by_hand,
    servers::Fleet,
    services::{Service, until},
    support::{complete, episode, files, manifest_of, season, tools},
};

/// A manifest without what must differ between a run of the fleet and one of this machine: when it was and how long it
/// took, and the names that the video's identity goes into. That is what the store says of an object in the one, and of
/// a file in the other; the run and each clip are named after it.
pub(crate) fn comparable(mut manifest: Value) -> Value {
    for field in ["timing", "run"] {
        assert!(manifest.as_object_mut().unwrap().remove(field).is_some());
    }
    assert!(manifest["video"].as_object_mut().unwrap().remove("digest").is_some());
    for clip in manifest["clips"].as_array_mut().unwrap() {
        assert!(clip.as_object_mut().unwrap().remove("id").is_some());
    }
    manifest
}

/// What `langflix run` makes of the videos at `path` with the settings of the fleet; gives the show's folder.
pub(crate) fn made_here(fleet: &Fleet, path: &Path, more: &[&str], out: &Path) -> PathBuf {
    let args = ["run", path.to_str().unwrap(), "--language", "ko", "--set", "video.threads=4", "--out"];
    complete(fleet.langflix(&args).arg(out).args(more));
    out.join("The Long Way Home")
}

/// Holds that the work is done and nothing is left of it: no open run, no message, and each recorded clip the one that
/// is stored, to the byte. Gives the names of the clips.
pub(crate) async fn is_done(fleet: &Fleet) -> Vec<String> {
    until(async || fleet.keys("open/").await.is_empty(), || "a run is still open".to_owned()).await;
    fleet.expect_lying(&[]).await;
    let mut clips = Vec::new();
    for run in by_hand::submitted(fleet).await {
        for (task, recorded) in outcomes::<EncodedClip>(&fleet.store, &run, Stage::Encoding).await.unwrap() {
            let Some(clip) = recorded.result() else { continue };
            for (name, blob) in &clip.blobs {
                let stored = fleet.store.get(&format!("clips/{task}/{name}")).await.unwrap().unwrap();
                assert_eq!(
                    (Digest::of_bytes(&stored), stored.len() as u64),
                    (blob.sha256.clone(), blob.bytes),
                    "{task}"
                );
            }
            clips.push(task.to_string());
        }
    }
    clips
}

/// All objects, with what changes when one is written again.
async fn objects(fleet: &Fleet) -> BTreeMap<String, String> {
    let listed = fleet.s3.client().list_objects_v2().bucket(&fleet.s3.bucket).send().await.unwrap();
    assert_eq!(listed.is_truncated(), Some(false));
    let objects = listed.contents().iter();
    objects
        .map(|object| (object.key().unwrap().to_owned(), format!("{:?} {:?}", object.e_tag(), object.last_modified())))
        .collect()
}

/// Holds that two folders have the same files and manifests, and the same clips to the byte, which are those that the
/// manifests say.
fn are_alike(there: &Path, here: &Path) {
    assert_eq!(files(there), files(here));
    for code in ["S01E01", "S01E02", "S01E03"] {
        let (there, here) = (there.join(code), here.join(code));
        let manifest = manifest_of(&there);
        assert_eq!(comparable(manifest.clone()), comparable(manifest_of(&here)), "{code}");
        let clips = manifest["clips"].as_array().unwrap();
        assert_eq!(clips.len(), 2, "{code}");
        for clip in clips {
            for (name, blob) in [("video", "clip.mp4"), ("poster", "poster.jpg")] {
                let path = clip["files"][name].as_str().unwrap();
                let bytes = fs::read(there.join(path)).unwrap();
                assert!(bytes == fs::read(here.join(path)).unwrap(), "{code}: {path} differs");
                assert_eq!(clip["encoded"]["blobs"][blob]["sha256"], Digest::of_bytes(&bytes).to_string(), "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_comes_out_as_it_does_here_and_the_second_time_nothing_is_done() {
    let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
    let encoded = dir.path().join("encoded");
    let noted =
        format!("case \" $* \" in *\" clip.mp4 \"*) echo clip >>'{}';; esac\nexec \"$real\" \"$@\"", encoded.display());
    let path = std::env::join_paths([tools(dir.path(), &noted), "/usr/bin".into(), "/bin".into()]).unwrap();
    let services = [
        Service::start(&fleet, "dispatcher", dir.path()),
        Service::start(&fleet, "analysis-worker", dir.path()),
        Service::start_with(&fleet, "encoding-worker", dir.path(), |mut command| {
            command.env("PATH", path);
            command
        }),
    ];
    let first = fleet.ingest(&season(), &["--wait"]);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert_eq!(
        first.out.lines().filter(|line| line.contains(": complete, 2 expressions, 2 clips")).count(),
        3,
        "{first:#?}"
    );
    let clips = is_done(&fleet).await;
    let encodes = || fs::read_to_string(&encoded).unwrap().lines().count();
    assert_eq!((clips.len(), encodes()), (6, 6), "{clips:?}");

    let there = dir.path().join("there");
    fleet.done(&["fetch", "the-long-way-home-s01", "--out", there.to_str().unwrap()]);
    let here = made_here(&fleet, &season(), &["--max-expressions", "2"], &dir.path().join("here"));
    are_alike(&there.join("The Long Way Home"), &here);

    let before = objects(&fleet).await;
    let second = fleet.ingest(&season(), &["--wait"]);
    assert_eq!(second.code, Some(0), "{second:#?}");
    assert_eq!(second.out.lines().filter(|line| line.contains(": already complete as ")).count(), 3, "{second:#?}");
    is_done(&fleet).await;
    assert_eq!((objects(&fleet).await, encodes()), (before, 6));
    for service in services {
        service.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_in_the_interactive_lane_goes_before_a_season() {
    let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
    let mut services =
        vec![Service::start(&fleet, "dispatcher", dir.path()), Service::start(&fleet, "analysis-worker", dir.path())];
    assert_eq!(fleet.ingest(&season(), &[]).code, Some(0));
    assert_eq!(fleet.ingest(&episode(), &["--level", "advanced", "--lane", "interactive"]).code, Some(0));
    let planned = async || {
        let keys = fleet.keys("runs/").await;
        keys.iter().filter(|key| key.ends_with("/encoding/plan.json")).count() == 4
    };
    until(planned, || "not all clips are planned".to_owned()).await;
    // One clip at a time, so that one is before another.
    services.push(Service::start_with(&fleet, "encoding-worker", dir.path(), |mut command| {
        command.env("LANGFLIX__PROCESSING__MAX_CONCURRENT_JOBS", "1");
        command
    }));
    is_done(&fleet).await;
    let mut ended = Vec::new();
    for run in by_hand::submitted(&fleet).await {
        let manifest = fleet.store.get(&format!("runs/{run}/manifest.json")).await.unwrap().unwrap();
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        assert_eq!((manifest.status, manifest.clips.len()), (EpisodeStatus::Complete, 2), "{run}");
        ended.push((manifest.timing.finished_at, manifest.level));
    }
    ended.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(ended[0].1, LearnerLevel::Advanced, "{ended:?}");
    for service in services {
        service.ends().await;
    }
}
