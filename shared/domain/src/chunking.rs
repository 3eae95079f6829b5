use crate::{AnalysisRequest, Chunk, CueKind, CueRange, LanguageTag, LearnerLevel, RequestLine, Transcript, sentence};

/// How much text goes into one chunk, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Most characters to take expressions from; a longer single cue is its own chunk.
    pub chunk_size: usize,
    /// Most characters with the context around them.
    pub max_input_length: usize,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self { chunk_size: 1400, max_input_length: 1680 }
    }
}

/// Most cues of context on each side.
const CONTEXT_CUES: usize = 2;

/// Parts the transcript: each cue is in exactly one chunk, sentences are kept whole where they fit.
pub fn chunk(transcript: &Transcript, limits: ChunkLimits) -> Vec<Chunk> {
    let cues = &transcript.cues;
    let lengths: Vec<usize> = cues.iter().map(|cue| cue.text.chars().count() + 1).collect();
    let mut chunks = Vec::new();
    let mut first = 0;
    while first < cues.len() {
        let last = last_of(transcript, &lengths, first, limits.chunk_size);
        let cues = CueRange { first: first as u32, last: last as u32 };
        let with_context = context(&lengths, cues, limits.max_input_length);
        chunks.push(Chunk { position: chunks.len() as u32, cues, with_context });
        first = last + 1;
    }
    chunks
}

fn last_of(transcript: &Transcript, lengths: &[usize], first: usize, size: usize) -> usize {
    let mut total = 0;
    let mut fits = first;
    let mut sentence_end = None;
    for (at, length) in lengths.iter().enumerate().skip(first) {
        total += length;
        if total > size && at > first {
            break;
        }
        fits = at;
        match (transcript.cues.get(at), transcript.cues.get(at + 1)) {
            (Some(before), Some(after)) if sentence::ends_between(before, after) => sentence_end = Some(at),
            (_, None) => return at,
            _ => {}
        }
    }
    sentence_end.unwrap_or(fits)
}

fn context(lengths: &[usize], cues: CueRange, most: usize) -> CueRange {
    let mut left = most.saturating_sub(cues.indices().map(|at| lengths[at]).sum());
    let mut range = cues;
    for _ in 0..CONTEXT_CUES {
        if let Some(length) = range.first.checked_sub(1).map(|at| lengths[at as usize]).filter(|&length| length <= left)
        {
            left -= length;
            range.first -= 1;
        }
        if let Some(&length) = lengths.get(range.last as usize + 1).filter(|&&length| length <= left) {
            left -= length;
            range.last += 1;
        }
    }
    range
}

/// The chunk in two, parted where a sentence ends if one does near the middle; the other half is context.
/// `None` for a single cue.
pub fn halves(transcript: &Transcript, chunk: &Chunk) -> Option<[Chunk; 2]> {
    let CueRange { first, last } = chunk.cues;
    let middle = first + (last.checked_sub(first)?.checked_sub(1)?) / 2;
    let ends = |at: u32| match transcript.slice(CueRange { first: at, last: at + 1 }) {
        [before, after] => sentence::ends_between(before, after),
        _ => false,
    };
    let reach = (last - first) / 4;
    let near = (0..=reach).flat_map(|by| [Some(middle + by), middle.checked_sub(by)]).flatten();
    let at = near.filter(|at| (first..last).contains(at)).find(|&at| ends(at)).unwrap_or(middle);
    let part = |first, last| Chunk { cues: CueRange { first, last }, ..*chunk };
    Some([part(first, at), part(at + 1, last)])
}

/// What every request of a run has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisSettings {
    /// The language of the episode.
    pub source_language: LanguageTag,
    /// The language to translate into.
    pub language: LanguageTag,
    /// The learner's level.
    pub level: LearnerLevel,
    /// Fewest expressions wanted of a chunk.
    pub min_expressions: u8,
    /// Most expressions wanted of a chunk.
    pub max_expressions: u8,
    /// Whether the model translates the lines.
    pub translate_lines: bool,
}

