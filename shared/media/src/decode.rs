//! Who decodes a source: the processor, or the GPU that encodes it.
//!
//! Frames that the GPU decodes stay in its memory until they are encoded. What has to be done to them on the processor would
//! bring each one down and up again, which takes longer than decoding there.

use std::ffi::OsString;

use langflix_domain::{ClipSpec, VideoStream};

use crate::{args::strings, encoders, filters};

/// Who decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoder {
    /// The processor.
    Cpu,
    /// The GPU, through CUDA.
    Cuda,
}

/// Frames of the decoder's that are held outside it at once: by `fps`, by the deinterlacer, and on the way between them.
const HELD: &str = "4";

impl Decoder {
    /// Who decodes `video` for the clip of `spec`.
    pub(crate) fn of(video: &VideoStream, spec: &ClipSpec) -> Self {
        let stays = encoders::is_nvenc(spec.encode.codec) && spec.burn.is_none();
        if stays && decodes(video) && filters(video) { Self::Cuda } else { Self::Cpu }
    }

    /// What ffmpeg is told of it, before the input.
    pub(crate) fn options(self, threads: &str) -> Vec<OsString> {
        match self {
            Self::Cpu => strings(&["-threads", threads]).collect(),
            // Each thread would hold frames of the decoder's, of which there are 32 at most.
            Self::Cuda => {
                let frames = ["-hwaccel_output_format", "cuda", "-extra_hw_frames", HELD];
                strings(&["-threads", "1", "-hwaccel", "cuda"]).chain(strings(&frames)).collect()
            }
        }
    }
}

/// Whether any GPU with NVENC decodes this. Not each decodes all of them, such as AV1: ffmpeg then fails, and the processor
/// decodes after all.
fn decodes(video: &VideoStream) -> bool {
    match video.pixel_format.as_str() {
        "yuv420p" => matches!(video.codec.as_str(), "h264" | "hevc" | "vp8" | "vp9" | "av1" | "mpeg2video"),
        // Of H.264 no GPU decoded ten bits for long.
        "yuv420p10le" => matches!(video.codec.as_str(), "hevc" | "vp9" | "av1"),
        _ => false,
    }
}

/// Whether all that has to be done to the picture can be done on the GPU: it maps no tones, turns no pictures and crops none
/// to even sides.
fn filters(video: &VideoStream) -> bool {
    let even = (video.width.is_multiple_of(2) && video.height.is_multiple_of(2)) || filters::is_anamorphic(video);
    !filters::is_hdr(video) && video.rotation == 0 && even
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments_tests::{info, spec};
    use langflix_domain::VideoCodec;

    fn decoder(change: impl Fn(&mut VideoStream)) -> Decoder {
        let mut video = info().video;
        change(&mut video);
        Decoder::of(&video, &spec(VideoCodec::H264Nvenc))
    }

    fn named(codec: &str, pixels: &str) -> Decoder {
        decoder(|video| (video.codec, video.pixel_format) = (codec.to_owned(), pixels.to_owned()))
    }

    #[test]
    fn the_gpu_decodes_what_it_encodes_and_nothing_is_drawn_into() {
        assert_eq!(decoder(|_| ()), Decoder::Cuda);
        for codec in VideoCodec::ALL {
            let gpu = matches!(codec, VideoCodec::H264Nvenc | VideoCodec::HevcNvenc);
            assert_eq!(Decoder::of(&info().video, &spec(codec)) == Decoder::Cuda, gpu, "{codec:?}");
        }
        let burnt = ClipSpec { burn: Some(String::new()), ..spec(VideoCodec::H264Nvenc) };
        assert_eq!(Decoder::of(&info().video, &burnt), Decoder::Cpu);
    }

    #[test]
    fn codecs_and_pixels_that_gpus_decode_are_decoded_there() {
        for (codec, pixels, decoder) in [
            ("h264", "yuv420p", Decoder::Cuda),
            ("h264", "yuv420p10le", Decoder::Cpu),
            ("h264", "yuvj420p", Decoder::Cpu),
            ("h264", "yuv422p", Decoder::Cpu),
            ("hevc", "yuv420p", Decoder::Cuda),
            ("hevc", "yuv420p10le", Decoder::Cuda),
            ("hevc", "yuv444p10le", Decoder::Cpu),
            ("vp9", "yuv420p10le", Decoder::Cuda),
            ("av1", "yuv420p10le", Decoder::Cuda),
            ("vp8", "yuv420p", Decoder::Cuda),
            ("mpeg2video", "yuv420p", Decoder::Cuda),
            ("mpeg4", "yuv420p", Decoder::Cpu),
            ("prores", "yuv422p10le", Decoder::Cpu),
            ("", "", Decoder::Cpu),
        ] {
            assert_eq!(named(codec, pixels), decoder, "{codec} {pixels}");
        }
    }

    #[test]
    fn what_the_gpu_has_no_filter_for_is_decoded_by_the_processor() {
        assert_eq!(decoder(|video| video.color_transfer = Some("smpte2084".to_owned())), Decoder::Cpu);
        assert_eq!(decoder(|video| video.color_transfer = Some("bt709".to_owned())), Decoder::Cuda);
        assert_eq!(decoder(|video| video.rotation = 90), Decoder::Cpu);
        assert_eq!(decoder(|video| video.width = 853), Decoder::Cpu);
        assert_eq!(decoder(|video| (video.width, video.sample_aspect_ratio) = (853, (64, 45))), Decoder::Cuda);
        assert_eq!(decoder(|video| video.interlaced = true), Decoder::Cuda);
    }
}
