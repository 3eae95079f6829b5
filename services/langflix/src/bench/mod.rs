//! `langflix bench`: how quick this machine and the provider are, and which settings follow from that.

mod advice;
mod measure;
mod provider;
mod source;
mod tables;
mod told;
mod trials;
mod usage;

use std::time::{Duration, Instant};

use anyhow::bail;
use langflix_domain::{EpisodeStatus, MediaTime, VideoCodec};
use langflix_llm::Identity;
use langflix_media::{Ffmpeg, usable};
use langflix_runtime::config::{Config, HardwareAcceleration, Provider, Sources};

use crate::{Parting, cli::BenchArgs, run::settings, say};
use advice::{Advice, Present, Rated};
use measure::Workbench;
use provider::Asking;
use told::{Plan, Told};
use trials::{Choice, Role, Trial};

/// How much time is taken for what.
struct Pace {
    /// A clip's length.
    clip: MediaTime,
    /// Clips are begun for so long in each trial.
    lasting: Duration,
    /// A trial takes no longer.
    trial: Duration,
    /// All trials take no longer.
    all: Duration,
    /// Requests at once of one number are asked for no longer.
    asking: Duration,
}

impl Pace {
    const FULL: Self = Self {
        clip: MediaTime::from_secs(4),
        lasting: Duration::from_secs(6),
        trial: Duration::from_secs(45),
        all: Duration::from_secs(240),
        asking: Duration::from_secs(60),
    };
    const QUICK: Self = Self {
        clip: MediaTime::from_secs(2),
        lasting: Duration::from_secs(2),
        trial: Duration::from_secs(20),
        all: Duration::from_secs(60),
        asking: Duration::from_secs(20),
    };
}

/// Measures, and prints what was measured and what would be set.
///
/// # Errors
/// What keeps anything from being measured.
pub(crate) async fn bench(args: &BenchArgs, config: &Config, parting: &Parting) -> anyhow::Result<EpisodeStatus> {
    parting.set("stopped: nothing is left behind");
    let levels = asked_levels(args, config);
    let model = Identity::of(&settings::llm(&config.llm))?.name;
    if !levels.is_empty() {
        // Before anything is measured in vain.
        provider::check(config)?;
    }
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let ffmpeg = ffmpeg.on_render_node(config.video.render_node.clone());
    let (told, pace) = (Told::new(args.json), if args.quick { Pace::QUICK } else { Pace::FULL });
    let usable = encoders(&ffmpeg, &told).await;
    if usable.is_empty() {
        bail!("no encoder is usable: install an ffmpeg that has libx264; --verbose tells why each is not");
    }
    told.usable(&usable);
    let scratch = tempfile::Builder::new().prefix("langflix-bench-").tempdir()?;
    let (video, name) = source::open(&ffmpeg, args.video.as_deref(), scratch.path(), &told).await?;
    let bench = source::workbench(&ffmpeg, &video, config, scratch.path(), pace.clip, pace.lasting)?;
    let choice = Choice {
        video: &config.video,
        configured: settings::asked(config),
        machine: settings::machine(config),
        size: (video.info.video.width, video.info.video.height),
        usable: &usable,
        quick: args.quick,
    };
    told.begins(&plan(&choice, &bench, &pace, &name, &levels));
    let trials = encode(&bench, &choice, &pace, &told).await;
    let asking = match levels.is_empty() {
        true => None,
        false => Some(ask(args, config, &levels, &pace, &told).await?),
    };
    let rated = trials.iter().filter_map(|(trial, result)| {
        Some(Rated { trial: trial.clone(), rate: result.as_ref().ok()?.clips_a_second() })
    });
    let rated: Vec<Rated> = rated.collect();
    // Nothing is sent to the lexicon.
    let sent = asking.as_ref().filter(|_| config.llm.provider != Provider::Offline);
    let advice = Advice::of(&rated, sent, present(config)?);
    told.advice(&advice);
    if !args.json {
        say::out!("{}", tables::encoders(&trials, source::rate(&video.info)))?;
        say::out!("{}", provided(args, config, &model, asking.as_ref()))?;
        say::out!("{}", told::advice(&advice))?;
    }
    Ok(status(&trials, asking.as_ref()))
}

/// Which encoders work here.
async fn encoders(ffmpeg: &Ffmpeg, told: &Told) -> Vec<VideoCodec> {
    told.doing("trying the encoders".to_owned());
    let mut found = Vec::new();
    for codec in VideoCodec::ALL {
        match usable(ffmpeg, codec).await {
            Ok(()) => found.push(codec),
            Err(error) => {
                tracing::info!(encoder = codec.as_str(), why = error.message, "does not work here");
                told.unusable(codec, &error.message);
            }
        }
    }
    found
}

/// Numbers of requests at once that are asked; none where the provider is not asked.
fn asked_levels(args: &BenchArgs, config: &Config) -> Vec<u32> {
    let free = config.llm.provider == Provider::Offline;
    if free || args.ask_provider { provider::levels(config, args.quick) } else { Vec::new() }
}

