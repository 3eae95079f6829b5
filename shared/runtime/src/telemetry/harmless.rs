use std::{borrow::Cow, io};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// `text` as a terminal may be given it: what it would obey, and what would turn the order of what stands beside it, stands
/// there by its number, as JSON has it. Line ends and tabs stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |c| obeyed(c) && !matches!(c, '\n' | '\t'))
}

fn obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

fn escaped(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if is_harmful(c) => out.push_str("\\n"),
            '\r' if is_harmful(c) => out.push_str("\\r"),
            c if is_harmful(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Keeps each event in one line of text, whatever it quotes. Of what a terminal would obey, the colours of the layer before
/// stay, where it is to colour.
pub(super) struct OneLine<W> {
    pub(super) writer: W,
    pub(super) color: bool,
}

/// Where an event is written, in one piece.
pub(super) struct Piece<W> {
    writer: W,
    color: bool,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = Piece<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Piece { writer: self.writer.make_writer(), color: self.color }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        Piece { writer: self.writer.make_writer_for(event), color: self.color }
    }
}

impl<W: io::Write> io::Write for Piece<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let (mut text, end) = text.strip_suffix('\n').map_or((&*text, ""), |text| (text, "\n"));
        let mut line = String::with_capacity(text.len() + 1);
        while let Some(at) = text.find('\u{1b}').filter(|_| self.color) {
            let color = color(&text[at..]).unwrap_or_default();
            line.push_str(&one_line(&text[..at]));
            line.push_str(color);
            // What is no colour begins with what is obeyed.
            let rest = if color.is_empty() { at + 1 } else { at + color.len() };
            line.push_str(if color.is_empty() { "\\u001b" } else { "" });
            text = &text[rest..];
        }
        line.push_str(&one_line(text));
        line.push_str(end);
        self.writer.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// As [`harmless`], with line ends too by their number.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| obeyed(c) && c != '\t')
}

/// The colour that `text` begins with: one that the layer before uses. A hidden text would be one as well.
fn color(text: &str) -> Option<&str> {
    let (numbers, _) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    let used = |number: &str| matches!(number, "0" | "1" | "2" | "3" | "31" | "32" | "33" | "34" | "35" | "36");
    numbers.split(';').all(used).then(|| &text[..numbers.len() + 3])
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Settings, Verbosity, nasty::nasty, told_of},
        *,
    };

    #[test]
    fn an_event_is_one_line_and_no_command_whatever_it_quotes() {
        for json in [false, true] {
            for text in nasty() {
                let settings = Settings { json, verbosity: Verbosity::Verbose, ..Settings::default() };
                let told = told_of(&settings, || {
                    let _span = tracing::info_span!(target: "langflix", "task", run = text, show = %text).entered();
                    tracing::info!(target: "langflix", file = %text, why = ?text, reason = text, "it says {text}");
                });
                assert_eq!(told.matches('\n').count(), 1, "{told:?}");
                let line = told.strip_suffix('\n').unwrap();
                assert_eq!(
                    line.chars().find(|c| c.is_control() && *c != '\t' && (!json || *c < ' ')),
                    None,
                    "{line:?}"
                );
                if json {
                    let event: serde_json::Value = serde_json::from_str(line).unwrap();
                    let read = (event["file"].as_str(), event["reason"].as_str(), event["run"].as_str());
                    assert_eq!(read, (Some(&*text), Some(&*text), Some(&*text)));
                }
            }
        }
    }

    #[test]
    fn what_a_terminal_is_given_moves_nothing_and_clears_nothing() {
        for text in nasty() {
            let shown = harmless(&text);
            assert!(!shown.contains(|c| obeyed(c) && !matches!(c, '\n' | '\t')), "{shown:?}");
            let json = serde_json::to_string(&text).unwrap();
            let read: String = serde_json::from_str(&harmless(&json)).unwrap();
            assert_eq!(read, text, "what is said as JSON says the same");
        }
        assert_eq!(harmless("\u{1b}[2J\u{202e}a\tb\n"), "\\u001b[2J\\u202ea\tb\n");
        assert!(matches!(harmless("plain: 띄어쓰기"), Cow::Borrowed(_)));
    }

    #[test]
    fn colours_stay_and_nothing_else_that_looks_like_one() {
        let settings = Settings { color: true, ..Settings::default() };
        let quoted = "\u{1b}[2J \u{1b}[8mhidden\u{1b}[31;5m \u{1b}";
        let told = told_of(&settings, || tracing::error!(target: "langflix", file = %quoted, "one\ntwo"));
        assert!(told.starts_with("\u{1b}[31mERROR\u{1b}[0m") && told.contains("one\\ntwo"), "{told:?}");
        let file = "\\u001b[2J \\u001b[8mhidden\\u001b[31;5m \\u001b";
        assert!(told.contains(file), "{told:?}");
    }
}
