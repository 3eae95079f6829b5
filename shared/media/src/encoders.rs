//! What each encoder is told.

use std::ffi::OsString;

use langflix_domain::{EncodeSpec, VideoCodec};

use crate::args::strings;

/// Opens the device that an encoder works on, before any input; nothing for those that open it themselves.
pub(crate) fn device(codec: VideoCodec) -> Vec<OsString> {
    match codec {
        VideoCodec::H264Vaapi => strings(&["-init_hw_device", "vaapi=gpu", "-filter_hw_device", "gpu"]).collect(),
        _ => Vec::new(),
    }
}

/// The last filters before the encoder: the pixel format it takes, 8 bit 4:2:0 in every case.
pub(crate) fn pixels(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Libx264 | VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => "format=yuv420p",
        VideoCodec::H264Qsv => "format=nv12",
        VideoCodec::H264Vaapi => "format=nv12,hwupload",
    }
}

/// The encoder and its settings.
pub(crate) fn video(encode: &EncodeSpec) -> Vec<OsString> {
    let quality = encode.crf.to_string();
    let threads = encode.threads.to_string();
    let preset = encode.preset.as_str();
    let mut args: Vec<OsString> = strings(&["-c:v", encode.codec.as_str()]).collect();
    match encode.codec {
        VideoCodec::Libx264 => {
            args.extend(strings(&["-preset", preset, "-crf", &quality, "-profile:v", "high", "-threads", &threads]));
        }
        // The node shows one GPU to this process, so it is always number 0; the default `any` tries each in turn.
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => {
            args.extend(strings(&["-gpu", "0", "-preset", preset, "-tune", "hq", "-rc", "vbr", "-cq", &quality]));
            args.extend(strings(&["-b:v", "0"]));
            // Players of Apple's take HEVC in MP4 under this tag alone.
            let profile: &[&str] = match encode.codec {
                VideoCodec::HevcNvenc => &["-profile:v", "main", "-tag:v", "hvc1"],
                _ => &["-profile:v", "high"],
            };
            args.extend(strings(profile));
        }
        VideoCodec::H264Qsv => {
            args.extend(strings(&["-preset", preset, "-global_quality", &quality, "-profile:v", "high"]));
        }
        VideoCodec::H264Vaapi => args.extend(strings(&["-rc_mode", "CQP", "-qp", &quality, "-profile:v", "high"])),
    }
    args
}

/// Arguments that encode one frame and throw it away.
pub(crate) fn trial(encode: &EncodeSpec) -> Vec<OsString> {
    let mut args: Vec<OsString> = strings(&["-nostdin", "-hide_banner", "-v", "error"]).collect();
    args.extend(device(encode.codec));
    args.extend(strings(&["-f", "lavfi", "-i", "color=c=black:s=512x512:r=30", "-frames:v", "1"]));
    args.extend(strings(&["-vf", pixels(encode.codec)]));
    args.extend(video(encode));
    args.extend(strings(&["-f", "null", "-"]));
    args
}
