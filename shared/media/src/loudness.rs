//! Bringing a clip's sound to one loudness.
//!
//! Measured first and then raised or lowered as a whole, so that whispers stay whispers: `loudnorm` in one pass changes
//! the gain all the time, and it takes its first three seconds to find it, a good part of a clip.

/// What is aimed at, in LUFS, and the highest peak left standing, in dBFS: those of EBU R 128 for streaming.
const TARGET: f64 = -16.0;
const CEILING: f64 = -1.5;
/// More gain than this would only raise noise.
const MOST: f64 = 24.0;

/// How a sound is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loudness {
    gain: f64,
    limited: bool,
}

impl Loudness {
    /// Reads the summary that ffmpeg's `ebur128` writes to stderr; `None` for silence.
    pub(crate) fn read(stderr: &str) -> Option<Self> {
        let summary = &stderr[stderr.rfind("Summary:")?..];
        let value = |name: &str, unit: &str| -> Option<f64> {
            let line = summary.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_suffix(unit))?;
            line.trim().parse().ok()
        };
        let loudness = value("I:", "LUFS").filter(|loudness| *loudness > -69.0)?;
        let peak = value("Peak:", "dBFS").unwrap_or(0.0);
        let gain = (TARGET - loudness).min(MOST);
        Some(Self { gain, limited: peak + gain > CEILING })
    }

    pub(crate) fn filter(&self) -> String {
        let volume = format!("volume={:.2}dB", self.gain);
        if !self.limited {
            return volume;
        }
        // `level` would raise the result again, up to full scale.
        format!("{volume},alimiter=limit={:.4}:level=false", 10_f64.powf(CEILING / 20.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(loudness: &str, peak: &str) -> String {
        format!(
            "[Parsed_ebur128_0 @ 0x1] Summary:\n\n  Integrated loudness:\n    I:         {loudness} LUFS\n    Threshold: \
             -33.0 LUFS\n\n  Loudness range:\n    LRA:         1.0 LU\n\n  Sample peak:\n    Peak:       {peak} dBFS\n"
        )
    }

    #[test]
    fn quiet_sound_is_raised_and_its_peaks_are_kept_below_the_ceiling() {
        let raised = Loudness::read(&summary("-26.0", "-20.0")).map(|l| l.filter());
        assert_eq!(raised.as_deref(), Some("volume=10.00dB"));
        let limited = Loudness::read(&summary("-26.0", "-4.0")).map(|l| l.filter());
        assert_eq!(limited.as_deref(), Some("volume=10.00dB,alimiter=limit=0.8414:level=false"));
    }

    #[test]
    fn silence_is_left_alone_and_noise_is_raised_only_so_far() {
        assert_eq!(Loudness::read(&summary("-70.0", "-inf")), None);
        assert_eq!(Loudness::read("no summary"), None);
        assert_eq!(Loudness::read(&summary("-65.0", "-60.0")).map(|l| l.gain), Some(MOST));
    }
}
