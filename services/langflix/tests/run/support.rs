//! The sample, the program, and what it left.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Keeps the clips of a test few and quick.
pub(crate) const QUICK: [&str; 4] = ["--quality", "fast", "--max-expressions", "2"];

/// The season folder of the sample, three episodes, built by the first test that asks for it.
pub(crate) fn season() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample");
    fs::create_dir_all(&home).unwrap();
    let lock = File::create(home.join(".lock")).unwrap();
    lock.lock().unwrap();
    let recipe = [format!("{ROOT}/scripts/sample"), format!("{ROOT}/scripts/sample.d/dialogue.tsv")];
    let recipe: Vec<u8> = recipe.iter().flat_map(|path| fs::read(path).unwrap()).collect();
    if fs::read(home.join("recipe")).ok().as_ref() != Some(&recipe) {
        let built = Command::new(format!("{ROOT}/scripts/sample")).arg(&home).args(["--episodes", "3"]).output();
        let built = built.unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        fs::write(home.join("recipe"), recipe).unwrap();
    }
    home.join("The Long Way Home/S01")
}

/// The first episode's video; its subtitles lie beside it.
pub(crate) fn episode() -> PathBuf {
    season().join("The.Long.Way.Home.S01E01.mkv")
}

/// The program with nothing of this process's environment but the way to ffmpeg.
pub(crate) fn langflix<I: IntoIterator>(args: I) -> Command
where
    I::Item: AsRef<std::ffi::OsStr>,
{
    let mut command = Command::new(env!("CARGO_BIN_EXE_langflix"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(args);
    command
}

/// `langflix run VIDEO --language ko --out OUT` and no more expressions than a test needs.
pub(crate) fn run(video: &Path, out: &Path) -> Command {
    let mut command = langflix(["run"]);
    command.arg(video).args(["--language", "ko", "--out"]).arg(out).args(QUICK);
    command
}

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn said(command: &mut Command) -> Said {
    command.output().unwrap().into()
}

/// Runs it to a complete end.
pub(crate) fn complete(command: &mut Command) -> Said {
    let said = said(command);
    assert_eq!(said.code, Some(0), "{said:#?}");
    said
}

/// The one line that says what is wrong.
pub(crate) fn complaint(said: &Said) -> &str {
    let errors: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert_eq!(errors.len(), 1, "{}", said.err);
    errors[0]
}

/// Where the first episode's results lie.
pub(crate) fn results(out: &Path) -> PathBuf {
    out.join("The Long Way Home/S01E01")
}

pub(crate) fn manifest(out: &Path) -> Value {
    manifest_of(&results(out))
}

/// The manifest of the episode whose results lie in `folder`.
pub(crate) fn manifest_of(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// The part of a manifest that equal runs have in common.
pub(crate) fn lasting(mut manifest: Value) -> Value {
    let timing = manifest.as_object_mut().unwrap().remove("timing");
    assert!(timing.is_some_and(|timing| timing["finished_at"].is_string()));
    manifest
}

/// All files below `dir` but the hidden ones, relative to it, sorted.
pub(crate) fn files(dir: &Path) -> Vec<String> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(dir, dir, &mut found);
    found.sort();
    found
}

/// The path of a program on this machine.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()).unwrap()
}

/// A folder for `PATH` with the real ffprobe, and for ffmpeg a shell script whose `$real` is the real one.
pub(crate) fn tools(dir: &Path, ffmpeg: &str) -> PathBuf {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(program("ffprobe"), bin.join("ffprobe")).unwrap();
    let script = format!("#!/bin/sh\nreal='{}'\n{ffmpeg}\n", program("ffmpeg").display());
    fs::write(bin.join("ffmpeg"), script).unwrap();
    fs::set_permissions(bin.join("ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    bin
}
