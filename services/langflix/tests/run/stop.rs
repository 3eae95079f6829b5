//! Ctrl-C.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use tempfile::tempdir;

use crate::{
    resume::{outcomes, wait_until},
    support::{complete, episode, files, manifest, results, run, tools},
};

/// Processes that work in a folder below `dir`.
fn working_in(dir: &Path) -> Vec<String> {
    let dir = fs::canonicalize(dir).unwrap();
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let there =
        |process: &std::path::PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&dir));
    processes.filter(there).map(|process| process.display().to_string()).collect()
}

#[test]
fn ctrl_c_stops_within_a_second_kills_every_child_and_leaves_nothing_half_written() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    let hang = tools(dir.path(), "case \"$*\" in *'-y clip.mp4'*) exec sleep 60;; esac\nexec \"$real\" \"$@\"");
    let path = std::env::join_paths([hang, "/usr/bin".into(), "/bin".into()]).unwrap();
    let mut command = run(&episode(), &out);
    let child = command.env("PATH", path).arg("--json").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    wait_until("a clip is being encoded", || {
        let commands = working_in(dir.path()).into_iter().map(|process| fs::read(format!("{process}/cmdline")));
        outcomes(&out, "analysis") > 0 && commands.flatten().any(|line| line.starts_with(b"sleep"))
    });
    let began = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let code = child.wait().unwrap().code();
    let took = began.elapsed();
    assert!(took.as_millis() < 1000, "{took:?}");
    assert_eq!(code, Some(130));
    let told = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert_eq!(told.lines().last(), Some(r#"{"event":"stopped"}"#));
    assert_eq!(working_in(dir.path()), Vec::<String>::new());
    assert_eq!(files(&out), Vec::<String>::new(), "nothing is delivered");
    assert_eq!(files(&out.join(".langflix/store")).iter().filter(|path| path.starts_with("clips/")).count(), 0);
    complete(&mut run(&episode(), &out));
    assert_eq!(manifest(&out)["completeness"]["clips_ok"], 2);
    assert!(files(&results(&out)).contains(&"index.html".to_owned()));
    assert_eq!(fs::read_dir(out.join(".langflix/scratch")).unwrap().count(), 0);
}
