use std::path::PathBuf;

use langflix_domain::{Burn, LanguageTag, LearnerLevel, VideoCodec};

use super::{kind, reader::Reader};

mod base_url;
mod llm;
mod provider;

pub use base_url::BaseUrl;
pub use llm::Llm;
pub use provider::Provider;

/// How clips are encoded.
#[derive(Clone, Debug)]
pub struct Video {
    /// Which hardware may encode where `codec` is `None`.
    pub hardware_acceleration: HardwareAcceleration,
    /// The encoder; `None` for the first usable one that `hardware_acceleration` admits.
    pub codec: Option<VideoCodec>,
    /// Quality by name: decides preset and constant quality where they are `None`.
    pub quality: Quality,
    /// The encoder's own preset name.
    pub preset: Option<String>,
    /// Constant quality, 0 (best) to 51.
    pub crf: Option<u8>,
    /// Threads of one clip; 0 for what is best for the number of clips at once.
    pub threads: u8,
    /// Whether loudness is brought to -16 LUFS.
    pub normalize_loudness: bool,
    /// Which subtitles are drawn into the picture.
    pub burn: Burn,
}

/// Which hardware may encode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HardwareAcceleration {
    /// Whatever is usable, else none.
    #[default]
    Auto,
    /// None: the CPU encodes.
    None,
    /// NVIDIA's NVENC.
    Nvenc,
    /// Intel's Quick Sync.
    Qsv,
    /// VA-API.
    Vaapi,
}

/// A quality by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Good enough for any screen at a modest cost.
    #[default]
    Balanced,
    /// Better and slower.
    High,
    /// Worse and quicker.
    Fast,
}

/// How much is done at once, and how much is taken.
#[derive(Clone, Debug)]
pub struct Processing {
    /// Clips encoded at once; 0 for what cores and memory allow.
    pub max_concurrent_jobs: u32,
    /// Episodes of a season worked on at once.
    pub batch_size: u32,
    /// Memory for all that runs at once, in MiB; 0 for the limit that [`crate::resources::memory_budget`] finds.
    pub max_memory_mb: u64,
    /// Fewest expressions asked for of one chunk.
    pub min_expressions_per_chunk: u8,
    /// Most expressions taken of one chunk.
    pub max_expressions_per_chunk: u8,
    /// Most expressions taken of one episode.
    pub max_expressions: u32,
}

/// What one run is asked for.
#[derive(Clone, Debug)]
pub struct Run {
    /// The language to translate into; a run needs one.
    pub language: Option<LanguageTag>,
    /// The language of the episode.
    pub source_language: LanguageTag,
    /// How far the learner is.
    pub level: LearnerLevel,
    /// Where the results go.
    pub output: PathBuf,
}

const HARDWARE: [(&str, HardwareAcceleration); 5] = [
    ("auto", HardwareAcceleration::Auto),
    ("none", HardwareAcceleration::None),
    ("nvenc", HardwareAcceleration::Nvenc),
    ("qsv", HardwareAcceleration::Qsv),
    ("vaapi", HardwareAcceleration::Vaapi),
];

const QUALITIES: [(&str, Quality); 3] =
    [("balanced", Quality::Balanced), ("high", Quality::High), ("fast", Quality::Fast)];

const BURNS: [(&str, Burn); 4] =
    [("none", Burn::None), ("source", Burn::Source), ("target", Burn::Target), ("both", Burn::Both)];

const LEVELS: [LearnerLevel; 3] = [LearnerLevel::Beginner, LearnerLevel::Intermediate, LearnerLevel::Advanced];

/// x264's and NVENC's own names, the quickest first; Quick Sync takes some of x264's.
const PRESETS: &[&str] = &[
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "p1",
    "p2",
    "p3",
    "p4",
    "p5",
    "p6",
    "p7",
];
const X264_PRESETS: std::ops::Range<usize> = 0..9;
const QSV_PRESETS: std::ops::Range<usize> = 2..9;
const NVENC_PRESETS: std::ops::Range<usize> = 9..16;