fn plan<'a>(choice: &Choice<'a>, bench: &Workbench<'_>, pace: &Pace, source: &'a str, levels: &[u32]) -> Plan<'a> {
    let (trials, asked) = (choice.most() as u32, levels.len() as u32);
    // Those that were begun are let end.
    let about = pace.lasting * 3 / 2 * trials;
    Plan {
        usable: choice.usable,
        source,
        size: choice.size,
        rate: source::rate(bench.source.info),
        clip: Duration::from_millis(
            bench.scenes.first().map_or(0, |scene| scene.duration().as_millis().unsigned_abs()),
        ),
        steps: (trials + asked) as usize,
        about: about.min(pace.all) + pace.asking / 4 * asked,
        at_most: pace.all + pace.asking * asked,
    }
}

/// Tries one way of encoding after the other, what matters most first, until all are tried or the time is up.
async fn encode(bench: &Workbench<'_>, choice: &Choice<'_>, pace: &Pace, told: &Told) -> Vec<(Trial, told::Result)> {
    let (deadline, mut done) = (Instant::now() + pace.all, Vec::new());
    let default = choice.default();
    try_each(bench, default.iter().cloned().chain(choice.encoders()).collect(), deadline, pace, told, &mut done).await;
    let Some(codec) = quickest(&done) else { return done };
    try_each(bench, choice.at_once(codec), deadline, pace, told, &mut done).await;
    let again = default.map(|default| Trial { role: Role::Again, ..default });
    let rest = again.into_iter().chain(choice.qualities(codec)).collect();
    try_each(bench, rest, deadline, pace, told, &mut done).await;
    done
}

/// The encoder of H.264 that was the quickest.
fn quickest(done: &[(Trial, told::Result)]) -> Option<VideoCodec> {
    let rates = done.iter().filter_map(|(trial, result)| {
        let codec = trial.encode.codec;
        let rate = result.as_ref().ok()?.clips_a_second();
        (codec != VideoCodec::HevcNvenc).then_some((codec, rate))
    });
    rates.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(codec, _)| codec)
}

async fn try_each(
    bench: &Workbench<'_>,
    trials: Vec<Trial>,
    deadline: Instant,
    pace: &Pace,
    told: &Told,
    done: &mut Vec<(Trial, told::Result)>,
) {
    let rate = source::rate(bench.source.info);
    for trial in trials {
        let left = deadline.saturating_duration_since(Instant::now());
        if left < pace.lasting {
            told.line(&format!("{}: left out, since the time is up", told::title(&trial)));
            continue;
        }
        told.doing(told::title(&trial));
        let result = bench.measure(&trial, pace.trial.min(left)).await;
        told.measured(&trial, rate, &result);
        done.push((trial, result));
    }
}

async fn ask(args: &BenchArgs, config: &Config, levels: &[u32], pace: &Pace, told: &Told) -> anyhow::Result<Asking> {
    let doing = |level: u32, answered: usize| {
        told.doing(format!("{answered} chunks answered, {level} at once"));
    };
    let asking = provider::ask(config, args.chunks, levels, pace.asking, &doing).await?;
    told.asked(&asking, config.llm.prices.as_ref());
    Ok(asking)
}

fn present(config: &Config) -> anyhow::Result<Present> {
    let defaults = Config::load(&Sources::default())?;
    let automatic = config.video.hardware_acceleration == HardwareAcceleration::Auto;
    Ok(Present {
        asked: settings::asked(config),
        chooses_encoder: config.video.codec.is_some() || !automatic,
        requests: config.llm.max_concurrent_requests.get(),
        default_requests: defaults.llm.max_concurrent_requests.get(),
        requests_per_minute: config.llm.requests_per_minute.map(std::num::NonZeroU32::get),
    })
}

/// What was measured of the provider, or why it was not.
fn provided(args: &BenchArgs, config: &Config, model: &str, asking: Option<&Asking>) -> String {
    let Some(asking) = asking else {
        let levels = provider::levels(config, args.quick);
        let chunks = levels.iter().map(|level| provider::chunks_at(config, args.chunks, *level)).sum();
        return format!("{}\n", told::not_asked(model, chunks));
    };
    let free = if config.llm.provider == Provider::Offline { ", which costs nothing" } else { "" };
    format!("Chunks through {model}{free}:\n{}", tables::provider(asking, config.llm.prices.as_ref()))
}

/// Complete where all could be measured, failed where nothing could.
fn status(trials: &[(Trial, told::Result)], asking: Option<&Asking>) -> EpisodeStatus {
    let answered = asking.map(|asking| asking.levels.iter().all(|level| !level.answers.is_empty()));
    let all: Vec<bool> = trials.iter().map(|(_, result)| result.is_ok()).chain(answered).collect();
    match (all.iter().any(|ok| *ok), all.iter().all(|ok| *ok)) {
        (true, true) => EpisodeStatus::Complete,
        (true, false) => EpisodeStatus::Partial,
        (false, _) => EpisodeStatus::Failed,
    }
}
