//! What a probe would say of a video that nobody looks at.

use langflix_domain::{MediaInfo, MediaTime, VideoStream};

/// What is known of a small Matroska file with one H.264 picture and nothing else, this long.
pub fn silent_film(duration: MediaTime) -> MediaInfo {
    let video = VideoStream {
        index: 0,
        codec: "h264".to_owned(),
        width: 320,
        height: 180,
        pixel_format: "yuv420p".to_owned(),
        sample_aspect_ratio: (1, 1),
        frame_rate: (24, 1),
        variable_frame_rate: false,
        interlaced: false,
        rotation: 0,
        color_transfer: None,
    };
    MediaInfo {
        container: "matroska,webm".to_owned(),
        duration,
        start_time: MediaTime::ZERO,
        bytes: 1_000_000,
        video,
        audio: Vec::new(),
        subtitles: Vec::new(),
        others: Vec::new(),
        keyframe_interval: None,
    }
}
