use serde::{Deserialize, Serialize};

use crate::{MediaInfo, MediaTime, SourceRead, Span};

/// The part of a source, in percent, from which on reading its ranges is no cheaper than to copy it once.
const MOST_BY_RANGES: u128 = 60;
/// A clip's sound is read before its picture, to measure how loud it is.
const READS: u128 = 2;
/// How often a reader is opened for a clip: for the silence before and behind it, its loudness, and itself.
const OPENED: u128 = 4;
/// What a reader takes besides: the first second of the film, to know its streams, and so many bytes of header and index
/// and of what is under way when it stops. Measured over HTTP with ffmpeg, a clip of 1 to 10 s of 60 s of Matroska at 20
/// Mbit/s: 33 to 82 MB, within 4 % of this.
const FIRST: MediaTime = MediaTime::from_secs(1);
const BESIDES: u128 = 1_000_000;
/// The distance of keyframes where it was not measured: encoders put them up to ten seconds apart.
const KEYFRAME_INTERVAL: MediaTime = MediaTime::from_secs(10);

/// What a run cuts from its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footage {
    /// How many clips.
    pub clips: u32,
    /// How long they are together, in milliseconds.
    pub length: MediaTime,
}

impl Footage {
    /// The clips that lie in these stretches.
    pub fn of(stretches: impl IntoIterator<Item = Span>) -> Self {
        let add = |all: Self, stretch: Span| Self { clips: all.clips + 1, length: all.length + stretch.duration() };
        stretches.into_iter().fold(Self::default(), add)
    }
}

/// How a source in the store is read of which a run cuts `footage`, where `room` bytes are kept for copies.
///
/// A copy that is there already is used. Otherwise one is made where the clips' ranges come to most of the file, and it
/// fits.
pub fn source_read(source: &MediaInfo, footage: Footage, room: u64, copied: bool) -> SourceRead {
    let most = u128::from(source.bytes) * MOST_BY_RANGES / 100;
    let pays = source.bytes <= room && by_ranges(source, footage) >= most;
    if copied || pays { SourceRead::Copy } else { SourceRead::Ranges }
}

/// About how many bytes are read where each clip is read by its ranges.
fn by_ranges(source: &MediaInfo, footage: Footage) -> u128 {
    let ms = |time: MediaTime| u128::try_from(time.as_millis()).unwrap_or_default();
    let clips = u128::from(footage.clips);
    // Each reader begins at the keyframe before its stretch, on average half the way back to it.
    let before = ms(source.keyframe_interval.unwrap_or(KEYFRAME_INTERVAL)) / 2;
    let read = ms(footage.length) * READS + clips * OPENED * (ms(FIRST) + before);
    // Only a length that nothing has would not fit.
    read.saturating_mul(source.bytes.into()) / ms(source.duration).max(1) + clips * OPENED * BESIDES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::VideoStream;

    const MB: u64 = 1_000_000;

    fn source(bytes: u64, seconds: i64, keyframe_interval: Option<i64>) -> MediaInfo {
        let video = VideoStream {
            index: 0,
            codec: "h264".to_owned(),
            width: 1920,
            height: 1080,
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
            duration: MediaTime::from_secs(seconds),
            start_time: MediaTime::ZERO,
            bytes,
            video,
            audio: Vec::new(),
            subtitles: Vec::new(),
            others: Vec::new(),
            keyframe_interval: keyframe_interval.map(MediaTime::from_secs),
        }
    }

    fn clips(clips: u32, seconds: i64) -> Footage {
        Footage { clips, length: MediaTime::from_secs(seconds * i64::from(clips)) }
    }

    #[test]
    fn few_clips_of_an_episode_are_read_by_range_and_many_from_a_copy() {
        let episode = source(1400 * MB, 24 * 60, Some(5));
        for (number, read) in [(1, SourceRead::Ranges), (15, SourceRead::Ranges), (40, SourceRead::Copy)] {
            assert_eq!(source_read(&episode, clips(number, 12), u64::MAX, false), read, "{number}");
        }
    }

    #[test]
    fn a_short_video_is_copied_for_one_clip() {
        assert_eq!(source_read(&source(3 * MB, 60, None), clips(1, 10), u64::MAX, false), SourceRead::Copy);
    }

    #[test]
    fn stretches_are_counted_and_their_lengths_added() {
        let all = Footage::of([Span::from_millis(0, 1500), Span::from_millis(500, 1000), Span::from_millis(9, 3)]);
        assert_eq!(all, Footage { clips: 3, length: MediaTime::from_millis(2000) });
    }

    proptest! {
        #[test]
        fn what_does_not_fit_is_never_copied_and_what_is_there_always_used(
            bytes in any::<u64>(), seconds in any::<i32>(), number in any::<u32>(), length in 0_i64..100, room in any::<u64>(),
        ) {
            let (file, footage) = (source(bytes, seconds.into(), None), clips(number, length));
            prop_assert_eq!(source_read(&file, footage, room, true), SourceRead::Copy);
            if bytes > room {
                prop_assert_eq!(source_read(&file, footage, room, false), SourceRead::Ranges);
            }
        }

        #[test]
        fn more_to_cut_never_turns_a_copy_into_ranges(
            bytes in any::<u64>(),
            seconds in 1_i64..100_000,
            keyframes in proptest::option::of(0_i64..60),
            number in 0_u32..1000,
            length in 0_i64..100,
            more in (0_u32..1000, 0_i64..10_000),
        ) {
            let (file, fewer) = (source(bytes, seconds, keyframes), clips(number, length));
            let longer = fewer.length + MediaTime::from_secs(more.1);
            let more = Footage { clips: fewer.clips + more.0, length: longer };
            let read = |footage| source_read(&file, footage, u64::MAX, false);
            prop_assert!(read(fewer) == SourceRead::Ranges || read(more) == SourceRead::Copy);
        }
    }
}
