use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use langflix_domain::{Digest, EncodedClip, RunId, Stage};
use langflix_media::Ffmpeg;
use langflix_pipeline::{RunRequest, outcomes};
use langflix_ports::{media::MediaProbe as _, store::ArtifactStore as _};
use langflix_testkit::video::{self, Recipe};

use crate::{
    PROGRAM,
    episode::{episode, model},
    program::{Program, Town, until},
};

const KEY: &str = "sources/show.mkv";
pub(crate) const AT_ONCE: usize = 2;
/// Expressions of the episode.
pub(crate) const CLIPS: usize = 6;

/// A film that is as long as the episode's lines.
fn film() -> PathBuf {
    let made = "-f lavfi -i testsrc2=s=320x180:r=24 -f lavfi -i sine=r=48000 -t 280 -c:v libx264 -preset ultrafast \
                -g 48 -pix_fmt yuv420p -c:a aac show.mkv";
    let steps = vec![made.split_whitespace().map(str::to_owned).collect()];
    let recipe = Recipe { file: "show.mkv", rate: (24, 1), seconds: 280, steps };
    video::build(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("videos"), &recipe)
}

/// The episode whose video is the film, which lies in the bucket.
pub(crate) async fn asked(town: &Town) -> RunRequest {
    let (film, store) = (film(), town.servers().store);
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref()).unwrap();
    let mut asked = episode(1);
    asked.media = ffmpeg.probe(film.to_str().unwrap()).await.unwrap();
    asked.source = format!("s3://{}/{KEY}", town.s3.bucket);
    asked.source_identity = store.upload_source(&film, KEY, &|_| ()).await.unwrap().stat.identity();
    asked.settings.encode.as_mut().unwrap().preset = "ultrafast".to_owned();
    asked
}

/// A way to the real ffmpeg, which writes no clip before the gate is open, and says which ones it begins.
pub(crate) struct Gate(PathBuf);

impl Gate {
    pub(crate) fn before_ffmpeg(town: &Town) -> Self {
        let gate = Self(town.dir.path().join("tools"));
        let here = gate.0.display();
        gate.write(&format!("pwd >>'{here}/begun'; until [ -e '{here}/open' ]; do sleep 0.05; done"));
        gate
    }

    /// One before which nothing waits: while it is closed, whoever comes to it dies.
    pub(crate) fn deadly(town: &Town) -> Self {
        let gate = Self(town.dir.path().join("deadly"));
        let here = gate.0.display();
        gate.write(&format!("pwd >>'{here}/begun'; [ -e '{here}/open' ] || kill -ILL $$"));
        gate
    }

    /// Writes the tools, of which ffmpeg does this first where it is to write a clip.
    fn write(&self, first: &str) {
        let folder = &self.0;
        fs::create_dir(folder).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let real =
            |name: &str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()).unwrap();
        std::os::unix::fs::symlink(real("ffprobe"), folder.join("ffprobe")).unwrap();
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in *\" clip.mp4 \"*) {first} ;; esac\nexec '{}' \"$@\"\n",
            real("ffmpeg").display()
        );
        fs::write(folder.join("ffmpeg"), script).unwrap();
        fs::set_permissions(folder.join("ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.0.display())
    }

    pub(crate) fn open(&self) {
        fs::write(self.0.join("open"), "").unwrap();
    }

    /// How many clips were begun.
    pub(crate) fn begun(&self) -> usize {
        fs::read_to_string(self.0.join("begun")).unwrap_or_default().lines().count()
    }
}

