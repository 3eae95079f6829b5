//! What a worker does where memory or disk run short: real limits of the kernel.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use langflix_domain::RunId;

use crate::{
    PROGRAM,
    drain::{AT_ONCE, CLIPS, Gate, asked, worker},
    episode::model,
    program::{Program, Town, until},
    small::Small,
};

pub(crate) const DRAIN: Duration = Duration::from_secs(30);

/// A cgroup, whose processes are ended with it.
struct Group(PathBuf);

impl Group {
    /// One of so many MiB of memory; `None` where none can be made.
    fn of(mebibytes: u64) -> Option<Self> {
        let limits = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        limits.into_iter().find_map(|(root, limit)| {
            let group = Self(Path::new(root).join(format!("langflix-test-{}", std::process::id())));
            fs::create_dir(&group.0).ok()?;
            // Of version 1 the folder would take any file, if it were no cgroup.
            fs::write(group.0.join(limit), (mebibytes << 20).to_string()).ok()?;
            group.0.join("cgroup.procs").exists().then_some(group)
        })
    }

    /// A script that runs `program` in it.
    fn script(&self, dir: &Path, program: &str) -> String {
        let script = dir.join("in-group");
        let join = self.0.join("cgroup.procs");
        fs::write(&script, format!("#!/bin/sh\necho $$ >'{}'\nexec {program} \"$@\"\n", join.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script.to_str().unwrap().to_owned()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Children of a program that was killed are left; all take a moment to go.
        let _left = (0..100).find(|_| {
            for process in fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default().lines() {
                let _gone = Command::new("kill").args(["-9", process]).status();
            }
            std::thread::sleep(Duration::from_millis(20));
            fs::remove_dir(&self.0).is_ok()
        });
    }
}

/// A process that holds memory.
struct Hog(Child);

impl Hog {
    fn of(megabytes: u64, group: &Group, dir: &Path) -> Self {
        let holds =
            format!("x = bytearray(b'1') * {megabytes}_000_000\nprint(flush=True)\nimport time\ntime.sleep(999)");
        let mut command = Command::new(group.script(dir, "python3"));
        let mut child = command.args(["-c", &holds]).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Self(child)
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// All but the encoding workers work, and a run waits for these.
pub(crate) async fn waiting(town: &Town) -> RunId {
    town.declare().await;
    tokio::spawn(langflix_dispatcher::dispatch(town.service("dispatcher"), town.servers().ports()));
    let (analyst, ports) = (town.service("analysis-worker"), town.servers().ports());
    tokio::spawn(langflix_analysis_worker::analyse(analyst, ports, Arc::new(model())));
    let run = town.submit(&asked(town).await).await;
    wait(town, CLIPS).await;
    run
}

async fn wait(town: &Town, clips: usize) {
    let queue = town.servers().queue;
    until(&format!("{clips} clips wait"), async || {
        queue.counts().await.unwrap()["encoding.bulk.v1"].ready as usize == clips
    })
    .await;
}

/// Waits until a worker says why it takes nothing, and holds that it has nothing in hand.
async fn says(worker: &Program, what: &str, why: &str) {
    worker.is_closed("clips", what, why).await;
    assert_eq!(worker.running().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_memory_is_all_but_used_leaves_clips_to_others_until_there_is_some_again() {
    let Some(group) = Group::of(1000) else {
        eprintln!("SKIPPED: no cgroup with a limit can be made here");
        return;
    };
    let town = Town::new().await;
    let (gate, scripts) = (Gate::before_ffmpeg(&town), tempfile::tempdir().unwrap());
    let run = waiting(&town).await;
    let hog = Hog::of(860, &group, scripts.path());
    let mut pressed = worker(&town, &gate, &group.script(scripts.path(), PROGRAM), DRAIN, &[]);
    says(&pressed, "memory", "of 1,048 MB are used; no new task is taken above 80 %").await;
    wait(&town, CLIPS).await;
    let mut other = worker(&town, &gate, PROGRAM, DRAIN, &[]);
    until("the other one works", async || gate.begun() == AT_ONCE).await;
    wait(&town, CLIPS - AT_ONCE).await;
    says(&pressed, "memory", "above 80 %").await;
    drop(hog);
    pressed.readiness_is(200).await;
    until("it works again", async || pressed.running().await > 0).await;
    gate.open();
    assert_eq!(town.completes(&run).await.clips.len(), CLIPS);
    for worker in [&mut pressed, &mut other] {
        let told = worker.is_told_to_rest();
        worker.ends(told).await;
    }
    assert_eq!(gate.begun(), CLIPS, "no clip is encoded twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_room_for_a_clip_lets_go_of_copies_first_and_then_takes_none() {
    let Some(small) = Small::mount(300) else {
        eprintln!("SKIPPED: only root may mount a small file system");
        return;
    };
    let town = Town::new().await;
    let gate = Gate::before_ffmpeg(&town);
    gate.open();
    let copy = small.fill(&format!("part-0/copies/{}", "a".repeat(64)), 200);
    let others = small.fill("others", 90);
    town.declare().await;
    let scratch = ("LANGFLIX__FLEET__SCRATCH_DIR", small.path().to_str().unwrap());
    let mut worker = worker(&town, &gate, PROGRAM, DRAIN, &[scratch]);
    worker.readiness_is(200).await;
    until("a copy that nobody holds is let go of", async || !copy.exists()).await;
    let more = small.fill("more", 180);
    says(&worker, "scratch", "MB are free, and a clip may take 67; no new clip is taken").await;
    let run = waiting(&town).await;
    says(&worker, "scratch", "fleet.scratch_dir: ").await;
    assert_eq!(gate.begun(), 0);
    fs::remove_file(more).unwrap();
    assert_eq!(town.completes(&run).await.clips.len(), CLIPS);
    worker.readiness_is(200).await;
    let told = worker.is_told_to_rest();
    worker.ends(told).await;
    assert!(others.exists());
}
