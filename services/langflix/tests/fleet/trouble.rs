//! Runs whose sources change under them, and whose clips have no room.

use std::{
    fs,
    path::{Path, PathBuf},
};

use langflix_domain::{EncodedClip, SourceRead, Stage};
use langflix_pipeline::outcomes;
use langflix_testkit::video::{self, Recipe};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::{
    by_hand,
    season::{comparable, is_done, made_here},
    servers::Fleet,
    services::{Service, run_by, until},
    support::{Said, episode, manifest_of, season, tools},
};

/// A fleet that works on one episode.
struct Scene {
    fleet: Fleet,
    dir: TempDir,
    video: PathBuf,
    /// The most expressions of the episode.
    most: &'static str,
    _others: [Service; 2],
}

impl Scene {
    async fn with(video: PathBuf, most: &'static str) -> Self {
        let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
        let others = ["dispatcher", "analysis-worker"].map(|name| Service::start(&fleet, name, dir.path()));
        Self { fleet, dir, video, most, _others: others }
    }

    fn ingest(&self, more: &[&str]) -> Said {
        let args = ["ingest", self.video.to_str().unwrap(), "--language", "ko", "--max-expressions", self.most];
        self.fleet.said(&[&args, more].concat())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An encoding worker, for which this happens whenever ffmpeg is to write a clip.
    fn encoding_worker(&self, script: &str) -> Service {
        let folder = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        let script = format!(
            "cd_to='{}'\ncase \" $* \" in *\" clip.mp4 \"*) {script} ;; esac\nexec \"$real\" \"$@\"",
            self.dir.path().display()
        );
        let path = std::env::join_paths([tools(&folder, &script), "/usr/bin".into(), "/bin".into()]).unwrap();
        Service::start_with(&self.fleet, "encoding-worker", self.dir.path(), |mut command| {
            command.env("PATH", path);
            command
        })
    }

    /// Waits until a file of this name is there.
    async fn there_is(&self, name: &str) {
        until(async || self.file(name).exists(), || format!("{name} does not come")).await;
    }

    /// Waits until all chunks are analysed and the clips are planned.
    async fn clips_are_planned(&self) {
        let planned = async || self.fleet.keys("runs/").await.iter().any(|key| key.ends_with("/encoding/plan.json"));
        until(planned, || "no clip is planned".to_owned()).await;
    }

    /// Waits until the run has its manifest.
    async fn ends(&self) {
        let ended = async || self.fleet.keys("runs/").await.iter().any(|key| key.ends_with("/manifest.json"));
        until(ended, || "the run does not end".to_owned()).await;
    }

    /// Puts another file in the place of the source.
    async fn replace_source(&self, with: &Path) {
        let key = self.fleet.keys("sources/").await.remove(0);
        let body = fs::read(with).unwrap().into();
        self.fleet.s3.client().put_object().bucket(&self.fleet.s3.bucket).key(key).body(body).send().await.unwrap();
    }

    /// Holds that the run ends as if nothing had happened, and how its source was read.
    async fn comes_out_well(&self, read: SourceRead) {
        let said = self.ingest(&["--wait"]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        let clips = is_done(&self.fleet).await;
        assert_eq!(clips.len().to_string(), self.most);
        are_read(&self.fleet, read).await;
        let there = self.file("there");
        self.fleet.done(&["fetch", "the-long-way-home-s01e01", "--out", there.to_str().unwrap()]);
        let here = made_here(&self.fleet, &self.video, &["--max-expressions", self.most], &self.file("here"));
        let manifest = |folder: &Path| -> Value { comparable(manifest_of(&folder.join("S01E01"))) };
        assert_eq!(manifest(&there.join("The Long Way Home")), manifest(&here));
    }

    /// Holds that no clip came of a source that was replaced and that the run says why, and that it comes out well when
    /// that advice is taken: submitting it again brings the source back.
    async fn fails_until_the_source_is_back(&self, read: SourceRead) {
        self.ends().await;
        assert_eq!(self.fleet.keys("clips/").await, [""; 0], "a clip is cut from another film");
        let said = self.ingest(&["--wait"]);
        assert_eq!(said.code, Some(1), "{said:#?}");
        let why = "it was changed after the run was submitted: submit the episode again";
        assert!(said.err.contains(why) && said.out.contains("`langflix retry "), "{said:#?}");
        self.fleet.done(&["dead", "drop", "--reason", "it was changed after", "--yes"]);
        assert_eq!(is_done(&self.fleet).await, [""; 0]);
        self.fleet.done(&["retry", "the-long-way-home-s01e01"]);
        self.comes_out_well(read).await;
    }
}

/// Holds that the source of each clip of the first run was read so.
pub(crate) async fn are_read(fleet: &Fleet, read: SourceRead) {
    let run = by_hand::submitted(fleet).await.remove(0);
    let outcomes = outcomes::<EncodedClip>(&fleet.store, &run, Stage::Encoding).await.unwrap();
    let found: Vec<_> = outcomes.values().map(|recorded| recorded.read).collect();
    assert!(!found.is_empty() && found.iter().all(|one| *one == Some(read)), "{found:?}");
}

/// An episode so large that one clip's ranges are a small part of it.
fn large(number: u16) -> PathBuf {
    let name = format!("The.Long.Way.Home.S01E0{number}");
    let source = season().join(&name);
    let args = format!("-c:v libx264 -preset ultrafast -qp 0 -g 48 -pix_fmt yuv420p -c:a copy large{number}.mkv");
    let mut step = vec!["-i".to_owned(), format!("{}.mkv", source.display())];
    step.extend(args.split(' ').map(str::to_owned));
    let file = if number == 1 { "large1.mkv" } else { "large2.mkv" };
    let recipe = Recipe { file, rate: (24, 1), seconds: 120, steps: vec![step] };
    video::build(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("videos"), &recipe)
}

/// The large first episode under its name in a folder, with its subtitles.
pub(crate) fn large_episode(dir: &Path) -> PathBuf {
    let video = dir.join("The.Long.Way.Home.S01E01.mkv");
    fs::hard_link(large(1), &video).or_else(|_| fs::copy(large(1), &video).map(|_| ())).unwrap();
    fs::copy(episode().with_extension("srt"), video.with_extension("srt")).unwrap();
    video
}

/// Waits at the gate: what is read is open, and ffmpeg has not begun.
const GATE: &str = "touch \"$cd_to/reading\"; until [ -e \"$cd_to/go\" ]; do sleep 0.05; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_replaced_while_it_is_read_fails_the_run_and_gives_no_wrong_clip() {
    let dir = tempdir().unwrap();
    let scene = Scene::with(large_episode(dir.path()), "1").await;
    scene.ingest(&[]);
    let _worker = scene.encoding_worker(GATE);
    scene.there_is("reading").await;
    // Ffmpeg reads the other film and is content.
    scene.replace_source(&large(2)).await;
    fs::write(scene.file("go"), "").unwrap();
    scene.fails_until_the_source_is_back(SourceRead::Ranges).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_replaced_before_it_is_copied_fails_the_run_and_gives_no_wrong_clip() {
    let scene = Scene::with(episode(), "2").await;
    scene.ingest(&[]);
    scene.clips_are_planned().await;
    scene.replace_source(&season().join("The.Long.Way.Home.S01E02.mkv")).await;
    let _worker = scene.encoding_worker(":");
    scene.fails_until_the_source_is_back(SourceRead::Copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_replaced_when_it_is_copied_changes_nothing() {
    let scene = Scene::with(episode(), "2").await;
    scene.ingest(&[]);
    let _worker = scene.encoding_worker(GATE);
    scene.there_is("reading").await;
    scene.replace_source(&season().join("The.Long.Way.Home.S01E02.mkv")).await;
    fs::write(scene.file("go"), "").unwrap();
    scene.ends().await;
    scene.comes_out_well(SourceRead::Copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_of_clips_makes_them_wait_until_there_is_room() {
    let scene = Scene::with(episode(), "2").await;
    scene.ingest(&[]);
    // What is written to this device ends like a write to a full disk.
    let worker = scene.encoding_worker("[ -e \"$cd_to/go\" ] || ln -s /dev/full clip.mp4");
    worker.says("no space left on the device").await;
    fs::write(scene.file("go"), "").unwrap();
    scene.comes_out_well(SourceRead::Copy).await;
    worker.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_written_whole_is_copied_when_it_can() {
    let scene = Scene::with(episode(), "2").await;
    scene.ingest(&[]);
    scene.clips_are_planned().await;
    // No file of the worker may be larger than this, as with a quota: what is beyond is an error, and no signal.
    let worker = Service::start_with(&scene.fleet, "encoding-worker", scene.dir.path(), |command| {
        run_by(&["env", "--ignore-signal=XFSZ"], &command)
    });
    let process = Pid::from_raw(i32::try_from(worker.id()).unwrap());
    let unlimited = prlimit(process, Resource::Fsize, Rlimit { current: Some(1 << 20), maximum: None }).unwrap();
    worker.says("File too large").await;
    prlimit(process, Resource::Fsize, unlimited).unwrap();
    scene.comes_out_well(SourceRead::Copy).await;
    worker.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_while_ffmpeg_writes_its_clips_changes_nothing() {
    let scene = Scene::with(episode(), "2").await;
    scene.ingest(&[]);
    // As slowly as they play, until they may be quick.
    let slowly = "pwd >>\"$cd_to/begun\"; [ -e \"$cd_to/go\" ] || set -- -re \"$@\"; \
                  (until [ -s clip.mp4 ] || [ ! -e . ]; do sleep 0.05; done; touch \"$cd_to/writing\") &";
    let mut killed = scene.encoding_worker(slowly);
    scene.there_is("writing").await;
    killed.kill();
    assert_eq!(scene.fleet.keys("clips/").await, [""; 0], "it was killed too late");
    let begun = || fs::read_to_string(scene.file("begun")).unwrap().lines().count();
    let lost = begun();
    fs::write(scene.file("go"), "").unwrap();
    let again = scene.encoding_worker(slowly);
    scene.comes_out_well(SourceRead::Copy).await;
    assert_eq!(begun() - lost, 2, "each clip is encoded once more");
    again.ends().await;
}
