use crate::{Cue, CueKind, Expression, MediaTime, Span, Transcript};

/// A cue rarely lasts longer: those that began earlier cannot reach another one.
const REACH: MediaTime = MediaTime::from_secs(60);
/// Most cues that are looked at for one; typeset signs come by the thousand within a minute.
const MOST: usize = 1000;

/// The translation of each cue of `source` from the cues of `target` shown at the same time.
///
/// Many to many: each target cue goes to the source cue it shares most time with, and a source cue that got none shares
/// the text of the target cue that covers most of it, if that is at least a quarter. Signs and adverts of `target`
/// translate nothing.
pub fn align(source: &Transcript, target: &Transcript) -> Vec<Option<String>> {
    let said = |cue: &&Cue| !matches!(cue.kind, CueKind::Advert | CueKind::Sign);
    let target: Vec<&Cue> = target.cues.iter().filter(said).collect();
    let source: Vec<&Cue> = source.cues.iter().collect();
    let mut parts: Vec<Vec<&str>> = vec![Vec::new(); source.len()];
    let mut from = 0;
    for cue in &target {
        if let Some((at, _)) = most_shared(cue.span, &source, &mut from) {
            parts[at].push(&cue.text);
        }
    }
    let mut out = Vec::with_capacity(source.len());
    from = 0;
    for (cue, parts) in source.iter().zip(parts) {
        let shared = most_shared(cue.span, &target, &mut from);
        let covering = shared.filter(|(_, overlap)| overlap.as_millis() * 4 >= cue.span.duration().as_millis());
        let texts =
            if parts.is_empty() { covering.map(|(at, _)| target[at].text.clone()) } else { Some(parts.join("\n")) };
        out.push(texts);
    }
    out
}

/// The one of `cues` that runs longest at the same time as `span`, the earliest of equals, and for how long.
///
/// `from` is where the last search began to find anything: spans are asked for in the order of their starts.
fn most_shared(span: Span, cues: &[&Cue], from: &mut usize) -> Option<(usize, MediaTime)> {
    let is_past = |cue: &Cue| cue.span.end < span.start && span.start - cue.span.start > REACH;
    while cues.get(*from).is_some_and(|cue| is_past(cue)) {
        *from += 1;
    }
    let near = cues.iter().enumerate().skip(*from).take(MOST).take_while(|(_, cue)| cue.span.start < span.end);
    let shared = near.map(|(at, cue)| (at, cue.span.overlap(span))).filter(|(_, overlap)| *overlap > MediaTime::ZERO);
    shared.min_by_key(|(at, overlap)| (std::cmp::Reverse(*overlap), *at))
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

    #[test]
    fn a_source_cue_between_two_target_cues_takes_the_one_that_covers_more_of_it() {
        let source = transcript(&[(0, 1000, "a"), (1000, 3000, "b"), (3000, 9000, "c")]);
        let target = transcript(&[(0, 1700, "AB"), (2600, 9000, "C")]);
        let aligned = align(&source, &target);
        assert_eq!(aligned, ["AB", "AB", "C"].map(|text| Some(text.to_owned())));
    }

    #[test]
    fn signs_and_adverts_translate_nothing() {
        let source = transcript(&[(0, 2000, "a")]);
        let mut target = transcript(&[(0, 2000, "EXIT"), (0, 2000, "A"), (0, 2000, "www")]);
        target.cues[0].kind = CueKind::Sign;
        target.cues[2].kind = CueKind::Advert;
        assert_eq!(align(&source, &target), [Some("A".to_owned())]);
    }
}
