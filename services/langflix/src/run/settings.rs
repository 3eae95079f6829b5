//! From the configuration to what each part is told.

use std::{
    num::{NonZeroU8, NonZeroU32},
    time::Duration,
};

use anyhow::Context as _;
use langflix_domain::{CutMethod, EncodeSpec, GpuDevice, LanguageTag, VideoCodec};
use langflix_fleet::CLIP_THREADS;
use langflix_llm::{Identity, LlmSettings};
use langflix_media::{Asked, Capacity, Ffmpeg, Machine, NvmlGpu, presets, settings, usable};
use langflix_pipeline::RunSettings;
use langflix_ports::gpu::{ErrorKind, GpuProbe as _};
use langflix_runtime::{
    config::{Config, HardwareAcceleration, Llm, Provider, Video},
    pressure::memory_for_work,
    resources,
};
use langflix_subtitles::language_of_name;

use super::file_name;
use crate::{Usage, cli::EpisodeArgs};

/// Providers ask for up to five minutes; there is no queue here that could wait instead of this process.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

pub(crate) fn llm(llm: &Llm) -> LlmSettings {
    LlmSettings { longest_wait: LONGEST_WAIT, ..langflix_fleet::llm(llm) }
}

/// What this program itself takes at most, in MB.
const OWN_MB: u64 = 150;

/// How the machine is shared out among clips of videos up to this large.
pub(crate) fn capacity(config: &Config, codec: VideoCodec, largest: (u32, u32)) -> Capacity {
    machine(config).share(codec, asked(config), largest)
}

/// What of this machine clips may take.
pub(crate) fn machine(config: &Config) -> Machine {
    let memory_mb = memory_for_work(config.processing.max_memory_mb) / 1_000_000;
    Machine { cores: resources::cores(), memory_mb: memory_mb.saturating_sub(OWN_MB) }
}

/// How many clips at once are asked for, and with how many threads.
pub(crate) fn asked(config: &Config) -> Asked {
    let slots = usize::try_from(config.processing.max_concurrent_jobs).unwrap_or(usize::MAX);
    Asked { slots, threads: config.video.threads }
}

/// How clips are encoded.
///
/// # Errors
/// As [`preset`].
pub(crate) fn encoding(config: &Config, codec: VideoCodec, threads: NonZeroU8) -> Result<EncodeSpec, Usage> {
    let (_, crf) = settings(codec, config.video.quality);
    Ok(EncodeSpec {
        codec,
        method: CutMethod::Reencode,
        preset: preset(&config.video, codec)?,
        crf: config.video.crf.unwrap_or(crf),
        threads,
        normalize_loudness: config.video.normalize_loudness,
    })
}

/// The encoder's preset.
///
/// # Errors
/// Where the one that was asked for is another encoder's: which one is used shows only when they have been tried.
pub(crate) fn preset(video: &Video, codec: VideoCodec) -> Result<String, Usage> {
    let Some(preset) = &video.preset else { return Ok(settings(codec, video.quality).0.to_owned()) };
    let known = presets(codec);
    if known.contains(&preset.as_str()) {
        return Ok(preset.clone());
    }
    let (name, known) = (codec.as_str(), if known.is_empty() { "none".to_owned() } else { known.join(", ") });
    let of = format!("'{preset}' is no preset of {name}, which would be used");
    Err(Usage(format!("video.preset: {of}: allowed are {known}; or leave it out")))
}

/// The encoder of the fleet's clips, which the machine that asks for them need not have.
pub(crate) fn fleet_codec(video: &Video) -> VideoCodec {
    use HardwareAcceleration as Hardware;
    video.codec.unwrap_or(match video.hardware_acceleration {
        Hardware::Auto | Hardware::None => VideoCodec::Libx264,
        Hardware::Nvenc => VideoCodec::H264Nvenc,
        Hardware::Qsv => VideoCodec::H264Qsv,
        Hardware::Vaapi => VideoCodec::H264Vaapi,
    })
}

/// How the fleet's clips are encoded.
///
/// # Errors
/// As [`preset`].
pub(crate) fn fleet_encoding(config: &Config) -> Result<EncodeSpec, Usage> {
    let threads = NonZeroU8::new(config.video.threads).unwrap_or(CLIP_THREADS);
    encoding(config, fleet_codec(&config.video), threads)
}

