//! What a sample of a picture's packets says of its keyframes and its rate.

use langflix_domain::{MediaInfo, MediaTime};

use crate::args;

/// How much is looked at, in seconds: at the beginning, and in the middle where keyframes are further apart.
const BEGINNING: i64 = 5;
const MIDDLE: i64 = 25;
/// Most packets worth looking at in each.
const MOST: usize = 5000;

/// A packet of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// When it is shown, on the container's clock.
    pub(crate) at: MediaTime,
    /// Whether decoding can begin here.
    pub(crate) key: bool,
}

/// What the sample says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Median distance of keyframes.
    pub(crate) keyframe_interval: Option<MediaTime>,
    /// Median distance of frames in milliseconds, and whether they last differently long; `None` for too small a sample.
    pub(crate) frames: Option<(i64, bool)>,
}

/// ffprobe's name for a stretch of the container's clock.
pub(crate) fn stretch(from: MediaTime, to: MediaTime) -> String {
    format!("{}%{}", args::seconds(from), args::seconds(to))
}

/// The stretches to sample.
pub(crate) fn sampled(info: &MediaInfo) -> String {
    let (start, middle) = (info.start_time, info.start_time + MediaTime::from_millis(info.duration.as_millis() / 2));
    let beginning = stretch(start, start + MediaTime::from_secs(BEGINNING));
    if info.duration < MediaTime::from_secs(2 * MIDDLE) {
        return stretch(start, start + MediaTime::from_secs(2 * MIDDLE));
    }
    format!("{beginning},{}", stretch(middle, middle + MediaTime::from_secs(MIDDLE)))
}

/// Reads ffprobe's lines `time,flags`.
pub(crate) fn read(csv: &[u8]) -> Vec<Packet> {
    let line = |line: &str| {
        let (time, flags) = line.split_once(',')?;
        Some(Packet { at: MediaTime::from_millis(crate::report::millis(time)?), key: flags.starts_with('K') })
    };
    String::from_utf8_lossy(csv).lines().take(2 * MOST).filter_map(line).collect()
}

/// What the packets say. Distances over two seconds apart from any other belong to the jump between two stretches.
pub(crate) fn sample(packets: &[Packet]) -> Sample {
    let mut times: Vec<i64> = packets.iter().map(|packet| packet.at.as_millis()).collect();
    times.sort_unstable();
    times.dedup();
    let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // One step may be the jump from stretch to stretch.
    steps.sort_unstable();
    steps.pop();
    let mut keys: Vec<i64> = packets.iter().filter(|packet| packet.key).map(|packet| packet.at.as_millis()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut gaps: Vec<i64> = keys.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap < 60_000).collect();
    gaps.sort_unstable();
    let frames = (steps.len() >= 10).then(|| {
        let median = steps[steps.len() / 2];
        // Whole milliseconds: Matroska rounds to them.
        let differs = |step: i64| (step - median).abs() > median / 4 + 1;
        (median, steps.iter().filter(|step| differs(**step)).count() * 50 > steps.len())
    });
    Sample { keyframe_interval: gaps.get(gaps.len() / 2).copied().map(MediaTime::from_millis), frames }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(steps: &[i64], every: usize) -> Vec<Packet> {
        let mut now = 0;
        let mut out = Vec::new();
        for (number, step) in steps.iter().cycle().take(200).enumerate() {
            out.push(Packet { at: MediaTime::from_millis(now), key: number % every == 0 });
            now += step;
        }
        out
    }

    #[test]
    fn a_constant_rate_rounded_to_milliseconds_is_constant() {
        let sample = sample(&packets(&[41, 42, 42], 48));
        assert_eq!(sample.frames, Some((42, false)));
        assert_eq!(sample.keyframe_interval, Some(MediaTime::from_millis(2000)));
    }

    #[test]
    fn frames_that_last_differently_long_are_seen() {
        assert_eq!(sample(&packets(&[42, 42, 125], 50)).frames, Some((42, true)));
    }

    #[test]
    fn one_keyframe_says_nothing_of_their_distance() {
        assert_eq!(sample(&packets(&[40], 1000)).keyframe_interval, None);
        assert_eq!(sample(&[]), Sample::default());
    }

    #[test]
    fn lines_of_ffprobe_are_read_and_those_without_a_time_are_left_out() {
        let read = read(b"1.001000,K_\nN/A,__\n1.042,__,\n");
        assert_eq!(read.len(), 2);
        assert_eq!(read[0], Packet { at: MediaTime::from_millis(1001), key: true });
        assert!(!read[1].key);
    }
}
