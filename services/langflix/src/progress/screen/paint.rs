//! Text that fits, in colour where there is any.

use langflix_runtime::telemetry::harmless;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How a part of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Doubtful,
    Bad,
}

impl Style {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Doubtful => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// A line in parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(Style, String)>);

impl Line {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The line and this behind it.
    pub(super) fn and(mut self, style: Style, text: impl AsRef<str>) -> Self {
        // A line is one line.
        self.0.push((style, harmless(text.as_ref()).replace(['\n', '\t'], " ")));
        self
    }

    /// The line and that one behind it.
    pub(super) fn then(mut self, line: &Self) -> Self {
        self.0.extend_from_slice(&line.0);
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// The line in as many as it needs to be whole, each but the first indented by so many columns. It is broken before
    /// parts that begin with a space.
    pub(super) fn folded(self, width: usize, indent: usize) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for part in self.0 {
            match groups.last_mut().filter(|_| !part.1.starts_with(' ')) {
                Some(group) => group.0.push(part),
                None => groups.push(Self(vec![part])),
            }
        }
        let mut lines: Vec<Self> = Vec::new();
        for mut group in groups {
            match lines.last_mut() {
                Some(line) if line.width() + group.width() <= width => line.0.append(&mut group.0),
                None => lines.push(group),
                Some(_) => {
                    let (style, first) = group.0.remove(0);
                    let space = (Style::Plain, " ".repeat(indent));
                    group.0.splice(..0, [space, (style, first.trim_start().to_owned())]);
                    lines.push(group);
                }
            }
        }
        lines
    }

    /// The line as it is written to a terminal of this width, in colour where it is to be painted.
    pub(super) fn render(&self, width: usize, paint: bool) -> String {
        let (all, mut left, mut out) = (self.width(), width, String::new());
        for (style, text) in &self.0 {
            // The last column is for the mark that something is missing.
            let shown = if all <= width { text.clone() } else { cut(text, left.saturating_sub(1)) };
            left -= shown.width().min(left);
            let is_whole = shown.len() == text.len();
            match style.code().filter(|_| paint && !shown.trim().is_empty()) {
                Some(code) => out += &format!("\x1b[{code}m{shown}\x1b[0m"),
                None => out += &shown,
            }
            if !is_whole {
                out += if width > 0 { "…" } else { "" };
                break;
            }
        }
        out
    }
}

/// As much of the text as fits into so many columns.
fn cut(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |char: &char| match char.width().unwrap_or(0) {
        width if width <= left => {
            left -= width;
            true
        }
        _ => false,
    };
    text.chars().take_while(fits).collect()
}

/// The text in at most so many columns, with `…` where something is missing.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    Line::new().and(Style::Plain, text).render(columns, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_by_columns_and_marked() {
        assert_eq!(fitted("give up", 7), "give up");
        assert_eq!(fitted("give up", 6), "give …");
        // Each of these takes two columns.
        assert_eq!(fitted("오징어 게임", 8), "오징어 …");
        assert_eq!(fitted("오징어 게임", 3), "오…");
        assert_eq!((fitted("x", 0), fitted("xy", 1)), (String::new(), "…".to_owned()));
    }

    #[test]
    fn a_line_is_folded_between_its_parts() {
        let line = || {
            ["runs:", " 1 open", ",", " 22 ended"].iter().fold(Line::new(), |line, part| line.and(Style::Plain, part))
        };
        let folded =
            |width| -> Vec<String> { line().folded(width, 2).iter().map(|line| line.render(width, false)).collect() };
        assert_eq!(folded(22), ["runs: 1 open, 22 ended"]);
        assert_eq!(folded(21), ["runs: 1 open,", "  22 ended"]);
        assert_eq!(folded(9), ["runs:", "  1 open,", "  22 end…"]);
    }

    #[test]
    fn a_terminal_obeys_no_text() {
        let nasty = "\x1b]0;owned\x07\x1b[2Jclip\r\n\u{202e}gnihton";
        assert_eq!(fitted(nasty, 80), r"\u001b]0;owned\u0007\u001b[2Jclip\r \u202egnihton");
    }

    #[test]
    fn colours_take_no_room() {
        let line = Line::new().and(Style::Bad, "failed").and(Style::Plain, ": no encoder");
        assert_eq!(line.render(80, true), "\x1b[31mfailed\x1b[0m: no encoder");
        assert_eq!(line.render(9, true), "\x1b[31mfailed\x1b[0m: …");
        assert_eq!(line.render(4, true), "\x1b[31mfai\x1b[0m…");
    }
}
