//! Scripts for Node that drive the installed Chromium.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// The oldest Node whose test runner the scripts use.
const OLDEST_NODE: u32 = 18;
/// Longer than a loaded machine needs for any of the scripts.
const PATIENCE: Duration = Duration::from_secs(480);

#[tokio::test]
async fn numbers_and_texts_are_said_as_they_are_meant() {
    // Of both programs, that script takes only Node.
    let Some(browser) = Browser::find() else { return };
    browser.run("words.test.js", &[]).await;
}

/// What the scripts take.
pub(crate) struct Browser {
    node: PathBuf,
    chromium: PathBuf,
}

impl Browser {
    /// What is installed; `None`, with a message, where something is missing.
    pub(crate) fn find() -> Option<Self> {
        let Some(node) = find("node").filter(|node| is_young_enough(node)) else {
            eprintln!("skipped: no Node {OLDEST_NODE} or newer on this machine");
            return None;
        };
        let Some(chromium) = BROWSERS.iter().filter_map(|name| find(name)).find(|program| starts(program)) else {
            eprintln!("skipped: no Chromium on this machine");
            return None;
        };
        install();
        Some(Self { node, chromium })
    }

    /// Runs a script, told of `more`, and holds that all its tests pass.
    pub(crate) async fn run(&self, script: &str, more: &[(&str, &str)]) {
        let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
        fs::create_dir_all(&shots).unwrap();
        let mut command = tokio::process::Command::new(&self.node);
        command.arg(Path::new(HERE).join(script)).current_dir(HERE).stdin(Stdio::null()).kill_on_drop(true);
        command.env("CHROMIUM", &self.chromium).env("SHOTS", &shots).envs(more.iter().copied());
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.unwrap_or_else(|_| panic!("{script} does not end")).unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        println!("{said}");
    }
}

/// Whether a program is installed.
fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Ubuntu's `chromium-browser` is a script that only asks for a snap where that is not installed.
fn starts(program: &Path) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

fn is_young_enough(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST_NODE)
}

/// Fetches what the lock file names, unless an earlier test did.
fn install() {
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm.lock")).unwrap();
    lock.lock().unwrap();
    let wanted = fs::read(Path::new(HERE).join("package-lock.json")).unwrap();
    let kept = Path::new(HERE).join("node_modules/.wanted.json");
    if fs::read(&kept).ok().as_ref() == Some(&wanted) {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(HERE).stdin(Stdio::null());
    let output = npm.output().expect("npm is installed beside Node");
    assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
    fs::write(kept, wanted).unwrap();
}
