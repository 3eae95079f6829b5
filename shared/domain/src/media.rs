use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MediaTime;

/// What is known of a video file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaInfo {
    /// Container, by ffmpeg's name for it.
    pub container: String,
    /// Length of the timeline in milliseconds, to the end of the picture.
    pub duration: MediaTime,
    /// The timestamp that the container gives its first frame, in milliseconds.
    pub start_time: MediaTime,
    /// Size in bytes.
    pub bytes: u64,
    /// The picture that clips are cut from: the default track, else the first that is no cover picture.
    pub video: VideoStream,
    /// Sound tracks in the order of the file.
    pub audio: Vec<AudioStream>,
    /// Subtitle tracks in the order of the file.
    pub subtitles: Vec<SubtitleStream>,
    /// The tracks that nothing is taken from: cover pictures, further pictures, data, attachments.
    pub others: Vec<OtherStream>,
    /// Median distance of the picture's keyframes in milliseconds; `None` where it was not measured.
    pub keyframe_interval: Option<MediaTime>,
}

/// A track that nothing is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherStream {
    /// Position among all streams of the file.
    pub index: u32,
    /// What it holds, by ffmpeg's name: `video`, `data`, `attachment`.
    pub kind: String,
    /// Codec, by ffmpeg's name; empty where ffmpeg knows none.
    pub codec: String,
}

/// The picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VideoStream {
    /// Position among all streams of the file.
    pub index: u32,
    /// Codec, by ffmpeg's name.
    pub codec: String,
    /// Stored width in pixels.
    pub width: u32,
    /// Stored height in pixels.
    pub height: u32,
    /// Pixel format, by ffmpeg's name.
    pub pixel_format: String,
    /// Shape of a pixel, width to height; 1:1 unless anamorphic.
    pub sample_aspect_ratio: (u32, u32),
    /// Average frames a second as a fraction.
    pub frame_rate: (u32, u32),
    /// Whether frames last differently long.
    pub variable_frame_rate: bool,
    /// Whether it is interlaced.
    pub interlaced: bool,
    /// Clockwise rotation in degrees for display.
    pub rotation: i32,
    /// Transfer characteristics, by ffmpeg's name, such as `smpte2084` for HDR10.
    pub color_transfer: Option<String>,
}

impl VideoStream {
    /// Width and height as the picture is shown, upright and with square pixels.
    pub fn shape(&self) -> (u32, u32) {
        let (across, down) = self.sample_aspect_ratio;
        let square = u64::from(self.width) * u64::from(across) / u64::from(down.max(1));
        let (width, height) = (u32::try_from(square).unwrap_or(u32::MAX), self.height);
        if self.rotation.rem_euclid(180) == 90 { (height, width) } else { (width, height) }
    }
}

/// A sound track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AudioStream {
    /// Position among all streams of the file.
    pub index: u32,
    /// Codec, by ffmpeg's name.
    pub codec: String,
    /// Number of channels.
    pub channels: u32,
    /// Samples a second.
    pub sample_rate: u32,
    /// Language as the file gives it.
    pub language: Option<String>,
    /// Whether the file marks it as default.
    pub default: bool,
    /// Whether it is a commentary or a description for the blind, by its flags or title.
    pub secondary: bool,
}

/// A subtitle track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubtitleStream {
    /// Position among all streams of the file.
    pub index: u32,
    /// Codec, by ffmpeg's name.
    pub codec: String,
    /// Language as the file gives it.
    pub language: Option<String>,
    /// Title as the file gives it.
    pub title: Option<String>,
    /// Whether it holds text rather than pictures.
    pub text: bool,
    /// Whether the file marks it as forced (signs and foreign words only).
    pub forced: bool,
}
