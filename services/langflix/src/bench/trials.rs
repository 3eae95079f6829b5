//! Which ways of encoding are tried.

use std::num::{NonZeroU8, NonZeroUsize};

use langflix_domain::{CutMethod, EncodeSpec, Quality, VideoCodec};
use langflix_media::{Asked, Capacity, Machine, presets, settings};
use langflix_runtime::config::Video;

/// The encoders that `video.hardware_acceleration: auto` takes, the first that works.
const AUTOMATIC: [VideoCodec; 4] =
    [VideoCodec::H264Nvenc, VideoCodec::H264Qsv, VideoCodec::H264Vaapi, VideoCodec::Libx264];

/// Why something is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is what the defaults do.
    Default,
    /// It is another encoder.
    Encoder,
    /// It is another number of clips at once, or of threads.
    AtOnce,
    /// It is what the defaults do once more: the difference is noise.
    Again,
    /// It is another quality, which is a matter of taste.
    Quality,
}

/// One way of encoding clips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    pub(super) role: Role,
    pub(super) encode: EncodeSpec,
    /// Clips at once.
    pub(super) slots: NonZeroUsize,
    /// What the settings would have to ask for.
    pub(super) asked: Asked,
}

/// What the choice of trials depends on.
pub(super) struct Choice<'a> {
    pub(super) video: &'a Video,
    /// What `processing.max_concurrent_jobs` and `video.threads` ask for now.
    pub(super) configured: Asked,
    pub(super) machine: Machine,
    /// Width and height of the source.
    pub(super) size: (u32, u32),
    /// The encoders that work here.
    pub(super) usable: &'a [VideoCodec],
    pub(super) quick: bool,
}

impl Choice<'_> {
    /// What the defaults do here; `None` where no encoder of theirs works.
    pub(super) fn default(&self) -> Option<Trial> {
        let codec = AUTOMATIC.into_iter().find(|codec| self.usable.contains(codec))?;
        Some(self.trial(Role::Default, codec, None, Asked::default()))
    }

    /// The other encoders that work here.
    pub(super) fn encoders(&self) -> Vec<Trial> {
        let default = self.default().map(|trial| trial.encode.codec);
        let others = self.usable.iter().filter(|codec| Some(**codec) != default);
        others.map(|codec| self.trial(Role::Encoder, *codec, None, Asked::default())).collect()
    }

    /// Other numbers of clips at once and of threads for this encoder, each once.
    pub(super) fn at_once(&self, codec: VideoCodec) -> Vec<Trial> {
        let of = |asked| self.trial(Role::AtOnce, codec, None, asked);
        let default = of(Asked::default());
        let (slots, threads) = (default.slots.get(), default.encode.threads.get());
        let numbers: &[usize] = if self.quick { &[slots + 1] } else { &[1, slots + 1, 2 * slots + 1] };
        let mut all: Vec<Asked> = vec![self.configured];
        all.extend(numbers.iter().map(|&slots| Asked { slots, threads: 0 }));
        if !self.quick && threads > 1 {
            all.push(Asked { slots: 0, threads: threads.div_ceil(2) });
        }
        let mut trials: Vec<Trial> = Vec::new();
        for trial in all.into_iter().map(of) {
            let same = |other: &Trial| (other.slots, other.encode.threads) == (trial.slots, trial.encode.threads);
            if !same(&default) && !trials.iter().any(same) {
                trials.push(trial);
            }
        }
        trials
    }

    /// The other qualities by name for this encoder.
    pub(super) fn qualities(&self, codec: VideoCodec) -> Vec<Trial> {
        if self.quick {
            return Vec::new();
        }
        let others = [Quality::Fast, Quality::Balanced, Quality::High];
        let own = self.trial(Role::Quality, codec, None, Asked::default());
        let of = |quality| self.trial(Role::Quality, codec, Some(quality), Asked::default());
        others.into_iter().map(of).filter(|trial| trial.encode != own.encode).collect()
    }

    /// So many trials there are at most.
    pub(super) fn most(&self) -> usize {
        let Some(default) = self.default() else { return 0 };
        let of = |codec| self.at_once(codec).len() + self.qualities(codec).len();
        // Which encoder is the best is known only later.
        let most = self.usable.iter().map(|codec| of(*codec)).max().unwrap_or_else(|| of(default.encode.codec));
        2 + self.encoders().len() + most
    }

    fn trial(&self, role: Role, codec: VideoCodec, quality: Option<Quality>, asked: Asked) -> Trial {
        let Capacity { slots, threads } = self.machine.share(codec, asked, self.size);
        Trial { role, encode: self.encode(codec, quality, threads), slots, asked }
    }

    /// As the settings have it, unless another quality is asked for.
    fn encode(&self, codec: VideoCodec, quality: Option<Quality>, threads: NonZeroU8) -> EncodeSpec {
        let (preset, crf) = settings(codec, quality.unwrap_or(self.video.quality));
        // One encoder's preset says nothing to another, nor does its number for a quality.
        let own = |preset: &&String| quality.is_none() && presets(codec).contains(&preset.as_str());
        let given = self.video.preset.as_ref().filter(own);
        let takes_crf = quality.is_none() && self.default_codec_is(codec);
        EncodeSpec {
            codec,
            method: CutMethod::Reencode,
            preset: given.cloned().unwrap_or_else(|| preset.to_owned()),
            crf: self.video.crf.filter(|_| takes_crf).unwrap_or(crf),
            threads,
            normalize_loudness: self.video.normalize_loudness,
        }
    }

    /// Whether a number for the quality in the settings is meant for this encoder.
    fn default_codec_is(&self, codec: VideoCodec) -> bool {
        let default = AUTOMATIC.into_iter().find(|codec| self.usable.contains(codec));
        self.video.codec.or(default) == Some(codec)
    }
}