/// What is asked about `chunk`.
pub fn request(transcript: &Transcript, chunk: &Chunk, settings: &AnalysisSettings) -> AnalysisRequest {
    let shown = transcript.slice(chunk.with_context);
    let zero = shown.first().map(|cue| cue.span.start).unwrap_or_default();
    let lines = chunk.with_context.indices().zip(shown).map(|(index, cue)| RequestLine {
        text: cue.text.replace('\n', " "),
        offset_ms: (cue.span.start - zero).as_millis(),
        duration_ms: cue.span.duration().as_millis(),
        // Music and signs help to understand; nobody says them.
        context: !chunk.cues.contains(index as u32) || cue.kind != CueKind::Speech,
    });
    AnalysisRequest {
        source_language: settings.source_language.clone(),
        language: settings.language.clone(),
        level: settings.level,
        min_expressions: settings.min_expressions,
        max_expressions: settings.max_expressions,
        translate_lines: settings.translate_lines,
        lines: lines.collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Cue, Span};

    fn transcript(texts: &[String]) -> Transcript {
        let cue = |(at, text): (usize, &String)| Cue {
            span: Span::from_millis(at as i64 * 2000, at as i64 * 2000 + 1900),
            text: text.clone(),
            speaker: None,
            kind: CueKind::Speech,
        };
        Transcript { language: None, cues: texts.iter().enumerate().map(cue).collect() }
    }

    #[test]
    fn a_sentence_across_cues_is_not_parted_where_it_fits() {
        let texts = ["First one is here.", "The second goes on", "and ends here.", "Third."].map(String::from);
        let limits = ChunkLimits { chunk_size: 45, max_input_length: 45 };
        let ranges: Vec<(u32, u32)> =
            chunk(&transcript(&texts), limits).iter().map(|c| (c.cues.first, c.cues.last)).collect();
        assert_eq!(ranges, [(0, 0), (1, 3)]);
    }

    #[test]
    fn context_is_marked_and_never_repeated_as_content() {
        let texts: Vec<String> = (0..6).map(|n| format!("Line number {n}.")).collect();
        let transcript = transcript(&texts);
        let chunks = chunk(&transcript, ChunkLimits { chunk_size: 34, max_input_length: 66 });
        let settings = AnalysisSettings {
            source_language: "en".parse().unwrap(),
            language: "ko".parse().unwrap(),
            level: LearnerLevel::Intermediate,
            min_expressions: 1,
            max_expressions: 3,
            translate_lines: true,
        };
        let lines = request(&transcript, &chunks[1], &settings).lines;
        let marks: Vec<(&str, bool)> = lines.iter().map(|line| (line.text.as_str(), line.context)).collect();
        let expected =
            [("Line number 1.", true), ("Line number 2.", false), ("Line number 3.", false), ("Line number 4.", true)];
        assert_eq!(marks, expected);
        assert_eq!(lines[1].offset_ms, 2000);
    }

    #[test]
    fn halves_part_where_a_sentence_ends_and_end_at_one_cue() {
        let texts = ["One.", "Two goes", "on and on.", "Three.", "Four."].map(String::from);
        let transcript = transcript(&texts);
        let cues = CueRange { first: 0, last: 4 };
        let [left, right] = halves(&transcript, &Chunk { position: 0, cues, with_context: cues }).unwrap();
        assert_eq!((left.cues, right.cues), (CueRange { first: 0, last: 2 }, CueRange { first: 3, last: 4 }));
        assert_eq!(left.with_context, cues);
        let [one, _] = halves(&transcript, &right).unwrap();
        assert!(halves(&transcript, &one).is_none());
    }

    proptest! {
        #[test]
        fn every_cue_is_in_exactly_one_chunk_and_limits_hold(
            texts in prop::collection::vec("[a-z가-힣 .?]{1,60}", 0..80),
            size in 1usize..300,
            extra in 0usize..100,
        ) {
            let transcript = transcript(&texts);
            let limits = ChunkLimits { chunk_size: size, max_input_length: size + extra };
            let chunks = chunk(&transcript, limits);
            let covered: Vec<usize> = chunks.iter().flat_map(|chunk| chunk.cues.indices()).collect();
            prop_assert_eq!(covered, (0..texts.len()).collect::<Vec<_>>());
            for chunk in &chunks {
                let length = |range: CueRange| transcript.slice(range).iter().map(|c| c.text.chars().count() + 1).sum::<usize>();
                prop_assert!(length(chunk.cues) <= size || chunk.cues.first == chunk.cues.last);
                prop_assert!(chunk.with_context.covers(chunk.cues));
                prop_assert!(length(chunk.with_context) <= (size + extra).max(length(chunk.cues)));
            }
        }
    }
}
