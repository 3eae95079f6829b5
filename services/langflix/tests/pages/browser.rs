//! A headless Chromium, driven through its debugging pipe.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::{Value, json};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Longer than a loaded machine needs for any one answer; a browser that is silent for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that every packaging of Chromium may read: some see a `/tmp` of their own.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Whether a program is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Ubuntu's `chromium-browser` is a script that only asks for a snap where that is not installed.
fn starts(program: &PathBuf) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// A running browser with one page.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<Value>,
    last: u64,
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the installed browser; `None`, with a message, where there is none.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = NAMES.iter().filter_map(|name| find(name)).find(starts) else {
            eprintln!("skipped: no Chromium on this machine");
            return None;
        };
        let profile = folder();
        let mut child = command(&program, profile.path()).spawn().unwrap();
        let commands = child.stdin.take().unwrap();
        let (sender, messages) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                // The other side is gone once the test has ended.
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self { child, commands, messages, session: None, last: 0, events: vec![], _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].take();
        let attach = json!({ "targetId": target, "flatten": true });
        browser.session = Some(browser.call("Target.attachToTarget", attach)["sessionId"].take());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks for one thing and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = session.clone();
        }
        self.commands.write_all(command.to_string().as_bytes()).unwrap();
        self.commands.write_all(&[0]).unwrap();
        let last = self.last;
        let mut answer = self.wait(|message| message["id"] == last);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].take()
    }

    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("the browser answers");
            if wanted(&message) {
                return message;
            }
            self.events.push(message);
        }
    }

    /// A window of this size, in this colour scheme.
    pub(crate) fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Opens a file and waits until it and its images are loaded.
    pub(crate) fn open(&mut self, file: &Path) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        if !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.wait(|message| message["method"] == "Page.loadEventFired");
        }
    }

    /// The value of an expression in the page; a promise is waited for. Counts as done by the user's hand.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// What the browser complained about since the page was opened: blocked by its policy, not found, thrown.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
        let complaint = |event: &&Value| {
            matches!(
                event["method"].as_str(),
                Some("Log.entryAdded" | "Runtime.exceptionThrown" | "Runtime.consoleAPICalled")
            )
        };
        self.events.iter().filter(complaint).map(|event| event["params"].to_string()).collect()
    }

    /// The addresses asked for since the page was opened.
    pub(crate) fn requests(&self) -> Vec<String> {
        let url = |event: &Value| event["params"]["request"]["url"].as_str().map(str::to_owned);
        self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent").filter_map(url).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Killed and not asked to close: nothing of the profile is kept.
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// The browser reads commands from descriptor 3 and writes to 4, which `Command` cannot set up; a shell can.
fn command(program: &Path, profile: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1", "sh"])
        .arg(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--mute-audio"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"])
        .args(["--disable-dev-shm-usage", "--force-color-profile=srgb"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}
