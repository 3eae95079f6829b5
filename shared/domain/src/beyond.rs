use crate::{CueKind, MediaTime, Transcript};

/// How late credits may come: a cue that starts later than this after the end is far out.
const FAR: MediaTime = MediaTime::from_secs(60);
/// Most cues near the end that are taken for credits, however few cues there are in all.
const FEW: usize = 3;
/// The share of cues, as one in so many, above which they are no longer a tail of credits.
const ONE_IN: usize = 20;

/// Cues that start after the end of the video, too many or too late to be credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeyondEnd {
    /// How many cues start at or after the end, adverts apart.
    pub cues: usize,
    /// When the last of them starts.
    pub last: MediaTime,
}

/// Whether a transcript is unlikely to be that of a video of `duration`, since it goes on after the video's end.
///
/// It goes on where two cues start over a minute late, where over 5 % of the cues lie beyond the end (three within a
/// minute are credits), or where no cue lies before it. Adverts count for nothing: some are set hours late on purpose.
pub fn beyond_end(transcript: &Transcript, duration: MediaTime) -> Option<BeyondEnd> {
    let starts = || transcript.cues.iter().filter(|cue| cue.kind != CueKind::Advert).map(|cue| cue.span.start);
    let all = starts().count();
    let late: Vec<MediaTime> = starts().filter(|&start| start >= duration).collect();
    let far = late.iter().filter(|&&start| start - duration > FAR).count();
    let last = late.iter().max().copied()?;
    let many = late.len() * ONE_IN > all && (late.len() > FEW || far > 0);
    (far > 1 || many || late.len() == all).then_some(BeyondEnd { cues: late.len(), last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cue, Span};

    const END: MediaTime = MediaTime::from_secs(1_000);

    fn transcript(starts: impl IntoIterator<Item = (i64, CueKind)>) -> Transcript {
        let cue = |(second, kind): (i64, CueKind)| Cue {
            span: Span::from_millis(second * 1000, second * 1000 + 2000),
            text: "x".to_owned(),
            speaker: None,
            kind,
        };
        Transcript { language: None, cues: starts.into_iter().map(cue).collect() }
    }

    fn speech(starts: impl IntoIterator<Item = i64>) -> Transcript {
        transcript(starts.into_iter().map(|second| (second, CueKind::Speech)))
    }

    #[test]
    fn subtitles_within_the_video_or_a_little_beyond_belong_to_it() {
        for starts in
            [vec![], vec![0, 999], (0..100).map(|n| n * 10).chain([1_001, 1_020, 1_060]).collect(), vec![5, 1_059]]
        {
            assert_eq!(beyond_end(&speech(starts.clone()), END), None, "{starts:?}");
        }
    }

    #[test]
    fn one_cue_with_a_wrong_time_does_not_make_another_film() {
        assert_eq!(beyond_end(&speech((0..100).map(|n| n * 10).chain([9_000])), END), None);
    }

    #[test]
    fn subtitles_that_go_on_after_the_end_are_those_of_another_film() {
        let longer = speech((0..300).map(|n| n * 4));
        assert_eq!(beyond_end(&longer, END), Some(BeyondEnd { cues: 50, last: MediaTime::from_secs(1_196) }));
        let two_far_out = speech((0..100).map(|n| n * 10).chain([1_061, 1_065]));
        assert_eq!(beyond_end(&two_far_out, END), Some(BeyondEnd { cues: 2, last: MediaTime::from_secs(1_065) }));
        let dense_tail = speech((0..60).map(|n| n * 16).chain([1_000, 1_010, 1_020, 1_030]));
        assert_eq!(beyond_end(&dense_tail, END), Some(BeyondEnd { cues: 4, last: MediaTime::from_secs(1_030) }));
        assert_eq!(beyond_end(&speech([1_000]), END), Some(BeyondEnd { cues: 1, last: END }));
        assert_eq!(beyond_end(&speech([1, 2, 7_000]), END).map(|beyond| beyond.cues), Some(1));
    }

    #[test]
    fn adverts_long_after_the_end_count_for_nothing() {
        let cues = [(0, CueKind::Speech), (35_999, CueKind::Advert), (36_000, CueKind::Advert)];
        assert_eq!(beyond_end(&transcript(cues), END), None);
    }
}
