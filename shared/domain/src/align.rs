use crate::{CueKind, Expression, MediaTime, Transcript};

/// The translation of each cue of `source` from the cues of `target` shown at the same time.
///
/// Many to many: each target cue goes to the source cue it shares most time with, and a source cue that got none shares
/// the text of the target cue that covers at least half of it.
pub fn align(source: &Transcript, target: &Transcript) -> Vec<Option<String>> {
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); source.cues.len()];
    let mut from = 0;
    for (at, cue) in target.cues.iter().enumerate() {
        if cue.kind == CueKind::Advert {
            continue;
        }
        // A cue rarely lasts over a minute: those that began earlier cannot reach this one.
        while source
            .cues
            .get(from)
            .is_some_and(|s| s.span.end < cue.span.start && cue.span.start - s.span.start > MediaTime::from_secs(60))
        {
            from += 1;
        }
        let best = (from..source.cues.len())
            .take_while(|&s| source.cues[s].span.start < cue.span.end)
            .map(|s| (source.cues[s].span.overlap(cue.span), std::cmp::Reverse(s)))
            .filter(|(overlap, _)| *overlap > MediaTime::ZERO)
            .max();
        if let Some((_, std::cmp::Reverse(s))) = best {
            parts[s].push(at);
        }
    }
    let texts =
        |indices: &[usize]| indices.iter().map(|&at| target.cues[at].text.as_str()).collect::<Vec<_>>().join("\n");
    let mut out: Vec<Option<String>> = parts.iter().map(|p| (!p.is_empty()).then(|| texts(p))).collect();
    share(source, target, &parts, &mut out);
    out
}

fn share(source: &Transcript, target: &Transcript, parts: &[Vec<usize>], out: &mut [Option<String>]) {
    for (s, text) in out.iter_mut().enumerate().filter(|(_, text)| text.is_none()) {
        let span = source.cues[s].span;
        let near = s.saturating_sub(2)..(s + 3).min(parts.len());
        let covering = near
            .flat_map(|n| parts[n].iter())
            .find(|&&t| target.cues[t].span.overlap(span).as_millis() * 2 >= span.duration().as_millis().max(1));
        *text = covering.map(|&t| target.cues[t].text.clone());
    }
}

/// Fills an expression's translations of its line and its scene from `aligned`, one entry a cue of the transcript.
pub fn apply_translations(expression: &mut Expression, aligned: &[Option<String>]) {
    let of = |index: usize| aligned.get(index).cloned().flatten();
    expression.scene_translations = expression.scene.indices().map(of).collect();
    let mut lines: Vec<String> = expression.cues.indices().filter_map(of).map(|text| text.replace('\n', " ")).collect();
    lines.dedup();
    expression.line_translation = (!lines.is_empty()).then(|| lines.join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cue, Span};

    fn transcript(cues: &[(i64, i64, &str)]) -> Transcript {
        let cue = |&(start, end, text): &(i64, i64, &str)| Cue {
            span: Span::from_millis(start, end),
            text: text.to_owned(),
            speaker: None,
            kind: CueKind::Speech,
        };
        Transcript { language: None, cues: cues.iter().map(cue).collect() }
    }

    #[test]
    fn cues_meet_by_time_many_to_many() {
        let source = transcript(&[(0, 2000, "a"), (2000, 4000, "b"), (4000, 8000, "c"), (20_000, 21_000, "d")]);
        let target = transcript(&[(0, 4000, "AB"), (4100, 6000, "C1"), (6000, 8000, "C2")]);
        let aligned = align(&source, &target);
        let expected = [Some("AB"), Some("AB"), Some("C1\nC2"), None].map(|text| text.map(str::to_owned));
        assert_eq!(aligned, expected);
    }
}