impl Video {
    pub(super) fn read(read: &mut Reader) -> Self {
        let video = Self {
            hardware_acceleration: read.value(
                "video.hardware_acceleration",
                kind::choice(HARDWARE),
                HardwareAcceleration::Auto,
                "which hardware may encode where `video.codec` is `auto`; `auto` takes the first that works",
            ),
            codec: read.value(
                "video.codec",
                kind::choice(VideoCodec::ALL.map(|codec| (codec.as_str(), codec))).or_word("auto"),
                None,
                "the encoder, by ffmpeg's name; `auto` leaves it to `video.hardware_acceleration`",
            ),
            quality: read.value(
                "video.quality",
                kind::choice(QUALITIES),
                Quality::Balanced,
                "preset and constant quality together: of x264 fast/23, medium/20 and veryfast/26, elsewhere their equals",
            ),
            preset: read.value(
                "video.preset",
                kind::word(PRESETS).optional(),
                None,
                "the encoder's preset instead of the quality's; `p1` to `p7` are NVENC's",
            ),
            crf: read.value(
                "video.crf",
                kind::whole(0..=51).optional(),
                None,
                "constant quality instead of the quality's; 0 is best",
            ),
            threads: read.value(
                "video.threads",
                kind::whole(0..=8),
                0,
                "threads of one clip; 0: what is best for the number of clips at once",
            ),
            normalize_loudness: read.value(
                "video.normalize_loudness",
                kind::switch(),
                false,
                "bring the sound to -16 LUFS (EBU R 128)",
            ),
            burn: read.value(
                "video.burn",
                kind::choice(BURNS),
                Burn::None,
                "subtitles drawn into the picture: the episode's, the translation, or both",
            ),
        };
        video.check(read);
        video
    }

    fn check(&self, read: &mut Reader) {
        let (Some(preset), Some(codec)) = (&self.preset, self.codec) else { return };
        let names = match codec {
            VideoCodec::Libx264 => &PRESETS[X264_PRESETS],
            VideoCodec::H264Qsv => &PRESETS[QSV_PRESETS],
            VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => &PRESETS[NVENC_PRESETS],
            VideoCodec::H264Vaapi => &[],
        };
        if !names.contains(&preset.as_str()) {
            let allowed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            read.refuse("video.preset", format!("{} has the presets {allowed}", codec.as_str()));
        }
    }
}

impl Processing {
    pub(super) fn read(read: &mut Reader) -> Self {
        let max_concurrent_jobs = read.value(
            "processing.max_concurrent_jobs",
            kind::whole(0..=64),
            0,
            "clips encoded at once; 0: what cores and memory allow",
        );
        let batch_size =
            read.value("processing.batch_size", kind::whole(1..=32), 1, "episodes of a season worked on at once");
        let max_memory_mb = read.value(
            "processing.max_memory_mb",
            kind::whole(0..=16_777_216),
            0,
            "memory for all that runs at once, in MiB; 0: the cgroup's limit, else the machine's memory; never more than these",
        );
        let min_expressions_per_chunk = read.value(
            "processing.min_expressions_per_chunk",
            kind::whole(0..=10),
            1,
            "fewest expressions asked for of one chunk",
        );
        let max_expressions_per_chunk = read.value(
            "processing.max_expressions_per_chunk",
            kind::whole(1..=10),
            3.max(min_expressions_per_chunk),
            "most expressions taken of one chunk; at least the fewest",
        );
        let max_expressions = read.value(
            "processing.max_expressions",
            kind::whole(1..=1000),
            20,
            "most expressions taken of one episode, spread over it",
        );
        if max_expressions_per_chunk < min_expressions_per_chunk {
            let least = format!("at least processing.min_expressions_per_chunk, which is {min_expressions_per_chunk}");
            read.refuse("processing.max_expressions_per_chunk", least);
        }
        Self {
            max_concurrent_jobs,
            batch_size,
            max_memory_mb,
            min_expressions_per_chunk,
            max_expressions_per_chunk,
            max_expressions,
        }
    }
}

impl Run {
    pub(super) fn read(read: &mut Reader) -> Self {
        Self {
            language: read.value(
                "run.language",
                kind::language().optional(),
                None,
                "the learner's language, to translate into; a run needs one",
            ),
            source_language: read.value(
                "run.source_language",
                kind::language(),
                english(),
                "the language of the episode",
            ),
            level: read.value(
                "run.level",
                kind::choice(LEVELS.map(|level| (level.as_str(), level))),
                LearnerLevel::Intermediate,
                "how far the learner is: A1 and A2, B1 and B2, or C1 and C2",
            ),
            output: read.value("run.output", kind::path(), PathBuf::from("output"), "the folder that results go to"),
        }
    }
}

#[expect(clippy::expect_used, reason = "'en' is a language tag, whatever is configured")]
fn english() -> LanguageTag {
    "en".parse().expect("'en' is a language tag")
}