#[cfg(test)]
mod tests {
    use langflix_runtime::config::{Config, Sources};

    use super::*;

    fn with<T>(
        cores: usize,
        usable: &[VideoCodec],
        configured: Asked,
        quick: bool,
        look: impl Fn(&Choice<'_>) -> T,
    ) -> T {
        let config = Config::load(&Sources::default()).unwrap();
        let machine = Machine { cores: NonZeroUsize::new(cores).unwrap(), memory_mb: 64_000 };
        look(&Choice { video: &config.video, configured, machine, size: (1920, 1080), usable, quick })
    }

    fn shares(trials: &[Trial]) -> Vec<(usize, u8)> {
        trials.iter().map(|trial| (trial.slots.get(), trial.encode.threads.get())).collect()
    }

    #[test]
    fn each_number_of_clips_and_threads_is_tried_once_and_the_configured_one_first() {
        let x264 = VideoCodec::Libx264;
        let tried = |cores, configured| with(cores, &[x264], configured, false, |choice| shares(&choice.at_once(x264)));
        assert_eq!(tried(2, Asked::default()), [(2, 2), (3, 2)]);
        assert_eq!(tried(8, Asked { slots: 6, threads: 1 }), [(6, 1), (1, 8), (3, 6), (5, 4), (3, 4)]);
    }

    #[test]
    fn the_default_is_the_first_encoder_that_works_and_all_others_are_tried() {
        let usable = [VideoCodec::HevcNvenc, VideoCodec::H264Vaapi, VideoCodec::Libx264];
        with(4, &usable, Asked::default(), false, |choice| {
            assert_eq!(choice.default().unwrap().encode.codec, VideoCodec::H264Vaapi);
            let others: Vec<_> = choice.encoders().iter().map(|trial| trial.encode.codec).collect();
            assert_eq!(others, [VideoCodec::HevcNvenc, VideoCodec::Libx264]);
        });
        assert!(with(4, &[VideoCodec::HevcNvenc], Asked::default(), false, |choice| choice.default().is_none()));
    }

    #[test]
    fn a_quick_look_leaves_qualities_out() {
        let x264 = VideoCodec::Libx264;
        let counts =
            |quick| with(4, &[x264], Asked::default(), quick, |choice| (choice.qualities(x264).len(), choice.most()));
        let (full, quick) = (counts(false), counts(true));
        assert_eq!((full.0, quick), (2, (0, 3)));
        assert!(full.1 > quick.1);
    }
}
