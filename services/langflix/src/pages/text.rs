use std::borrow::Cow;

use langflix_domain::{ExpressionKind, LearnerLevel, Level, MediaTime};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986's unreserved characters stay, so neither a scheme, a query nor a fragment can come out of a file name.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The first and the last of the characters that open an isolate.
const OPEN_FIRST: char = '\u{2066}';
const OPEN_LAST: char = '\u{2068}';
/// Closes one.
const CLOSE: char = '\u{2069}';

/// Text from outside for an element's content. HTML has no way to write most control characters: they show as U+FFFD.
pub(super) fn text(outside: &str) -> Cow<'_, str> {
    let unwritable = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let written = if outside.contains(unwritable) {
        outside.replace("\r\n", "\n").replace(unwritable, "\u{fffd}").into()
    } else {
        Cow::Borrowed(outside)
    };
    if written.contains(|c| matches!(c, OPEN_FIRST..=OPEN_LAST | CLOSE)) { closed(&written).into() } else { written }
}

/// Text that closes each isolate it opens and no other: one that it left open would take the end of the element that
/// isolates it for its own, and turn what stands behind; one that it closed and did not open would end that element's.
fn closed(text: &str) -> String {
    let line = |line: &str| {
        let mut open = 0_usize;
        let kept = |c: &char| match *c {
            OPEN_FIRST..=OPEN_LAST => {
                open += 1;
                true
            }
            CLOSE => {
                let opened = open > 0;
                open = open.saturating_sub(1);
                opened
            }
            _ => true,
        };
        let mut kept: String = line.chars().filter(kept).collect();
        kept.extend(std::iter::repeat_n(CLOSE, open));
        kept
    };
    // An isolate ends with its paragraph.
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Text from outside on one line, for titles and labels: no element isolates its direction there, so that characters
/// which turn the direction of what follows are left out.
pub(super) fn label(outside: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text(outside).split_whitespace().collect::<Vec<_>>().join(" ").replace(turns, "")
}

/// The address of a file at a relative path, or `None` for a path that leads out of the page's folder.
pub(super) fn href(path: &str) -> Option<String> {
    let inside = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let encode = |part| utf8_percent_encode(part, RESERVED).to_string();
    inside.then(|| path.split('/').map(encode).collect::<Vec<_>>().join("/"))
}

/// `H:MM:SS`, as players show a position in an episode.
pub(super) fn clock(time: MediaTime) -> String {
    let seconds = time.as_millis().max(0) / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `M:SS`, for positions in a clip.
pub(super) fn short_clock(time: MediaTime) -> String {
    let seconds = time.as_millis().max(0) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// `1 clip`, `2 clips`.
pub(super) fn count(number: usize, one: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {one}{ending}")
}

pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::A1 => "A1",
        Level::A2 => "A2",
        Level::B1 => "B1",
        Level::B2 => "B2",
        Level::C1 => "C1",
        Level::C2 => "C2",
    }
}

pub(super) fn learner(learner: LearnerLevel) -> String {
    let name = match learner {
        LearnerLevel::Beginner => "Beginner",
        LearnerLevel::Intermediate => "Intermediate",
        LearnerLevel::Advanced => "Advanced",
    };
    let [low, high] = learner.target().map(level);
    format!("{name} ({low}–{high})")
}

pub(super) fn kind(kind: ExpressionKind) -> &'static str {
    match kind {
        ExpressionKind::Idiom => "Idiom",
        ExpressionKind::PhrasalVerb => "Phrasal verb",
        ExpressionKind::Collocation => "Collocation",
        ExpressionKind::Slang => "Slang",
        ExpressionKind::Other => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_only_what_no_browser_reads_as_syntax() {
        for (path, address) in [
            ("clips/01-give-up.mp4", "clips/01-give-up.mp4"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("clips/100% sure?#\"'&.mp4", "clips/100%25%20sure%3F%23%22%27%26.mp4"),
            ("clips/오.mp4", "clips/%EC%98%A4.mp4"),
            ("a\\b\0.mp4", "a%5Cb%00.mp4"),
        ] {
            assert_eq!(href(path).as_deref(), Some(address));
        }
    }

    #[test]
    fn a_path_out_of_the_folder_has_no_address() {
        for path in ["", "/etc/passwd", "//host/x.mp4", "../secret.mp4", "clips/../../x.mp4", "clips/", "./x.mp4"] {
            assert_eq!(href(path), None, "{path}");
        }
    }

    #[test]
    fn times_are_written_as_players_do() {
        assert_eq!(clock(MediaTime::from_millis(3_723_999)), "1:02:03");
        assert_eq!(short_clock(MediaTime::from_millis(63_000)), "1:03");
        assert_eq!(short_clock(MediaTime::from_millis(-200)), "0:00");
    }

    #[test]
    fn text_closes_what_it_opens_and_opens_nothing_that_it_does_not_close() {
        assert_eq!(text("\u{2066}a\nb\u{2069}c"), "\u{2066}a\u{2069}\nbc");
        assert_eq!(text("\u{2067}a\u{2068}b\u{2069}"), "\u{2067}a\u{2068}b\u{2069}\u{2069}");
        assert_eq!(text("\u{2069}\u{2069}a\0\r\n\u{2066}\u{202e}b"), "a\u{fffd}\n\u{2066}\u{202e}b\u{2069}");
        assert!(matches!(text("give \u{202e}up"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_label_cannot_turn_the_text_after_it() {
        assert_eq!(label("\u{202e}evil\u{2066}\nname\0"), "evil name\u{fffd}");
    }
}
