//! What each encoder is told.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use langflix_domain::{EncodeSpec, VideoCodec};

use crate::{args::strings, remote};

/// How encoders of hardware are set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hardware {
    /// Whether NVENC looks ahead.
    pub(crate) lookahead: bool,
    /// The render node of VA-API and Quick Sync Video; the first that can be opened where it is `None`.
    pub(crate) node: Option<PathBuf>,
}

/// How far NVENC looks ahead, in frames. Beyond that it gains little.
const LOOKAHEAD: &str = "20";
/// Frames that NVENC holds at once, each taking memory of the GPU: as many as its B-frames and two engines need, or a window
/// ahead with them. ffmpeg's own number grew from version to version.
const SURFACES: &str = "16";
const SURFACES_AHEAD: &str = "32";

/// Whether it is one of NVIDIA's.
pub(crate) fn is_nvenc(codec: VideoCodec) -> bool {
    matches!(codec, VideoCodec::H264Nvenc | VideoCodec::HevcNvenc)
}

/// What is said on stderr beside errors, where that tells something: NVENC tells in a warning what it does not take.
pub(crate) fn says(codec: VideoCodec) -> Option<[&'static str; 2]> {
    is_nvenc(codec).then_some(remote::LEVELS)
}

/// Opens the device that an encoder works on, before any input; nothing for those that open it themselves.
pub(crate) fn device(codec: VideoCodec, hardware: &Hardware) -> Vec<OsString> {
    let named = |device: &str, node: Option<&OsStr>| {
        let mut device = OsString::from(device);
        if let Some(node) = node {
            device.push(":");
            device.push(node);
        }
        [OsString::from("-init_hw_device"), device]
    };
    let node = hardware.node.as_deref().map(AsRef::as_ref);
    match (codec, node) {
        (VideoCodec::H264Vaapi, node) => {
            named("vaapi=gpu", node).into_iter().chain(strings(&["-filter_hw_device", "gpu"])).collect()
        }
        (VideoCodec::H264Qsv, None) => named("qsv=gpu", None).into(),
        // Quick Sync Video has numbers of its own for its devices, and takes one over from VA-API.
        (VideoCodec::H264Qsv, node) => {
            named("vaapi=node", node).into_iter().chain(named("qsv=gpu@node", None)).collect()
        }
        (VideoCodec::Libx264 | VideoCodec::H264Nvenc | VideoCodec::HevcNvenc, _) => Vec::new(),
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
pub(crate) fn video(encode: &EncodeSpec, hardware: &Hardware) -> Vec<OsString> {
    let quality = encode.crf.to_string();
    let threads = encode.threads.to_string();
    let preset = encode.preset.as_str();
    let mut args: Vec<OsString> = strings(&["-c:v", encode.codec.as_str()]).collect();
    match encode.codec {
        VideoCodec::Libx264 => {
            args.extend(strings(&["-preset", preset, "-crf", &quality, "-profile:v", "high", "-threads", &threads]));
        }
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => args.extend(nvenc(encode, hardware)),
        VideoCodec::H264Qsv => {
            args.extend(strings(&["-preset", preset, "-global_quality", &quality, "-profile:v", "high"]));
        }
        VideoCodec::H264Vaapi => args.extend(strings(&["-rc_mode", "CQP", "-qp", &quality, "-profile:v", "high"])),
    }
    args
}

fn nvenc(encode: &EncodeSpec, hardware: &Hardware) -> Vec<OsString> {
    let quality = encode.crf.to_string();
    // The child sees one GPU, so it is always number 0; the default `any` tries each in turn.
    let mut args: Vec<OsString> = strings(&["-gpu", "0", "-preset", &encode.preset, "-tune", "hq"]).collect();
    // Without `-b:v 0` the encoder's default rate would bound the quality.
    args.extend(strings(&["-rc", "vbr", "-cq", &quality, "-b:v", "0", "-spatial-aq", "1"]));
    args.extend(match hardware.lookahead {
        true => strings(&["-rc-lookahead", LOOKAHEAD, "-surfaces", SURFACES_AHEAD]),
        false => strings(&["-surfaces", SURFACES]),
    });
    // Players of Apple's take HEVC in MP4 under this tag alone.
    args.extend(match encode.codec {
        VideoCodec::HevcNvenc => strings(&["-profile:v", "main", "-tag:v", "hvc1"]),
        _ => strings(&["-profile:v", "high"]),
    });
    args
}

/// Arguments that encode one frame and throw it away.
pub(crate) fn trial(encode: &EncodeSpec, hardware: &Hardware) -> Vec<OsString> {
    let mut args: Vec<OsString> = strings(&["-nostdin", "-hide_banner"]).collect();
    args.extend(strings(&says(encode.codec).unwrap_or(["-v", "error"])));
    args.extend(device(encode.codec, hardware));
    args.extend(strings(&["-f", "lavfi", "-i", "color=c=black:s=512x512:r=30", "-frames:v", "1"]));
    args.extend(strings(&["-vf", pixels(encode.codec)]));
    args.extend(video(encode, hardware));
    args.extend(strings(&["-f", "null", "-"]));
    args
}
