//! Killed at any moment, the same command goes on.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::tempdir;

use crate::{
    support::{complaint, complete, episode, lasting, manifest, run, said, tools},
    teacher::Teacher,
};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many outcomes of a stage are recorded below `out`.
pub(crate) fn outcomes(out: &Path, stage: &str) -> usize {
    let Ok(runs) = fs::read_dir(out.join(".langflix/store/runs")) else { return 0 };
    let of = |run: fs::DirEntry| fs::read_dir(run.path().join(stage).join("outcomes")).map_or(0, Iterator::count);
    runs.map(|run| of(run.unwrap())).sum()
}

#[test]
fn killed_in_the_analysis_no_answer_is_asked_for_twice() {
    let (dir, undisturbed) = (tempdir().unwrap(), tempdir().unwrap());
    // The last line's chunk takes so long that the others are answered before.
    let slow = Teacher::slow_on("keep an eye on the clock", PATIENCE);
    let mut child = start(run(&episode(), dir.path()).args(slow.arguments()));
    let others = || outcomes(dir.path(), "analysis");
    wait_until("a chunk has its outcome", || others() > 0 && slow.requests() > others());
    child.kill().unwrap();
    child.wait().unwrap();
    let (answered, open) = (others(), slow.requests() - others());
    slow.hurry();
    complete(run(&episode(), dir.path()).args(slow.arguments()));
    let asked = slow.asked();
    let again = asked.values().filter(|&&times| times > 1).count();
    assert!(answered >= 1 && again <= open && open <= 2, "{again} asked again, {open} open, {answered} answered");
    complete(run(&episode(), undisturbed.path()).args(slow.arguments()));
    assert!(slow.asked().iter().all(|(prompt, &times)| times == asked[prompt] + 1), "each is asked once elsewhere");
    assert_eq!(lasting(manifest(dir.path())), lasting(manifest(undisturbed.path())));
}

#[test]
fn killed_while_encoding_no_clip_is_encoded_twice() {
    let (dir, undisturbed) = (tempdir().unwrap(), tempdir().unwrap());
    let log = dir.path().join("encoded");
    // All clips but one hang in the first round, so that the kill finds one done and one begun.
    let script = format!(
        "case \"$*\" in *'-y clip.mp4'*) echo clip >>'{0}'; mkdir '{0}.one' 2>/dev/null || [ -e '{0}.go' ] || exec sleep 60;; esac\n\
         exec \"$real\" \"$@\"",
        log.display()
    );
    let path = std::env::join_paths([tools(dir.path(), &script), "/usr/bin".into(), "/bin".into()]).unwrap();
    let out = dir.path().join("out");
    let mut child = start(run(&episode(), &out).env("PATH", &path));
    let begun = || fs::read_to_string(&log).unwrap_or_default().lines().count();
    wait_until("one clip is done and one begun", || outcomes(&out, "encoding") == 1 && begun() == 2);
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(dir.path().join("encoded.go"), "").unwrap();
    complete(run(&episode(), &out).env("PATH", &path));
    assert_eq!(begun(), 3, "the clip that was done is not encoded again, the one that was only begun is");
    complete(&mut run(&episode(), undisturbed.path()));
    assert_eq!(lasting(manifest(&out)), lasting(manifest(undisturbed.path())));
}

#[test]
fn what_failed_is_tried_again_by_the_same_command() {
    let (dir, teacher) = (tempdir().unwrap(), Teacher::babbling());
    let mut command = run(&episode(), dir.path());
    let failed = said(command.args(teacher.arguments()).arg("--dry-run"));
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(complaint(&failed).contains("no usable answer in 3 asks"), "{failed:?}");
    let chunks = manifest(dir.path())["completeness"]["chunks_failed"].as_u64().unwrap() as usize;
    assert_eq!(teacher.requests(), chunks * 3);
    teacher.come_to_senses();
    complete(&mut command);
    assert_eq!(teacher.requests(), chunks * 4);
    assert_eq!(manifest(dir.path())["completeness"]["chunks_failed"], 0);
}
