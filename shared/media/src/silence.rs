//! Where a cut may fall without parting a sound.

use langflix_domain::{MediaTime, Span};

/// Reads ffmpeg's `silencedetect` lines; its times count from `from`.
pub(crate) fn read(stderr: &str, from: MediaTime, until: MediaTime) -> Vec<Span> {
    let mut out = Vec::new();
    let mut open: Option<MediaTime> = None;
    for line in stderr.lines() {
        let value = |name: &str| {
            let text = line.split_once(name)?.1.trim_start();
            crate::report::millis(text.split([' ', '|']).next()?).map(|ms| from + MediaTime::from_millis(ms.max(0)))
        };
        if let Some(start) = value("silence_start:") {
            open = Some(start);
        } else if let (Some(end), Some(start)) = (value("silence_end:"), open.take()) {
            out.push(Span { start, end });
        }
    }
    out.extend(open.map(|start| Span { start, end: until }));
    out
}

/// The bounds to cut: between `scene` and `window`, in the middle of a silence where one lies there.
///
/// Of several silences the one nearest the scene wins; without any, the scene's own bounds stand.
pub(crate) fn bounds(scene: Span, window: Span, silences: &[Span]) -> Span {
    let middle = |room: Span| {
        let fits = silences.iter().map(move |s| Span { start: s.start.max(room.start), end: s.end.min(room.end) });
        fits.filter(|s| s.start < s.end).map(|s| MediaTime::from_millis((s.start.as_millis() + s.end.as_millis()) / 2))
    };
    let start = middle(Span { start: window.start, end: scene.start }).max().unwrap_or(scene.start);
    let end = middle(Span { start: scene.end, end: window.end }).min().unwrap_or(scene.end);
    Span { start, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_move_outwards_into_silence_and_never_into_the_scene() {
        let (scene, window) = (Span::from_millis(1000, 5000), Span::from_millis(500, 5500));
        let silences = [Span::from_millis(600, 800), Span::from_millis(2000, 3000), Span::from_millis(5200, 9000)];
        assert_eq!(bounds(scene, window, &silences), Span::from_millis(700, 5350));
        assert_eq!(bounds(scene, window, &[]), scene);
    }

    #[test]
    fn silences_are_read_from_what_ffmpeg_says() {
        let text = "[silencedetect @ 0x1] silence_start: 0.25\n[silencedetect @ 0x1] silence_end: 0.5 | silence_duration: 0.25\n\
                    [silencedetect @ 0x1] silence_start: 0.9";
        let found = read(text, MediaTime::from_secs(10), MediaTime::from_secs(11));
        assert_eq!(found, [Span::from_millis(10_250, 10_500), Span::from_millis(10_900, 11_000)]);
    }
}
