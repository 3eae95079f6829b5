//! What a user sees while it is measured, and at the end.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use langflix_domain::{Prices, VideoCodec};
use serde_json::{Value, json};

use super::{
    advice::{Advice, figure},
    measure::{Measured, Unmeasured},
    provider::{Asking, Level},
    trials::Trial,
};
use crate::{counted, say};

/// What a trial showed.
pub(super) type Result = std::result::Result<Measured, Unmeasured>;

/// Tells of each step: a bar on a terminal, lines elsewhere, JSON for programs.
pub(super) struct Told {
    json: bool,
    bar: Option<ProgressBar>,
}

/// What is about to be done.
pub(super) struct Plan<'a> {
    pub(super) usable: &'a [VideoCodec],
    pub(super) source: &'a str,
    pub(super) size: (u32, u32),
    /// Frames a second.
    pub(super) rate: f64,
    pub(super) clip: Duration,
    pub(super) steps: usize,
    /// How long it takes, about and at most.
    pub(super) about: Duration,
    pub(super) at_most: Duration,
}

impl Told {
    pub(super) fn new(json: bool) -> Self {
        let bar = (!json && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(1);
            let template = "{wide_msg} {bar:24} {elapsed:>4}";
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { json, bar }
    }

    pub(super) fn unusable(&self, codec: VideoCodec, why: &str) {
        self.event(&json!({ "event": "encoder_unusable", "encoder": codec, "error": why }));
    }

    pub(super) fn usable(&self, usable: &[VideoCodec]) {
        let encoders: Vec<&str> = usable.iter().map(|codec| codec.as_str()).collect();
        self.line(&format!("Encoders that work here: {}.", encoders.join(", ")));
    }

    pub(super) fn begins(&self, plan: &Plan<'_>) {
        if let Some(bar) = &self.bar {
            bar.set_length(plan.steps as u64);
        }
        let ((width, height), rate) = (plan.size, short(plan.rate));
        let clip = short(plan.clip.as_secs_f64());
        self.line(&format!("Source: {}, {width}x{height}, {rate} frames a second; clips of {clip} s.", plan.source));
        let (about, at_most) = (spoken(plan.about), spoken(plan.at_most));
        self.line(&format!("This takes about {about} where nothing else runs, at most {at_most}."));
        self.event(&json!({
            "event": "bench_begins", "encoders": plan.usable, "source": plan.source, "width": width, "height": height,
            "frames_per_second": plan.rate, "clip_seconds": plan.clip.as_secs_f64(),
            "about_seconds": plan.about.as_secs(), "at_most_seconds": plan.at_most.as_secs(),
        }));
    }

    /// What is being done just now.
    pub(super) fn doing(&self, what: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(what);
        }
    }

    pub(super) fn measured(&self, trial: &Trial, rate: f64, result: &Result) {
        self.step();
        if self.bar.is_none() {
            self.line(&match result {
                Ok(measured) => format!("{}: {} clips/s", title(trial), figure(measured.clips_a_second())),
                Err(why) => format!("{}: {}", title(trial), reason(why)),
            });
        }
        self.event(&as_json(trial, rate, result));
    }

    pub(super) fn asked(&self, asking: &Asking, prices: Option<&Prices>) {
        for level in &asking.levels {
            self.step();
            self.event(&level_as_json(&asking.model, level, prices));
        }
    }

    pub(super) fn advice(&self, advice: &Advice) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let settings = advice.settings.iter().map(|setting| {
            json!({ "key": format!("{}.{}", setting.section, setting.key), "value": setting.value, "why": setting.why })
        });
        self.event(&json!({
            "event": "advice", "settings": settings.collect::<Vec<_>>(), "notes": advice.notes, "yaml": advice.yaml(),
        }));
    }

    fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Beside the results, and not among them.
    pub(super) fn line(&self, line: &str) {
        match &self.bar {
            _ if self.json => {}
            Some(bar) => bar.suspend(|| say::err!("{line}")),
            None => say::err!("{line}"),
        }
    }

    fn event(&self, event: &Value) {
        if self.json {
            let _gone = say::out!("{event}");
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `libx264 fast/23, 2 at once`.
pub(super) fn title(trial: &Trial) -> String {
    let encode = &trial.encode;
    format!("{} {}/{}, {} at once", encode.codec.as_str(), encode.preset, encode.crf, trial.slots)
}

pub(super) fn reason(why: &Unmeasured) -> &str {
    match why {
        Unmeasured::TooSlow => "no clip was done in time",
        Unmeasured::Failed(why) => why,
    }
}

/// What would be set, and why.
pub(super) fn advice(advice: &Advice) -> String {
    let yaml = advice.yaml();
    let head = match yaml.is_empty() {
        true => format!("Nothing is to be set: {}.\n", advice.defaults_stay()),
        false => format!("For langflix.yaml:\n\n{yaml}"),
    };
    let notes: String = advice.notes.iter().map(|note| format!("\n- {note}")).collect();
    format!("{head}{notes}")
}

fn as_json(trial: &Trial, rate: f64, result: &Result) -> Value {
    let encode = &trial.encode;
    let measured = result.as_ref().ok();
    json!({
        "event": "encoded", "encoder": encode.codec, "preset": encode.preset, "crf": encode.crf, "at_once": trial.slots,
        "threads": encode.threads,
        "clips": measured.map(|measured| measured.clips),
        "seconds": measured.map(|measured| measured.took.as_secs_f64()),
        "clips_per_second": measured.map(Measured::clips_a_second),
        "encoded_seconds_per_second": measured.map(Measured::speed),
        "frames_per_second": measured.map(|measured| measured.speed() * rate),
        "cpu_seconds_per_clip": measured.and_then(Measured::cpu_a_clip),
        "peak_memory_bytes": measured.and_then(|measured| measured.peak),
        "bytes_per_minute": measured.map(Measured::bytes_a_minute),
        "error": result.as_ref().err().map(reason),
    })
}

fn level_as_json(model: &str, level: &Level, prices: Option<&Prices>) -> Value {
    let seconds = |percent| level.latency(percent).map(|took| took.as_secs_f64());
    let errors: Value = level.errors.iter().map(|(kind, (count, _))| ((*kind).to_owned(), json!(count))).collect();
    json!({
        "event": "asked", "model": model, "at_once": level.at_once, "chunks": level.answers.len(),
        "seconds": level.took.as_secs_f64(), "chunks_per_second": level.rate(),
        "p50_seconds": seconds(50), "p95_seconds": seconds(95),
        "input_tokens": level.usage.input_tokens, "output_tokens": level.usage.output_tokens,
        "cost": prices.map(|prices| prices.amount(level.usage)), "currency": prices.map(|prices| &prices.currency),
        "errors": errors, "unanswered": level.unanswered,
    })
}

/// `24`, `23.98`.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `40 s`, `1 min 20 s`.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// What is said of a provider that is not asked.
pub(super) fn not_asked(model: &str, chunks: usize) -> String {
    let many = counted(chunks, "chunk");
    format!("{model} was not asked, since that may cost money: --ask-provider asks it about {many} of a bundled text.")
}
