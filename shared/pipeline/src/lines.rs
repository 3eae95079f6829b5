use langflix_domain::{ManifestClip, Span};
use langflix_subtitles::write_vtt;

/// The lines of a clip's scene, or their translations, as WebVTT with times counted from the clip's start; `None` where
/// nothing was encoded.
pub fn clip_lines(clip: &ManifestClip, translated: bool) -> Option<String> {
    let bounds = clip.encoded.as_ref()?.bounds;
    let lines = clip.cues.iter().filter_map(|cue| {
        let text = if translated { cue.translation.as_deref()? } else { &cue.text };
        let (start, end) = (cue.span.start.max(bounds.start), cue.span.end.min(bounds.end));
        (start < end).then(|| (Span { start: start - bounds.start, end: end - bounds.start }, text))
    });
    Some(write_vtt(lines))
}
