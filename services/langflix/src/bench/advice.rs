//! From measurements to settings: what would be set, and why.

use std::fmt::Write as _;

use langflix_domain::VideoCodec;
use langflix_media::Asked;

use super::{
    provider::{Asking, Level},
    trials::{Role, Trial},
};

/// Differences below this part are not told from noise, however quiet the machine.
const LEAST_MARGIN: f64 = 0.05;
/// A provider's answers vary more than a machine does.
const PROVIDER_MARGIN: f64 = 0.10;
/// Most that `llm.max_concurrent_requests` allows.
const MOST_REQUESTS: u32 = 64;

/// A trial and the clips a second that it made.
#[derive(Clone, Debug)]
pub(super) struct Rated {
    pub(super) trial: Trial,
    pub(super) rate: f64,
}

/// What is in the configuration now, as far as it matters here; 0 and `None` are the defaults.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Present {
    pub(super) asked: Asked,
    pub(super) chooses_encoder: bool,
    /// `llm.max_concurrent_requests`.
    pub(super) requests: u32,
    pub(super) default_requests: u32,
    pub(super) requests_per_minute: Option<u32>,
}

/// A key, its value, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) why: String,
}

/// What would be set, and what else the measurements say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) settings: Vec<Setting>,
    pub(super) notes: Vec<String>,
    /// Whether other work on this machine hides what is not much quicker.
    pub(super) is_busy: bool,
}

impl Advice {
    /// What the measurements support.
    pub(super) fn of(rated: &[Rated], asking: Option<&Asking>, present: Present) -> Self {
        let mut advice = Self::default();
        advice.encode(rated, present);
        if let Some(asking) = asking {
            advice.ask(asking, present);
        }
        advice
    }

    /// A fragment for `langflix.yaml`; empty where nothing is to be set.
    pub(super) fn yaml(&self) -> String {
        let (mut yaml, mut section) = (String::new(), "");
        for setting in &self.settings {
            if setting.section != section {
                section = setting.section;
                let _written = writeln!(yaml, "{section}:");
            }
            let _written = writeln!(yaml, "  # {}\n  {}: {}", setting.why, setting.key, setting.value);
        }
        yaml
    }

    fn encode(&mut self, rated: &[Rated], present: Present) {
        let of = |role: Role| rated.iter().filter(move |rated| rated.trial.role == role);
        let Some(default) = of(Role::Default).next() else { return };
        let again = of(Role::Again).next();
        let margin = margin(default.rate, again.map(|again| again.rate));
        self.is_busy = margin > 2.0 * LEAST_MARGIN;
        if self.is_busy {
            self.notes.push(format!(
                "the same settings measured twice differed by {:.0} %: this machine is busy with other work, and only larger differences count",
                margin * 100.0
            ));
        }
        let base = again.map_or(default.rate, |again| f64::midpoint(default.rate, again.rate));
        let (codec, base) = self.encoder(default.trial.encode.codec, base, of(Role::Encoder), margin, present);
        let tried = of(Role::AtOnce).filter(|rated| rated.trial.encode.codec == codec);
        let share = rated.iter().find(|rated| {
            rated.trial.encode.codec == codec && matches!(rated.trial.role, Role::Default | Role::Encoder)
        });
        if let Some(share) = share {
            self.at_once(&share.trial, base, tried.collect(), margin, present);
        }
        if !self.is_busy {
            self.quality(codec, base, of(Role::Quality));
        }
    }

