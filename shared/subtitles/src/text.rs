//! Markup to plain text.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::DiagnosticKind;

/// Longest tag that is taken for one; a `<` without its `>` within this many bytes is a character.
const MAX_TAG: usize = 400;

/// What a reader sees of a cue.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub(crate) text: String,
    /// Whose voice a `<v>` tag names.
    pub(crate) speaker: Option<String>,
    /// What was done to the text beside removing markup.
    pub(crate) notes: Vec<DiagnosticKind>,
}

/// Text of an SRT or WebVTT cue without tags, override blocks, entities and direction marks.
///
/// WebVTT has no text in angle brackets; in SubRip only the tags of HTML are tags.
pub(crate) fn plain(raw: &str, vtt: bool) -> Plain {
    let mut plain = Plain::default();
    let mut out = String::with_capacity(raw.len());
    let mut in_ruby_text = false;
    let mut rest = raw;
    while !rest.is_empty() {
        let at = rest.find(['<', '&', '{']).unwrap_or(rest.len());
        let (text, markup) = rest.split_at(at);
        if !in_ruby_text {
            out.push_str(text);
        }
        rest = markup;
        if let Some(tag) = tag(rest, vtt) {
            rest = &rest[tag.len() + 2..];
            match tag.trim_end_matches('/').split([' ', '.', '\t', '\n']).next().unwrap_or_default() {
                "rt" if out.ends_with(is_cjk) => {
                    in_ruby_text = true;
                    plain.note(DiagnosticKind::RubyText);
                }
                "/rt" | "/ruby" => in_ruby_text = false,
                "v" => plain.voice(tag),
                "br" | "BR" => out.push('\n'),
                _ => {}
            }
        } else if let Some(length) = override_block(rest) {
            rest = &rest[length..];
        } else if let Some((length, character)) = entity(rest) {
            out.extend(character.filter(|_| !in_ruby_text));
            rest = &rest[length..];
        } else if let Some(first) = rest.chars().next() {
            out.extend(Some(first).filter(|_| !in_ruby_text));
            rest = &rest[first.len_utf8()..];
        }
    }
    plain.tidy(&out);
    plain
}

/// Text of an ASS event: override blocks and drawings removed, `\N`, `\n` and `\h` turned into white space.
pub(crate) fn plain_ass(raw: &str) -> Plain {
    let mut plain = Plain::default();
    let mut out = String::with_capacity(raw.len());
    let mut drawing = false;
    let mut rest = raw;
    loop {
        let block = rest.find('{').and_then(|at| rest[at..].find('}').map(|length| (at, at + length + 1)));
        let (text, commands, after) = match block {
            Some((start, end)) => (&rest[..start], &rest[start..end], &rest[end..]),
            None => (rest, "", ""),
        };
        if drawing && !text.trim().is_empty() {
            plain.note(DiagnosticKind::Drawing);
        } else {
            out.push_str(text);
        }
        drawing = switches_drawing(commands).unwrap_or(drawing);
        rest = after;
        if block.is_none() {
            break;
        }
    }
    plain.tidy(&out.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "));
    plain
}

/// What the last `\p` of an override block says: a scale above zero begins a drawing.
fn switches_drawing(commands: &str) -> Option<bool> {
    let scales = commands.match_indices("\\p").filter_map(|(at, _)| commands[at + 2..].chars().next());
    scales.filter(char::is_ascii_digit).last().map(|scale| scale != '0')
}

impl Plain {
    fn note(&mut self, kind: DiagnosticKind) {
        if !self.notes.contains(&kind) {
            self.notes.push(kind);
        }
    }

    fn voice(&mut self, tag: &str) {
        let name = tag.split_once([' ', '\t']).map(|(_, name)| name.trim()).filter(|name| !name.is_empty());
        if let Some(name) = name {
            self.speaker = Some(match self.speaker.take() {
                Some(before) if before.split(" / ").any(|known| known == name) => before,
                Some(before) => format!("{before} / {name}"),
                None => name.to_owned(),
            });
        }
    }

    /// Drops what is invisible or forbidden in text, and white space at both ends of every line and of the whole.
    fn tidy(&mut self, text: &str) {
        let mut kept = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' => kept.push(c),
                '\u{2028}' | '\u{2029}' | '\u{85}' => {
                    self.note(DiagnosticKind::IrregularLineEnd);
                    kept.push('\n');
                }
                '\u{feff}' => self.note(DiagnosticKind::StrayByteOrderMark),
                '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'
                | '\u{2066}'..='\u{2069}'
                | '\u{ad}' => {
                    self.note(DiagnosticKind::InvisibleCharacter);
                }
                c if c.is_control() => self.note(DiagnosticKind::InvisibleCharacter),
                c => kept.push(c),
            }
        }
        let lines: Vec<&str> = kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        self.text = lines.join("\n");
        if is_nfc_quick(self.text.chars()) != IsNormalized::Yes {
            let composed: String = self.text.nfc().collect();
            if composed != self.text {
                self.note(DiagnosticKind::DecomposedText);
                self.text = composed;
            }
        }
    }
}

