use langflix_domain::{Quality, VideoCodec};

/// The names that `codec` has for its presets, the quickest first; none where it knows no presets.
pub fn presets(codec: VideoCodec) -> &'static [&'static str] {
    // Without `placebo`, which takes many times the time of `veryslow` for nothing that can be seen.
    const X264: [&str; 9] =
        ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];
    match codec {
        VideoCodec::Libx264 => &X264,
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => &["p1", "p2", "p3", "p4", "p5", "p6", "p7"],
        VideoCodec::H264Qsv => &["veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"],
        VideoCodec::H264Vaapi => &[],
    }
}

/// Preset and constant quality of `codec` for a quality by name; x264's fast/23, medium/20 and veryfast/26 and what comes
/// close to them elsewhere.
///
/// NVENC's `-cq` is three above x264's crf. Both go by H.264's quantizer, 0 to 51, but x264 gives blocks that no later
/// picture is predicted from a coarser one (`mbtree`), while NVENC stays near its number: at the same one its clips are
/// larger and no worse to the eye. That is a rule of thumb and was not measured on these presets. Three steps between two
/// qualities are as many everywhere, so that a quality of one's own keeps its distance.
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
