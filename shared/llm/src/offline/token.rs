//! Lines of dialogue as words, with what stands between them.

use langflix_domain::RequestLine;

/// A silence after which a new sentence begins, whatever the punctuation says.
const NEW_SENTENCE_MS: i64 = 5000;

const ABBREVIATIONS: [&str; 8] = ["mr", "mrs", "ms", "dr", "st", "vs", "jr", "prof"];

/// What parts a word from the one before it, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Joint {
    /// The second half of a contraction: the "'s" of "Tom's".
    Clitic,
    Hyphen,
    Space,
    Comma,
    /// Dots that trail off; a sentence end unless a small letter follows.
    Ellipsis,
    /// The end of a sentence, another speaker, or words of another kind between.
    Break,
}

/// A word in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) word: String,
    /// Position of its line in the request.
    pub(super) line: u32,
    pub(super) joint: Joint,
    pub(super) capital: bool,
}

/// The words of all lines that expressions may be taken from.
pub(super) fn tokenize(lines: &[RequestLine]) -> Vec<Token> {
    let mut reader = Reader { tokens: Vec::new(), joint: Joint::Break, line: 0 };
    let mut before: Option<&RequestLine> = None;
    for (at, line) in lines.iter().enumerate() {
        if line.context || line.text.contains(['♪', '♫']) {
            before = None;
            continue;
        }
        reader.line = at as u32;
        reader.begin_line(before, line);
        reader.read(&line.text);
        before = Some(line);
    }
    reader.tokens
}

/// The words of an expression.
pub(super) fn words(text: &str) -> Vec<Token> {
    let mut reader = Reader { tokens: Vec::new(), joint: Joint::Break, line: 0 };
    reader.read(text);
    reader.tokens
}

struct Reader {
    tokens: Vec<Token>,
    joint: Joint,
    line: u32,
}

impl Reader {
    fn begin_line(&mut self, before: Option<&RequestLine>, line: &RequestLine) {
        let silence =
            before.map(|before| line.offset_ms.saturating_sub(before.offset_ms).saturating_sub(before.duration_ms));
        let first = line.text.trim_start_matches(|c: char| !c.is_alphabetic());
        let word: String = first.chars().take_while(|c| c.is_alphabetic()).collect();
        // A line that begins with a capital and is not all capitals begins a sentence, even in files without full stops.
        let begins = word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
        match silence {
            Some(silence) if silence < NEW_SENTENCE_MS && !begins => self.part(Joint::Space),
            _ => self.joint = Joint::Break,
        }
    }

    fn part(&mut self, joint: Joint) {
        self.joint = self.joint.max(joint);
    }

    fn read(&mut self, text: &str) {
        let text = text.replace(['’', '‘', 'ʼ', '`', '´'], "'");
        let mut rest = text.as_str();
        let mut previous = ' ';
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            if c.is_alphanumeric() {
                let length = word_length(rest);
                self.word(&rest[..length], &rest[length..]);
                previous = 'a';
                rest = &rest[length..];
                continue;
            }
            rest = match closing(c) {
                Some(close) => after.find(close).map_or("", |at| &after[at + close.len_utf8()..]),
                None => after,
            };
            self.part(self.joint_of(c, previous, after));
            previous = c;
        }
        self.part(Joint::Space);
    }

    fn joint_of(&self, c: char, previous: char, after: &str) -> Joint {
        let abbreviated = || self.tokens.last().is_some_and(|token| ABBREVIATIONS.contains(&token.word.as_str()));
        match c {
            '-' if previous == 'a' && after.starts_with(char::is_alphanumeric) => Joint::Hyphen,
            '.' if previous == '.' || after.starts_with('.') => Joint::Ellipsis,
            '.' if abbreviated() => Joint::Space,
            '…' => Joint::Ellipsis,
            ',' => Joint::Comma,
            '.' | '-' | '–' | '—' | '!' | '?' | ';' | ':' | '/' | '[' | '(' | '{' => Joint::Break,
            _ => Joint::Space,
        }
    }

    fn word(&mut self, text: &str, after: &str) {
        let capital = text.starts_with(char::is_uppercase);
        let joint = match self.joint {
            Joint::Ellipsis if capital => Joint::Break,
            Joint::Ellipsis => Joint::Space,
            joint => joint,
        };
        let mut word = text.to_lowercase();
        let dropped_g = word.len() > 3 && word.ends_with("in") && after.starts_with('\'');
        if dropped_g {
            word.push('g');
        }
        for (at, part) in parts(&word).into_iter().enumerate() {
            let joint = if at == 0 { joint } else { Joint::Clitic };
            let word = if part == "an" { "a".to_owned() } else { part.to_owned() };
            self.tokens.push(Token { word, line: self.line, joint, capital });
        }
        self.joint = Joint::Clitic;
    }
}

