use langflix_domain::{Quality, VideoCodec};

/// Preset and constant quality of `codec` for a quality by name; x264's fast/23, medium/20 and veryfast/26 and what comes
/// close to them elsewhere.
pub fn settings(codec: VideoCodec, quality: Quality) -> (&'static str, u8) {
    let level = match quality {
        Quality::Fast => 0,
        Quality::Balanced => 1,
        Quality::High => 2,
    };
    let (presets, qualities) = match codec {
        VideoCodec::Libx264 => (["veryfast", "fast", "medium"], [26, 23, 20]),
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => (["p2", "p4", "p6"], [29, 26, 23]),
        VideoCodec::H264Qsv => (["veryfast", "fast", "medium"], [28, 25, 22]),
        // VA-API knows no presets; ffmpeg's name for that is its default compression level.
        VideoCodec::H264Vaapi => (["default"; 3], [28, 25, 22]),
    };
    (presets[level], qualities[level])
}
