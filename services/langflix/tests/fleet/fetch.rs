use std::{collections::BTreeMap, fs, path::Path};

use langflix_ports::store::ArtifactStore as _;
use tempfile::tempdir;

use crate::{
    by_hand,
    season::comparable,
    servers::Fleet,
    support::{complaint, complete, episode, files, manifest, results},
};

fn clips(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = results(out);
    let clips = files(&folder).into_iter().filter(|name| name.starts_with("clips/"));
    clips.map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_laid_out_like_one_that_was_worked_on_here() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &[]);
    let run = by_hand::submitted(&fleet).await.remove(0);
    let dir = tempdir().unwrap();
    let (there, here) = (dir.path().join("fleet"), dir.path().join("here"));
    let early = fleet.said(&["fetch", "the-long-way-home-s01e01"]);
    assert_eq!(early.code, Some(1), "{early:#?}");
    assert!(complaint(&early).contains("has not ended yet"), "{early:#?}");

    by_hand::finish(&fleet, &run, &episode()).await;
    let said = fleet.done(&["fetch", "the-long-way-home-s01e01", "--out", there.to_str().unwrap()]);
    assert!(said.starts_with("The Long Way Home S01E01: complete, 2 expressions, 2 clips: "), "{said}");
    let path = episode();
    let args = ["run", path.to_str().unwrap(), "--language", "ko", "--max-expressions", "2", "--out"];
    complete(fleet.langflix(&args).arg(&here).args(["--set", "video.threads=4"]));
    assert_eq!(files(&there), files(&here));
    assert_eq!(comparable(manifest(&there)), comparable(manifest(&here)));
    assert!(clips(&there) == clips(&here), "the clips differ");

    let clip = manifest(&there)["clips"][0]["id"].as_str().unwrap().to_owned();
    fleet.store.delete(&format!("clips/{clip}/clip.mp4")).await.unwrap();
    let lost = fleet.said(&["fetch", run.as_str(), "--out", dir.path().join("lost").to_str().unwrap()]);
    assert!(complaint(&lost).contains(&format!("`langflix retry {run}` encodes it again")), "{lost:#?}");
    assert_eq!(fleet.done(&["retry", run.as_str()]), format!("{run}: 1 failed task again\n"));
    by_hand::finish(&fleet, &run, &episode()).await;
    fleet.done(&["fetch", run.as_str(), "--out", dir.path().join("lost").to_str().unwrap()]);
    assert!(clips(&dir.path().join("lost")) == clips(&here), "the clips differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_runs_of_an_episode_the_newest_is_fetched() {
    let fleet = Fleet::new().await;
    let mut runs = Vec::new();
    for level in ["beginner", "advanced"] {
        fleet.ingest(&episode(), &["--dry-run", "--level", level]);
        runs.push(by_hand::submitted(&fleet).await.into_iter().find(|run| !runs.contains(run)).unwrap());
        by_hand::finish(&fleet, &runs[runs.len() - 1], &episode()).await;
    }
    let dir = tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    for (name, level, warns) in [
        ("the-long-way-home-s01e01", "advanced", false),
        ("the-long-way-home-s01", "advanced", false),
        ("The Long Way Home", "advanced", false),
        (runs[0].as_str(), "beginner", true),
        (runs[1].as_str(), "advanced", false),
    ] {
        let said = fleet.said(&["fetch", name, "--out", out]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        assert_eq!(manifest(dir.path())["level"], level, "{name}");
        assert_eq!(said.err.contains("takes the place of a newer run"), warns, "{name}: {said:#?}");
    }
    let gone = fleet.said(&["fetch", "the-long-way-home-s01e01-00000000"]);
    assert!(complaint(&gone).contains("there is no such run"), "{gone:#?}");
    let gone = fleet.said(&["fetch", "suits-s01e01"]);
    assert!(complaint(&gone).contains("no such run was ever submitted"), "{gone:#?}");
}
