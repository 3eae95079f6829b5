use std::path::PathBuf;

use langflix_domain::{Burn, Quality, VideoCodec};

use crate::config::{kind, reader::Reader};

/// How clips are encoded.
#[derive(Clone, Debug)]
pub struct Video {
    /// Which hardware may encode where `codec` is `None`.
    pub hardware_acceleration: HardwareAcceleration,
    /// What encodes where that hardware cannot.
    pub fallback: Fallback,
    /// The device of VA-API and Quick Sync; the first that can be opened where it is `None`.
    pub render_node: Option<PathBuf>,
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

/// What encodes where the hardware that was asked for cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fallback {
    /// The CPU.
    #[default]
    Software,
    /// Nothing.
    None,
}

const HARDWARE: [(&str, HardwareAcceleration); 5] = [
    ("auto", HardwareAcceleration::Auto),
    ("none", HardwareAcceleration::None),
    ("nvenc", HardwareAcceleration::Nvenc),
    ("qsv", HardwareAcceleration::Qsv),
    ("vaapi", HardwareAcceleration::Vaapi),
];

const FALLBACKS: [(&str, Fallback); 2] = [("software", Fallback::Software), ("none", Fallback::None)];

const QUALITIES: [(&str, Quality); 3] =
    [("balanced", Quality::Balanced), ("high", Quality::High), ("fast", Quality::Fast)];

const BURNS: [(&str, Burn); 4] =
    [("none", Burn::None), ("source", Burn::Source), ("target", Burn::Target), ("both", Burn::Both)];

/// x264's own names, the quickest first.
const X264_PRESETS: [&str; 9] =
    ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

/// NVENC's own names, the quickest first.
const NVENC_PRESETS: [&str; 7] = ["p1", "p2", "p3", "p4", "p5", "p6", "p7"];

impl Video {
    pub(in crate::config) fn read(read: &mut Reader) -> Self {
        let hardware_acceleration = read.value(
            "video.hardware_acceleration",
            kind::choice(HARDWARE),
            HardwareAcceleration::Auto,
            "which hardware may encode where `video.codec` is `auto`; `auto` takes the first that works",
        );
        let render_node = read.value(
            "video.render_node",
            kind::path().optional(),
            None,
            "the device of VA-API and Quick Sync, such as /dev/dri/renderD128; unset: the first that can be opened",
        );
        let fallback = read.value(
            "video.fallback",
            kind::choice(FALLBACKS),
            Fallback::Software,
            "what a worker encodes with where the asked-for hardware encoder cannot: `software` is the CPU, with `none` it takes no clips; `run` encodes with nothing else than was asked for",
        );
        let codec = read.value(
            "video.codec",
            kind::choice(VideoCodec::ALL.map(|codec| (codec.as_str(), codec))).or_word("auto"),
            None,
            "the encoder, by ffmpeg's name; `auto` leaves it to `video.hardware_acceleration`",
        );
        let (quality, preset, crf) = quality(read);
        let video = Self {
            hardware_acceleration,
            render_node,
            fallback,
            codec,
            quality,
            preset,
            crf,
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
        let names: &[&str] = match codec {
            VideoCodec::Libx264 => &X264_PRESETS,
            // Quick Sync takes x264's names but for the two quickest.
            VideoCodec::H264Qsv => &X264_PRESETS[2..],
            VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => &NVENC_PRESETS,
            VideoCodec::H264Vaapi => &[],
        };
        if !names.contains(&preset.as_str()) {
            let allowed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            read.refuse("video.preset", format!("{} has the presets {allowed}", codec.as_str()));
        }
    }
}

/// Quality by name, and its parts where they are chosen one by one.
fn quality(read: &mut Reader) -> (Quality, Option<String>, Option<u8>) {
    let quality = read.value(
        "video.quality",
        kind::choice(QUALITIES),
        Quality::Balanced,
        "preset and constant quality together: of x264 fast/23, medium/20 and veryfast/26, elsewhere their equals",
    );
    let preset = read.value(
        "video.preset",
        kind::word(X264_PRESETS.into_iter().chain(NVENC_PRESETS)).optional(),
        None,
        "the encoder's preset instead of the quality's; `p1` to `p7` are NVENC's",
    );
    let crf = read.value(
        "video.crf",
        kind::whole(0..=51).optional(),
        None,
        "constant quality instead of the quality's; 0 is best",
    );
    (quality, preset, crf)
}