/// The encoder to be used.
///
/// # Errors
/// Where the one that was asked for cannot be used here.
pub(crate) async fn codec(ffmpeg: &Ffmpeg, video: &Video) -> anyhow::Result<VideoCodec> {
    use HardwareAcceleration as Hardware;
    if let Some(codec) = video.codec {
        usable(ffmpeg, codec).await.context("video.codec: give another one, or auto")?;
        return Ok(codec);
    }
    let admitted: &[VideoCodec] = match video.hardware_acceleration {
        Hardware::None => &[],
        Hardware::Nvenc => &[VideoCodec::H264Nvenc],
        Hardware::Qsv => &[VideoCodec::H264Qsv],
        Hardware::Vaapi => &[VideoCodec::H264Vaapi],
        Hardware::Auto => &[VideoCodec::H264Nvenc, VideoCodec::H264Qsv, VideoCodec::H264Vaapi],
    };
    let mut why = None;
    for &codec in admitted {
        match usable(ffmpeg, codec).await {
            Ok(()) => return Ok(codec),
            Err(error) => why = why.or(Some(error)),
        }
    }
    match (video.hardware_acceleration, why) {
        (Hardware::Auto | Hardware::None, why) | (_, why @ None) => {
            let advice = "no encoder is usable: install an ffmpeg that has libx264, or set video.codec";
            usable(ffmpeg, VideoCodec::Libx264).await.context(advice)?;
            if let Some(why) = why
                && let Some(gpu) = nvidia().await
            {
                tracing::warn!(gpu, %why, "clips are encoded in software, since the GPU that is here does not");
            }
            Ok(VideoCodec::Libx264)
        }
        (_, Some(error)) => Err(error).context("video.hardware_acceleration: give another one, or auto"),
    }
}

/// The GPU of NVIDIA's that is here, of which one may expect that it encodes.
async fn nvidia() -> Option<String> {
    let opened = tokio::task::spawn_blocking(|| NvmlGpu::open(&GpuDevice::Auto, None));
    match opened.await.ok()? {
        Ok(gpu) => Some(gpu.gpu().name.clone()),
        Err(error) => (error.kind == ErrorKind::Pin).then(|| "several".to_owned()),
    }
}

/// The language to translate into.
///
/// # Errors
/// Where it is neither given nor told by the name of the target subtitles, or is the episode's own.
pub(crate) fn language(config: &Config, args: &EpisodeArgs) -> anyhow::Result<LanguageTag> {
    let label = |suffix: &String| LanguageTag::from_label(suffix.trim_start_matches(['.', '_', '-']));
    let suffix = || args.target_subs_suffix.as_ref().and_then(label);
    let named = || args.target_subs.as_ref().and_then(|path| language_of_name(&file_name(path)));
    let Some(language) = config.run.language.clone().or_else(suffix).or_else(named) else {
        return Err(Usage("which language to translate into? Give --language, such as --language ko".to_owned()).into());
    };
    if language.primary() == config.run.source_language.primary() {
        let spoken = &config.run.source_language;
        let same = format!("the episode is in {spoken}, and to translate it into {language} makes no sense");
        return Err(Usage(format!("{same}: give --source-language or --language")).into());
    }
    Ok(language)
}

/// What a run is asked for.
pub(crate) fn run(config: &Config, language: LanguageTag, model: Identity, encode: Option<EncodeSpec>) -> RunSettings {
    RunSettings {
        source_language: config.run.source_language.clone(),
        language,
        level: config.run.level,
        chunk_size: config.llm.chunk_size,
        max_input_length: config.llm.max_input_length,
        min_expressions_per_chunk: config.processing.min_expressions_per_chunk,
        max_expressions_per_chunk: config.processing.max_expressions_per_chunk,
        max_expressions: config.processing.max_expressions,
        model_name: model.name,
        model: model.fingerprint,
        model_translates: config.llm.provider != Provider::Offline,
        encode,
        burn: config.video.burn,
    }
}

/// Chunks of one episode analysed at once.
pub(crate) fn chunks_at_once(llm: &Llm) -> usize {
    usize::try_from(NonZeroU32::get(llm.max_concurrent_requests)).unwrap_or(usize::MAX)
}