    /// Which encoder is the quickest, and its rate.
    fn encoder<'a>(
        &mut self,
        automatic: VideoCodec,
        base: f64,
        others: impl Iterator<Item = &'a Rated>,
        margin: f64,
        present: Present,
    ) -> (VideoCodec, f64) {
        // HEVC is a matter of what plays the clips, not of speed.
        let h264 = others.filter(|rated| rated.trial.encode.codec != VideoCodec::HevcNvenc);
        let best = h264.max_by(|a, b| a.rate.total_cmp(&b.rate));
        if let Some(best) = best.filter(|best| best.rate > base * (1.0 + margin)) {
            let codec = best.trial.encode.codec;
            let (name, auto) = (codec.as_str(), automatic.as_str());
            let why = format!("{name}: {} clips/s, {auto}, which `auto` takes: {}", figure(best.rate), figure(base));
            self.set("video", "hardware_acceleration", hardware(codec).to_owned(), why);
            return (codec, best.rate);
        }
        if present.chooses_encoder {
            let auto = automatic.as_str();
            self.notes.push(format!(
                "video.codec and video.hardware_acceleration could be left out: {auto}, which `auto` takes, is as quick as any other here"
            ));
        }
        (automatic, base)
    }

    fn at_once(&mut self, share: &Trial, base: f64, tried: Vec<&Rated>, margin: f64, present: Present) {
        let mut rates: Vec<(String, f64)> = vec![(shared(share), base)];
        rates.extend(tried.iter().map(|rated| (shared(&rated.trial), rated.rate)));
        rates.sort_by(|a, b| b.1.total_cmp(&a.1));
        let why = rates.iter().map(|(shared, rate)| format!("{shared}: {}", figure(*rate))).collect::<Vec<_>>();
        let why = format!("{} clips/s", why.join(", "));
        let best = tried.into_iter().max_by(|a, b| a.rate.total_cmp(&b.rate));
        match best.filter(|best| best.rate > base * (1.0 + margin)) {
            Some(best) => {
                let Asked { slots, threads } = best.trial.asked;
                if threads > 0 {
                    self.set("video", "threads", threads.to_string(), why.clone());
                }
                if slots > 0 {
                    self.set("processing", "max_concurrent_jobs", slots.to_string(), why);
                }
            }
            None if present.asked == Asked::default() => {
                self.notes.push(format!("clips at once and threads: {}: {why}", self.defaults_stay()));
            }
            None => self.notes.push(format!(
                "processing.max_concurrent_jobs and video.threads could be left out: the defaults are as quick: {why}"
            )),
        }
    }

    /// What other qualities would cost is told; which one to take, no measurement tells.
    fn quality<'a>(&mut self, codec: VideoCodec, base: f64, others: impl Iterator<Item = &'a Rated>) {
        let of = others.filter(|rated| rated.trial.encode.codec == codec);
        let told = of.map(|rated| {
            let encode = &rated.trial.encode;
            format!("{}/{}: {:.2} times as quick", encode.preset, encode.crf, rated.rate / base)
        });
        let told = told.collect::<Vec<_>>().join(", ");
        if !told.is_empty() {
            self.notes.push(format!("video.quality is a matter of taste; against the present one {told}"));
        }
    }

    fn ask(&mut self, asking: &Asking, present: Present) {
        let Some(now) = asking.levels.iter().find(|level| level.at_once == present.requests) else { return };
        let clean = |level: &&Level| level.refused() == 0 && level.rate() > 0.0;
        let rates: Vec<String> = asking.levels.iter().map(told).collect();
        let why = format!("{} chunks/s", rates.join(", "));
        let best = asking.levels.iter().filter(clean).max_by(|a, b| a.rate().total_cmp(&b.rate()));
        let chosen = match (best, limited(asking, now, present)) {
            (None, _) if asking.levels.iter().any(|level| level.refused() > 0) => {
                let fewest = asking.levels.iter().map(|level| level.at_once).min().unwrap_or(1);
                self.notes.push(format!(
                    "even {fewest} at once are too many for the provider (429): set llm.requests_per_minute to what your account allows"
                ));
                return;
            }
            (None, _) => return,
            (_, Some((needed, why))) if needed > present.requests => (needed, why),
            // The limit is what bounds it, and more at once gain nothing.
            (_, Some(_)) => return self.requests_stay(present, &why),
            (Some(best), None) => {
                let enough = |level: &&Level| level.rate() * (1.0 + PROVIDER_MARGIN) >= best.rate();
                let stays = clean(&now) && enough(&now);
                let fewest = asking.levels.iter().filter(clean).filter(enough).map(|level| level.at_once).min();
                (if stays { present.requests } else { fewest.unwrap_or(best.at_once) }, why.clone())
            }
        };
        match chosen {
            (requests, why) if requests != present.default_requests => {
                self.set("llm", "max_concurrent_requests", requests.to_string(), why);
            }
            _ => self.requests_stay(present, &why),
        }
    }

    fn requests_stay(&mut self, present: Present, why: &str) {
        let default = present.default_requests;
        self.notes.push(match present.requests == default {
            true => format!("llm.max_concurrent_requests: the default, {default}, is best here: {why}"),
            false => format!("llm.max_concurrent_requests: {} is right here: {why}", present.requests),
        });
    }

    /// What is said where nothing is to be set.
    pub(super) fn defaults_stay(&self) -> &'static str {
        if self.is_busy { "nothing is clearly quicker than the defaults" } else { "the defaults are best here" }
    }

    fn set(&mut self, section: &'static str, key: &'static str, value: String, why: String) {
        self.settings.push(Setting { section, key, value, why });
    }
}

/// How large a difference must be to count: at least what the same settings differ by.
fn margin(first: f64, again: Option<f64>) -> f64 {
    let noise = again.map_or(0.0, |again| (first - again).abs() / f64::midpoint(first, again));
    noise.max(LEAST_MARGIN)
}

/// How many requests a limit a minute keeps in flight, where there is one.
fn limited(asking: &Asking, now: &Level, present: Present) -> Option<(u32, String)> {
    let limit = present.requests_per_minute?;
    let latency = now.latency(50)?;
    let needed = (f64::from(limit) / 60.0 * latency.as_secs_f64()).ceil().clamp(1.0, f64::from(MOST_REQUESTS)) as u32;
    let name = &asking.model;
    let why =
        format!("{limit} requests a minute of {:.1} s each keep {needed} in flight ({name})", latency.as_secs_f64());
    Some((needed, why))
}

fn told(level: &Level) -> String {
    let refused = if level.refused() > 0 { format!(" and {} times 429", level.refused()) } else { String::new() };
    format!("{} at once: {}{refused}", level.at_once, figure(level.rate()))
}

fn shared(trial: &Trial) -> String {
    let (slots, threads) = (trial.slots, trial.encode.threads);
    format!("{slots} at once with {threads} thread{}", if threads.get() == 1 { "" } else { "s" })
}

/// The value of `video.hardware_acceleration` that takes this encoder.
fn hardware(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Libx264 => "none",
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => "nvenc",
        VideoCodec::H264Qsv => "qsv",
        VideoCodec::H264Vaapi => "vaapi",
    }
}

/// Three digits that count.
pub(super) fn figure(number: f64) -> String {
    match number {
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number if number >= 1.0 => format!("{number:.2}"),
        number => format!("{number:.3}"),
    }
}

#[cfg(test)]
#[path = "advice_tests.rs"]
mod tests;
