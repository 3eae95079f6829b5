//! What a user sees while episodes are uploaded and submitted.

use std::{
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressStyle};
use langflix_domain::{EpisodeId, EpisodeStatus, RunId};
use langflix_pipeline::fleet::Submitted;
use langflix_runtime::telemetry::one_line;
use serde_json::json;

use crate::{cli::Output, run::report, say};

/// Between two lines of an upload where there is no bar.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Tells of uploads and submissions: bars on a terminal, lines elsewhere, JSON for programs.
pub(super) struct Told {
    output: Output,
    bars: Option<MultiProgress>,
}

/// Tells of one upload.
pub(super) struct Track<'a> {
    told: &'a Told,
    episode: String,
    state: Mutex<State>,
}

struct State {
    bar: Option<ProgressBar>,
    /// What is done with how many bytes.
    doing: &'static str,
    bytes: u64,
    last: Instant,
}

impl Told {
    pub(super) fn new(output: Output) -> Self {
        let bars = (output == Output::Text && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { output, bars }
    }

    pub(super) fn track(&self, episode: &EpisodeId) -> Track<'_> {
        let state = State { bar: None, doing: "", bytes: 0, last: Instant::now() };
        Track { told: self, episode: episode.to_string(), state: Mutex::new(state) }
    }

    pub(super) fn submitted(&self, episode: &EpisodeId, run: &RunId, submitted: Submitted) {
        let (state, lane, status) = match submitted {
            Submitted::New => ("new", None, None),
            Submitted::Underway(lane) => ("underway", Some(lane), None),
            Submitted::Ended(status) => ("ended", None, Some(status)),
        };
        self.event(&json!({
            "event": "submitted", "episode": episode.to_string(), "run": run, "state": state, "lane": lane,
            "status": status,
        }));
        self.say(&match submitted {
            Submitted::New => format!("{episode}: submitted as {run}"),
            Submitted::Underway(lane) => {
                format!("{episode}: already under way as {run}, in the lane {}", lane.as_str())
            }
            Submitted::Ended(EpisodeStatus::Complete) => format!("{episode}: already complete as {run}"),
            Submitted::Ended(status) => {
                let status = status.as_str();
                format!("{episode}: already ended {status} as {run}: `langflix retry {run}` does again what failed")
            }
        });
    }

    pub(super) fn failed(&self, episode: &EpisodeId, error: &anyhow::Error) {
        self.aside(|| report::failed(episode, error, self.output));
    }

    /// No more uploads come.
    pub(super) fn done(&self) {
        if let Some(bars) = &self.bars {
            let _not_drawn = bars.clear();
        }
    }

    fn say(&self, line: &str) {
        if self.output == Output::Text {
            self.aside(|| drop(say::out!("{line}")));
        }
    }

    fn event(&self, event: &serde_json::Value) {
        if self.output == Output::Json {
            let _unwritten = say::out!("{event}");
        }
    }

    /// Prints beside the bars.
    fn aside(&self, print: impl FnOnce()) {
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

impl Track<'_> {
    /// Something begins to be done with the file: `reading`, then `uploading`.
    pub(super) fn begins(&self, doing: &'static str, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.doing, state.bytes, state.last) = (doing, bytes, Instant::now());
        if let Some(bars) = &self.told.bars {
            let bar = state.bar.get_or_insert_with(|| added(bars));
            bar.set_length(bytes);
            bar.set_position(0);
            bar.reset_eta();
            bar.set_message(one_line(&format!("{}  {doing}", self.episode)).into_owned());
        }
    }

    /// So many bytes of the file are done with.
    pub(super) fn reached(&self, done: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &state.bar {
            bar.set_position(done);
            return;
        }
        if state.last.elapsed() < BETWEEN_LINES {
            return;
        }
        state.last = Instant::now();
        let (doing, bytes) = (state.doing, state.bytes);
        self.told.say(&format!("{}: {doing}, {} of {}", self.episode, DecimalBytes(done), DecimalBytes(bytes)));
        self.told.event(&json!({
            "event": "upload_progress", "episode": self.episode, "doing": doing, "done": done, "bytes": bytes,
        }));
    }

    /// The file is in the bucket; `sent` bytes of it were not there before.
    pub(super) fn uploaded(&self, sent: u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &state.bar {
            bar.finish_and_clear();
        }
        let bytes = state.bytes;
        self.told.say(&match sent {
            0 => format!("{}: {} are in the bucket already", self.episode, DecimalBytes(bytes)),
            sent if sent < bytes => {
                format!(
                    "{}: uploaded {} of {}, which were missing",
                    self.episode,
                    DecimalBytes(sent),
                    DecimalBytes(bytes)
                )
            }
            _ => format!("{}: uploaded {}", self.episode, DecimalBytes(bytes)),
        });
        self.told.event(&json!({ "event": "uploaded", "episode": self.episode, "bytes": bytes, "sent": sent }));
    }
}

impl Drop for Track<'_> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &state.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar among the others. It ticks only now: one that draws before it is among them leaves a line behind.
fn added(bars: &MultiProgress) -> ProgressBar {
    let bar = bars.add(ProgressBar::new(0));
    let template = "{wide_msg} {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12} {bar:16} {eta:>4}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