/// The length in bytes of the word that `text` begins with; an apostrophe belongs to it between letters.
fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let inside = c == '\'' && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !c.is_alphanumeric() && !inside {
            return at;
        }
    }
    text.len()
}

/// What closes a stage direction that `c` opens.
fn closing(c: char) -> Option<char> {
    match c {
        '[' => Some(']'),
        '(' => Some(')'),
        '{' => Some('}'),
        _ => None,
    }
}

/// What contractions end in, and the word that they stand for.
const ENDINGS: [(&str, &str); 7] =
    [("n't", "not"), ("'ll", "will"), ("'ve", "have"), ("'re", "are"), ("'m", "am"), ("'d", "'d"), ("'s", "'s")];

/// A word without its contractions, two at most: "wouldn't've" is "would", "not" and "have".
fn parts(word: &str) -> Vec<&str> {
    let (stem, last) = without_ending(word);
    let (stem, before) = if last.is_some() { without_ending(stem) } else { (stem, None) };
    let mut parts = match stem {
        "cannot" => vec!["can", "not"],
        "gonna" => vec!["going", "to"],
        "wanna" => vec!["want", "to"],
        "gotta" => vec!["got", "to"],
        "kinda" => vec!["kind", "of"],
        "sorta" => vec!["sort", "of"],
        "outta" => vec!["out", "of"],
        "lemme" => vec!["let", "me"],
        "gimme" => vec!["give", "me"],
        "dunno" => vec!["do", "not", "know"],
        "em" => vec!["them"],
        "ca" if before.or(last) == Some("not") => vec!["can"],
        "wo" if before.or(last) == Some("not") => vec!["will"],
        stem => vec![stem],
    };
    parts.extend(before);
    parts.extend(last);
    parts
}

fn without_ending(word: &str) -> (&str, Option<&'static str>) {
    if matches!(word, "one's" | "sb's" | "ain't") {
        return (word, None);
    }
    let cut = ENDINGS.iter().find_map(|(end, full)| word.strip_suffix(end).map(|stem| (stem, *full)));
    cut.filter(|(stem, _)| !stem.is_empty()).map_or((word, None), |(stem, full)| (stem, Some(full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        let mark = |joint: Joint| match joint {
            Joint::Clitic => "+",
            Joint::Hyphen => "-",
            Joint::Space | Joint::Ellipsis => " ",
            Joint::Comma => ", ",
            Joint::Break => " | ",
        };
        words(text).iter().map(|token| format!("{}{}", mark(token.joint), token.word)).collect()
    }

    #[test]
    fn words_and_what_parts_them_are_read() {
        let table = [
            ("I can’t. You won't!", " | i can+not | you will+not"),
            ("Mr. Hill's gonna wait, okay?", " | mr hill+'s going+to wait, okay"),
            ("g-give it... up", " | g-give it up"),
            ("Wait... Up there", " | wait | up there"),
            ("- Give it - up [sighs] now", " | give it | up | now"),
            ("MAN: Don't!", " | man | do+not"),
            ("You wouldn't've. Gimme 'em!", " | you would+not+have | give+me them"),
            ("nothin' doin'", " | nothing doing"),
        ];
        for (text, expected) in table {
            assert_eq!(joined(text), expected, "{text}");
        }
    }
}
