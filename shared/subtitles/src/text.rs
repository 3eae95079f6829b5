//! Markup to plain text.

/// Longest tag that is taken for one; a `<` without its `>` within this many bytes is a character.
const MAX_TAG: usize = 400;

/// Text of an SRT or WebVTT cue without tags, override blocks, entities and direction marks.
pub(crate) fn plain(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['<', '&', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = tag(rest).or_else(|| override_block(rest)).map(|length| (length, None)).or_else(|| entity(rest));
        match taken {
            Some((length, replacement)) => {
                out.extend(replacement);
                rest = &rest[length..];
            }
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    tidy(&out)
}

/// Text of an ASS event: override blocks removed, `\N`, `\n` and `\h` turned into white space.
pub(crate) fn plain_ass(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        match rest[at..].find('}') {
            Some(length) => rest = &rest[at + length + 1..],
            None => {
                out.push_str(&rest[at..]);
                rest = "";
            }
        }
    }
    out.push_str(rest);
    tidy(&out.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "))
}

fn window(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn tag(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let first = inner.chars().next()?;
    if !(first.is_alphanumeric() || matches!(first, '/' | '.' | '!')) {
        return None;
    }
    window(inner, MAX_TAG).find('>').map(|end| end + 2)
}

fn override_block(text: &str) -> Option<usize> {
    text.strip_prefix("{\\")?;
    window(text, MAX_TAG).find('}').map(|end| end + 1)
}

fn entity(text: &str) -> Option<(usize, Option<char>)> {
    let inner = text.strip_prefix('&')?;
    let end = window(inner, 10).find(';')?;
    let name = &inner[..end];
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "lrm" | "rlm" => return Some((end + 2, None)),
        _ => numeric(name)?,
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

/// Drops marks that are invisible or forbidden in text, and white space at both ends of every line and of the whole.
fn tidy(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(
            |&c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'),
        )
        .filter(|&c| c == '\n' || c == '\t' || !c.is_control())
        .map(|c| if matches!(c, '\u{2028}' | '\u{2029}') { '\n' } else { c })
        .collect();
    let lines: Vec<&str> = kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        assert_eq!(plain("<i>Hi</i> {\\an8}<c.red>you</c> &amp; me <00:01.000>now"), "Hi you & me now");
        assert_eq!(plain("a < b, I <3 you & {more} &bogus;"), "a < b, I <3 you & {more} &bogus;");
        assert_eq!(plain_ass("one\\Ntwo\\hthree{\\i1}four"), "one\ntwo threefour");
    }
}