/// What is written above Chinese characters says how to read them; above anything else it is text of its own.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn window(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// What stands between `<` and `>`.
fn tag(text: &str, vtt: bool) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    let end = window(inner, MAX_TAG).find(['<', '>']).filter(|&end| inner[end..].starts_with('>'))?;
    let tag = &inner[..end];
    let is_tag = match tag.chars().next()? {
        '/' | '.' | '!' => true,
        c if c.is_ascii_digit() => tag.contains(':'),
        c if c.is_alphabetic() => vtt || is_html(tag),
        _ => false,
    };
    is_tag.then_some(tag)
}

fn is_html(tag: &str) -> bool {
    let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let names = ["i", "b", "u", "s", "c", "v", "p", "br", "em", "rt", "font", "span", "ruby", "lang", "strong", "div"];
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn override_block(text: &str) -> Option<usize> {
    text.strip_prefix("{\\")?;
    window(text, MAX_TAG).find('}').map(|end| end + 1)
}

fn entity(text: &str) -> Option<(usize, Option<char>)> {
    let inner = text.strip_prefix('&')?;
    let end = window(inner, 10).find(';')?;
    let character = match &inner[..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "lrm" | "rlm" => return Some((end + 2, None)),
        name => numeric(name)?,
    };
    Some((end + 2, Some(character)))
}

fn numeric(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code).filter(|c| !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        let text = |raw| plain(raw, true).text;
        assert_eq!(text("<i>Hi</i> {\\an8}<c.red>you</c> &amp; me <00:01.000>now"), "Hi you & me now");
        assert_eq!(text("a < b, I <3 you & {more} &bogus;"), "a < b, I <3 you & {more} &bogus;");
        assert_eq!(text("<c.first That's awesome!</c>"), "<c.first That's awesome!");
        assert_eq!(text("one<br/>two"), "one\ntwo");
        assert_eq!(plain_ass("one\\Ntwo\\hthree{\\i1}four").text, "one\ntwo threefour");
    }

    #[test]
    fn only_html_is_markup_in_subrip() {
        let text = |raw| plain(raw, false).text;
        assert_eq!(text("<FONT color=\"#fff\">Run</FONT> <LAUGHS> <I>now</I>"), "Run <LAUGHS> now");
    }

    #[test]
    fn a_voice_tag_names_the_speaker_and_ruby_readings_are_left_out() {
        let voices = plain("<v.loud LaGord>No</v>\n<v  The Frog>Yes</v>", true);
        assert_eq!((voices.text.as_str(), voices.speaker.as_deref()), ("No\nYes", Some("LaGord / The Frog")));
        let ruby = plain("<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>だ", true);
        assert_eq!((ruby.text.as_str(), ruby.notes), ("漢字だ", vec![DiagnosticKind::RubyText]));
        assert_eq!(plain("<ruby>No <rt>way</rt></ruby>!", true).text, "No way!");
    }

    #[test]
    fn drawings_go_and_the_text_beside_them_stays() {
        let mixed = plain_ass("{\\p1}m 0 0 l 1 1{\\p0}Sign{\\pos(1,2)} here");
        assert_eq!((mixed.text.as_str(), mixed.notes), ("Sign here", vec![DiagnosticKind::Drawing]));
        assert_eq!(plain_ass("an open { brace").text, "an open { brace");
    }

    #[test]
    fn what_cannot_be_seen_goes_and_what_is_decomposed_is_composed() {
        let plain = plain("\u{202b}cafe\u{301}\u{200f}\u{2028}two\u{feff}", false);
        assert_eq!(plain.text, "café\ntwo");
        let mut notes = plain.notes;
        notes.sort_unstable();
        use DiagnosticKind::{DecomposedText, InvisibleCharacter, IrregularLineEnd, StrayByteOrderMark};
        let mut expected = [InvisibleCharacter, IrregularLineEnd, StrayByteOrderMark, DecomposedText];
        expected.sort_unstable();
        assert_eq!(notes, expected);
    }
}
