//! What a season looks like on a real terminal, and that the terminal is afterwards as it was.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use langflix_testkit::proxy::{Act, Http};
use serde_json::Value;
use tempfile::tempdir;

use crate::{
    by_hand,
    servers::Fleet,
    services::{Service, until},
    support::{episode, season},
};

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// A program on a terminal of its own, by `script` of util-linux.
struct Terminal {
    child: Child,
    shown: Arc<Mutex<String>>,
    reading: JoinHandle<()>,
}

impl Terminal {
    fn start(fleet: &Fleet, args: &[&str], (columns, rows): (u16, u16)) -> Self {
        let program = fleet.langflix(args);
        let words = [program.get_program()].into_iter().chain(program.get_args());
        let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let line = format!("stty cols {columns} rows {rows}; exec {}", quoted.join(" "));
        let mut command = Command::new("script");
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh").current_dir(env!("CARGO_TARGET_TMPDIR"));
        command.args(["-qefc", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut out, shown) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(String::new())));
        let reading = std::thread::spawn({
            let shown = Arc::clone(&shown);
            move || {
                let (mut buffer, mut bytes) = ([0; 4096], Vec::new());
                while let Ok(count @ 1..) = out.read(&mut buffer) {
                    bytes.extend_from_slice(&buffer[..count]);
                    *shown.lock().unwrap() = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
        });
        Self { child, shown, reading }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    async fn shows(&self, text: &str) {
        until(async || self.shown().contains(text), || format!("{text:?} is not in {:?}", self.shown())).await;
    }

    fn types(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// How it ended, and all that was shown.
    fn stopped(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        self.reading.join().unwrap();
        (code, self.shown.lock().unwrap().clone())
    }

    /// How it ended, what was drawn on its own screen, frame by frame, and what stands on the terminal behind it.
    fn end(self) -> (Option<i32>, Vec<String>, String) {
        let (code, shown) = self.stopped();
        let (_, screen) = shown.split_once(ENTER).unwrap_or_else(|| panic!("never drawn: {shown:?}"));
        let (screen, behind) = screen.rsplit_once(LEAVE).unwrap_or_else(|| panic!("never left: {shown:?}"));
        let frames = screen.split("\x1b[H").skip(1).map(|frame| frame.replace("\x1b[K", "").replace("\x1b[J", ""));
        (code, frames.collect(), behind.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_season_sees_it_and_has_the_terminal_back() {
    let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
    let services =
        ["dispatcher", "analysis-worker", "encoding-worker"].map(|name| Service::start(&fleet, name, dir.path()));
    let path = season();
    let args = ["ingest", path.to_str().unwrap(), "--language", "ko", "--max-expressions", "1", "--wait"];
    let terminal = Terminal::start(&fleet, &args, (100, 30));
    let (code, frames, behind) = tokio::task::spawn_blocking(|| terminal.end()).await.unwrap();
    assert_eq!(code, Some(0), "{frames:#?} {behind}");
    let first = frames.first().unwrap();
    assert!(first.contains("The Long Way Home S01") && first.contains("  3 episodes: "), "{first}");
    let last = frames.last().unwrap();
    assert!(last.contains("3 complete") && last.contains("nothing under way") && last.contains("3/3 clips"), "{last}");
    for frame in &frames {
        assert!(frame.lines().count() <= 30, "{frame}");
    }
    assert!(!behind.contains('\x1b'), "{behind:?}");
    // Each episode, and what the lexicon has to say.
    let lines: Vec<&str> = behind.lines().filter(|line| !line.starts_with("  ")).collect();
    assert_eq!(lines.len(), 3, "{behind:?}");
    for (line, code) in lines.iter().zip(["S01E01", "S01E02", "S01E03"]) {
        assert!(line.contains(code) && line.contains(": complete, 1 expression, 1 clip: langflix fetch "), "{line:?}");
    }
    for service in services {
        service.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_episodes_are_uploaded_at_a_time_each_with_its_bar() {
    let mut fleet = Fleet::new().await;
    let http = Http::before(&fleet.s3.endpoint);
    fleet.s3.endpoint.clone_from(&http.url);
    // None is answered before the others have begun.
    http.next(3, "PUT", "/sources/", Act::Stall);
    let path = season();
    let mut terminal = Terminal::start(&fleet, &["ingest", path.to_str().unwrap(), "--language", "ko"], (100, 30));
    until(async || http.left() == 0, || format!("{:?}", http.requests())).await;
    let requests = http.requests();
    let sent: BTreeSet<&String> =
        requests.iter().filter(|sent| sent.starts_with("PUT") && sent.contains("/sources/")).collect();
    assert_eq!(sent.len(), 3, "{sent:?}");
    for code in ["S01E01", "S01E02", "S01E03"] {
        terminal.shows(&format!("{code}  uploading")).await;
    }
    terminal.types("\x03");
    let (code, shown) = tokio::task::spawn_blocking(|| terminal.stopped()).await.unwrap();
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("the same command again goes on from here"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_watching_has_the_terminal_back() {
    let fleet = Fleet::new().await;
    fleet.ingest(&season(), &["--dry-run"]);
    let mut terminal = Terminal::start(&fleet, &["status", "--watch"], (44, 12));
    terminal.shows("3 episodes: 3 open").await;
    terminal.types("\x03");
    let (code, frames, behind) = tokio::task::spawn_blocking(|| terminal.end()).await.unwrap();
    assert_eq!((code, behind.as_str()), (Some(130), ""));
    for line in frames.iter().flat_map(|frame| frame.lines()) {
        let mut parts = line.trim_end_matches('\r').split('\x1b');
        let plain = parts.next().unwrap_or_default().to_owned();
        let plain = parts.fold(plain, |plain, part| plain + part.split_once('m').map_or(part, |(_, text)| text));
        assert!(plain.chars().count() <= 44, "{plain:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_a_line_tells_what_was_done_and_programs_get_an_object() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &[]);
    let run = by_hand::submitted(&fleet).await.remove(0);
    let watch = |args: &[&str]| {
        let mut child =
            fleet.langflix(&[&["status", "--watch"], args].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let text = Arc::new(Mutex::new(String::new()));
        let reading = std::thread::spawn({
            let text = Arc::clone(&text);
            move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = out.read(&mut buffer) {
                    *text.lock().unwrap() += std::str::from_utf8(&buffer[..count]).unwrap();
                }
            }
        });
        (child, text, reading)
    };
    let mut watching = [watch(&[]), watch(&["--json"])];
    let said = |at: usize| watching[at].1.lock().unwrap().clone();
    until(async || said(0).contains('\n') && said(1).contains('\n'), || said(0) + &said(1)).await;
    by_hand::finish(&fleet, &run, &episode()).await;
    until(async || said(0).contains(": 1/1 ended") && said(1).contains("complete"), || said(0) + &said(1)).await;
    let (lines, objects) = (said(0), said(1));
    for (child, _, _) in &mut watching {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(lines.starts_with("The Long Way Home S01: 0/1 ended, chunks 0/0+, clips 0/0+\n"), "{lines}");
    assert!(lines.lines().count() <= 4 && !lines.contains('\x1b'), "{lines}");
    let objects: Vec<Value> = objects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(objects.windows(2).all(|pair| pair[0] != pair[1]), "{objects:#?}");
    assert_eq!(objects[0]["runs"][0]["phase"], "waiting");
    assert_eq!(objects.last().unwrap()["runs"][0]["status"], "complete");
    for (_, _, reading) in watching {
        reading.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_ends_when_nobody_reads_any_more() {
    let fleet = Fleet::new().await;
    for args in [&["status", "--watch"][..], &["status", "--watch", "--json"]] {
        let mut child = fleet.langflix(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        drop(out);
        // Something new, so that something is to be said.
        fleet.ingest(&episode(), &["--max-expressions", if args.len() > 2 { "2" } else { "3" }]);
        until(async || child.try_wait().unwrap().is_some(), || "it still watches".to_owned()).await;
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
