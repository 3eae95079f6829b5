use langflix_domain::{EncodeSpec, Quality, VideoCodec};

use crate::quality::{presets, settings};

/// The same quality from x264, for a clip whose encoder cannot encode it.
pub fn in_software(encode: &EncodeSpec) -> EncodeSpec {
    let (codec, x264) = (encode.codec, VideoCodec::Libx264);
    let balanced = |codec| i16::from(settings(codec, Quality::Balanced).1);
    let crf = i16::from(encode.crf) - balanced(codec) + balanced(x264);
    // The preset of the quality by name that comes closest in the list of the encoder's own.
    let place = |name: &str| presets(codec).iter().position(|&preset| preset == name);
    let qualities = [Quality::Fast, Quality::Balanced, Quality::High];
    let distance = |quality: &Quality| {
        let named = place(settings(codec, *quality).0);
        place(&encode.preset).zip(named).map_or(usize::MAX, |(asked, named)| asked.abs_diff(named))
    };
    let closest = match presets(codec).is_empty() {
        true => Quality::Balanced,
        false => qualities.into_iter().min_by_key(distance).unwrap_or_default(),
    };
    EncodeSpec {
        codec: x264,
        preset: settings(x264, closest).0.to_owned(),
        crf: u8::try_from(crf.clamp(0, 51)).unwrap_or(encode.crf),
        ..encode.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use langflix_domain::CutMethod;

    use super::*;

    fn of(codec: VideoCodec, preset: &str, crf: u8) -> (String, u8) {
        let threads = NonZeroU8::MIN;
        let method = CutMethod::Reencode;
        let spec = EncodeSpec { codec, method, preset: preset.to_owned(), crf, threads, normalize_loudness: true };
        let encode = in_software(&spec);
        assert_eq!((encode.codec, encode.threads, encode.normalize_loudness), (VideoCodec::Libx264, threads, true));
        (encode.preset, encode.crf)
    }

    #[test]
    fn a_quality_by_name_is_the_same_quality_of_x264() {
        for codec in VideoCodec::ALL {
            for quality in [Quality::Fast, Quality::Balanced, Quality::High] {
                let (preset, crf) = settings(codec, quality);
                let (same, same_crf) = settings(VideoCodec::Libx264, quality);
                let found = of(codec, preset, crf);
                assert_eq!(found.1, same_crf, "{codec:?}");
                assert!(found.0 == same || codec == VideoCodec::H264Vaapi, "{codec:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_quality_of_ones_own_comes_as_close_as_there_is() {
        assert_eq!(of(VideoCodec::H264Nvenc, "p7", 20), ("medium".to_owned(), 17));
        assert_eq!(of(VideoCodec::HevcNvenc, "p1", 2), ("veryfast".to_owned(), 0));
        assert_eq!(of(VideoCodec::H264Vaapi, "default", 51), ("fast".to_owned(), 49));
    }
}