/// The worker that `program` starts, with more settings.
pub(crate) fn worker(town: &Town, gate: &Gate, program: &str, drain: Duration, more: &[(&str, &str)]) -> Program {
    let settings = [("PATH", gate.path()), ("LANGFLIX__PROCESSING__MAX_CONCURRENT_JOBS", AT_ONCE.to_string())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    town.start(program, drain, &[&settings[..], more].concat())
}

/// A worker in the midst of as many clips as it takes; the others wait for a worker.
async fn at_work(town: &Town, gate: &Gate, drain: Duration) -> (Program, RunId) {
    town.declare().await;
    tokio::spawn(langflix_dispatcher::dispatch(town.service("dispatcher"), town.servers().ports()));
    let (analyst, ports) = (town.service("analysis-worker"), town.servers().ports());
    tokio::spawn(langflix_analysis_worker::analyse(analyst, ports, Arc::new(model())));
    let worker = worker(town, gate, PROGRAM, drain, &[]);
    worker.readiness_is(200).await;
    let run = town.submit(&asked(town).await).await;
    until("clips are begun", async || gate.begun() == AT_ONCE).await;
    let queue = town.servers().queue;
    let left = (CLIPS - AT_ONCE) as u32;
    until("the others wait", async || queue.counts().await.unwrap()["encoding.bulk.v1"].ready == left).await;
    assert_eq!(worker.running().await, AT_ONCE);
    (worker, run)
}

async fn recorded(town: &Town, run: &RunId) -> BTreeMap<String, EncodedClip> {
    let store = town.servers().store;
    let outcomes = outcomes::<EncodedClip>(store.as_ref(), run, Stage::Encoding).await.unwrap();
    outcomes.into_iter().map(|(task, recorded)| (task.to_string(), recorded.result().unwrap().clone())).collect()
}

/// The clips that a worker tells of at `/metrics`, counted as deploy/capacity.md does.
async fn counted(worker: &Program) -> usize {
    let (_, metrics) = worker.get("/metrics").await.unwrap();
    let lines = metrics.as_str().unwrap().lines().filter(|line| {
        line.starts_with("langflix_tasks_total") && line.contains("\"encoding.") && line.contains("end=\"done\"")
    });
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

/// Has another worker do the rest, and holds that each clip is recorded once, and is the one that is stored.
async fn another_finishes(town: &Town, gate: &Gate, run: &RunId) {
    let done = recorded(town, run).await.len();
    let mut other = worker(town, gate, PROGRAM, Duration::from_secs(20), &[]);
    assert_eq!(town.completes(run).await.clips.len(), CLIPS);
    town.is_empty().await;
    // A message comes again where its acknowledgement was lost, and is done again without any work.
    until("all clips are counted", async || counted(&other).await >= CLIPS - done).await;
    let (recorded, store) = (recorded(town, run).await, town.servers().store);
    assert_eq!(recorded.len(), CLIPS);
    for (task, clip) in recorded {
        for (name, blob) in clip.blobs {
            let stored = store.get(&format!("clips/{task}/{name}")).await.unwrap().unwrap();
            assert_eq!((Digest::of_bytes(&stored), stored.len() as u64), (blob.sha256, blob.bytes), "{name} of {task}");
        }
    }
    let told = other.is_told_to_rest();
    other.ends(told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_worker_that_is_told_to_end_finishes_its_clips_and_takes_no_others() {
    let town = Town::new().await;
    let gate = Gate::before_ffmpeg(&town);
    let (mut worker, run) = at_work(&town, &gate, Duration::from_secs(30)).await;
    let told = worker.is_told_to_end().await;
    assert_eq!(worker.running().await, AT_ONCE);
    gate.open();
    worker.ends(told).await;
    assert_eq!(
        (gate.begun(), recorded(&town, &run).await.len()),
        (AT_ONCE, AT_ONCE),
        "what was begun is done, and no more"
    );
    another_finishes(&town, &gate, &run).await;
    assert_eq!(gate.begun(), CLIPS, "no clip is encoded twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_worker_that_may_not_wait_hands_its_clips_back_in_the_midst() {
    let town = Town::new().await;
    let gate = Gate::before_ffmpeg(&town);
    let (mut worker, run) = at_work(&town, &gate, Duration::from_secs(2)).await;
    let told = worker.is_told_to_end().await;
    worker.ends(told).await;
    assert_eq!((gate.begun(), recorded(&town, &run).await.len()), (AT_ONCE, 0));
    gate.open();
    another_finishes(&town, &gate, &run).await;
    assert_eq!(gate.begun(), AT_ONCE + CLIPS, "what was handed back is begun anew");
}
