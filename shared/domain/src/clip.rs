use std::num::NonZeroU8;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Span};

/// Everything that decides what a clip shows and how it is encoded. Its digest names the clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClipSpec {
    /// Identity of the source's bytes: path, size and modification time, or an ETag.
    pub source: String,
    /// The scene on the timeline; never cut into.
    pub scene: Span,
    /// How far the bounds may move outwards from the scene; the cut goes to silence within it where there is some.
    pub bounds: Span,
    /// Preferred audio language, a BCP 47 primary subtag, where the source has several tracks.
    pub audio_language: Option<String>,
    /// How it is encoded.
    pub encode: EncodeSpec,
    /// Subtitles to draw into the picture: a complete ASS script, its times counted from the timeline's zero.
    pub burn: Option<String>,
}

impl ClipSpec {
    /// The digest that names the clip.
    ///
    /// # Errors
    /// Only if a field cannot be written as JSON, which none of these types can fail to.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json(self)
    }
}

/// How a clip is encoded. Part of the clip's digest, since every field changes the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EncodeSpec {
    /// The encoder, by ffmpeg's name for it.
    pub codec: VideoCodec,
    /// How the picture gets from source to clip.
    pub method: CutMethod,
    /// The encoder's own preset name.
    pub preset: String,
    /// Constant quality, 0 (best) to 51.
    pub crf: u8,
    /// Threads of one encode. x264's output depends a little on it, so it is part of the spec.
    pub threads: NonZeroU8,
    /// Whether loudness is brought to -16 LUFS (EBU R 128 `loudnorm`).
    pub normalize_loudness: bool,
}

/// Encoders that can be asked for, by ffmpeg's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "ffmpeg's own names")]
pub enum VideoCodec {
    #[serde(rename = "libx264")]
    Libx264,
    #[serde(rename = "h264_nvenc")]
    H264Nvenc,
    #[serde(rename = "hevc_nvenc")]
    HevcNvenc,
    #[serde(rename = "h264_qsv")]
    H264Qsv,
    #[serde(rename = "h264_vaapi")]
    H264Vaapi,
}

impl VideoCodec {
    /// All of them, the software encoder last.
    pub const ALL: [Self; 5] = [Self::H264Nvenc, Self::HevcNvenc, Self::H264Qsv, Self::H264Vaapi, Self::Libx264];

    /// ffmpeg's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Libx264 => "libx264",
            Self::H264Nvenc => "h264_nvenc",
            Self::HevcNvenc => "hevc_nvenc",
            Self::H264Qsv => "h264_qsv",
            Self::H264Vaapi => "h264_vaapi",
        }
    }
}

/// How the picture gets from source to clip. The seam for cutting without encoding every frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CutMethod {
    /// Every frame is decoded and encoded again: exact bounds on any source.
    #[default]
    Reencode,
}

/// How an encoder came to the bytes of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceRead {
    /// From a file of this machine.
    InPlace,
    /// From the store, the needed ranges only.
    Ranges,
    /// From a copy of the whole.
    Copy,
}

/// A quality by name: preset and constant quality together.
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

/// What is drawn into the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Burn {
    /// Nothing.
    #[default]
    None,
    /// The episode's own language.
    Source,
    /// The translation.
    Target,
    /// Both, the episode's language above.
    Both,
}

impl Burn {
    /// Whether lines in the episode's language are drawn.
    pub fn source(self) -> bool {
        matches!(self, Self::Source | Self::Both)
    }

    /// Whether translations are drawn.
    pub fn target(self) -> bool {
        matches!(self, Self::Target | Self::Both)
    }
}
