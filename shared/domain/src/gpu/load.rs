use std::{iter, ops};

use crate::VideoStream;

/// How heavy clips are to encode, in thousandths of 1920×1080 at 30 frames a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load(u32);

impl Load {
    /// A clip of 1920×1080 at 30 frames a second.
    pub const FULL_HD: Self = Self(1000);

    /// The least that a clip weighs: opening a session and starting ffmpeg cost the same for the smallest.
    pub const LEAST: Self = Self(125);

    /// What one encoder engine takes at once.
    ///
    /// Measured with two 1080p clips at the preset p7: 243 frames a second at 59 % of an L40S with three engines, 184 at
    /// 72 % of an RTX 4080 SUPER with two. So an engine encodes about 130 a second, four such clips in real time. This
    /// is twice that, an estimate: a short clip is read and begun for as long as it is encoded, and the busy engine
    /// itself is seen by its utilization.
    pub const ENGINE: Self = Self(8 * Self::FULL_HD.0);

    /// The load of one clip of that picture. A rate that is not known, with a zero in it, counts as 30 frames a second.
    pub fn of(video: &VideoStream) -> Self {
        Self::of_frames(video.width, video.height, video.frame_rate)
    }

    fn of_frames(width: u32, height: u32, frame_rate: (u32, u32)) -> Self {
        let (frames, seconds) = if frame_rate.0 == 0 || frame_rate.1 == 0 { (30, 1) } else { frame_rate };
        let pixels = u128::from(width) * u128::from(height) * u128::from(frames);
        let unit = 1920 * 1080 * 30 * u128::from(seconds);
        let weight = (pixels * u128::from(Self::FULL_HD.0) / unit).try_into().unwrap_or(u32::MAX);
        Self(weight).max(Self::LEAST)
    }

    /// The same load so many times.
    pub(super) fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// What each of so many clips weighs.
    pub(super) fn each_of(self, clips: u32) -> Self {
        Self(self.0 / clips.max(1)).max(Self::LEAST)
    }

    /// How many of `clip` fit into what is left beside `taken`.
    pub(super) fn room(self, taken: Self, clip: Self) -> u32 {
        self.0.saturating_sub(taken.0) / clip.0.max(1)
    }
}

impl ops::Add for Load {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl ops::AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl ops::SubAssign for Load {
    fn sub_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_sub(other.0);
    }
}

impl iter::Sum for Load {
    fn sum<I: Iterator<Item = Self>>(loads: I) -> Self {
        loads.fold(Self::default(), |sum, load| sum + load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_weighs_by_its_pixels_a_second_and_never_nothing() {
        for (width, height, frame_rate, thousandths) in [
            (1920, 1080, (30, 1), 1000),
            (3840, 2160, (60, 1), 8000),
            (1920, 1080, (24000, 1001), 799),
            (720, 480, (30, 1), 166),
            (320, 240, (15, 1), 125),
            (0, 0, (0, 0), 125),
            (1920, 1080, (25, 0), 1000),
            (u32::MAX, u32::MAX, (u32::MAX, 1), u32::MAX),
        ] {
            assert_eq!(Load::of_frames(width, height, frame_rate), Load(thousandths), "{width}×{height}");
        }
    }

    #[test]
    fn loads_add_up_without_an_end() {
        assert_eq!([Load::FULL_HD, Load(500)].into_iter().sum::<Load>(), Load(1500));
        assert_eq!(Load(u32::MAX) + Load::FULL_HD, Load(u32::MAX));
    }
}
