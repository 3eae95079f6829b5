/// One line of a text, without its end.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: u32,
    pub(crate) text: &'a str,
    /// It ends with `\r\r\n`, as files sent twice through FTP's text mode do.
    pub(crate) doubled_end: bool,
}

/// The lines of a text, whatever ends them: `\n`, `\r\n`, `\r`, `\r\r\n`.
#[derive(Clone)]
pub(crate) struct Lines<'a> {
    rest: &'a str,
    number: u32,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        self.number = self.number.saturating_add(1);
        let end = self.rest.bytes().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(self.rest.len());
        let (text, tail) = self.rest.split_at(end);
        let doubled = tail.strip_prefix("\r\r\n");
        let after = doubled.or_else(|| tail.strip_prefix("\r\n")).or_else(|| tail.get(1..));
        self.rest = after.unwrap_or_default();
        Some(Line { number: self.number, text, doubled_end: doubled.is_some() })
    }
}

/// A line without white space, byte order marks and direction marks around it.
pub(crate) fn bare(line: &str) -> &str {
    line.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_every_way_that_is_met() {
        let lines: Vec<(u32, &str, bool)> =
            Lines::new("a\nb\r\nc\rd\r\r\n\r\re").map(|line| (line.number, line.text, line.doubled_end)).collect();
        let expected = [
            (1, "a", false),
            (2, "b", false),
            (3, "c", false),
            (4, "d", true),
            (5, "", false),
            (6, "", false),
            (7, "e", false),
        ];
        assert_eq!(lines, expected);
    }
}
