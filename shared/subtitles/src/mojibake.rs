use encoding_rs::WINDOWS_1252;

use crate::{DiagnosticKind, diagnostic::Log, lines::Lines};

/// Fewest lines that must read as UTF-8 once more; a single one may be chance, but for one with control characters.
const FEWEST: usize = 3;

/// Undoes a decoding of UTF-8 bytes as Latin-1 or windows-1252, line by line: `Ã©` is `é` again.
///
/// `None` where most lines outside ASCII make no sense when they are read so, which those of any real text do not.
pub(crate) fn repaired(text: &str, log: &mut Log) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let (mut sense, mut lines, mut none, mut first) = (0, 0, 0, None);
    for line in Lines::new(text).filter(|line| !line.text.is_ascii()) {
        if reread(line.text).is_some() {
            let certain = line.text.contains(|c: char| ('\u{80}'..='\u{9f}').contains(&c));
            sense += if certain { FEWEST } else { 1 };
            lines += 1;
            first.get_or_insert(line.number);
        } else {
            none += 1;
        }
    }
    if sense < FEWEST || none * 4 > sense {
        return None;
    }
    log.say(first?, DiagnosticKind::Mojibake, &format!("{lines} lines of UTF-8 were saved as if they were Latin-1"));
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let whole = if line.is_ascii() { None } else { reread(line) };
        out.push_str(whole.as_deref().unwrap_or(line));
    }
    Some(out)
}

fn reread(line: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(line.len());
    for c in line.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.push(byte_of(c)?),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The byte from 0x80 to 0x9F that windows-1252 reads as `c`.
fn byte_of(c: char) -> Option<u8> {
    (0x80..=0x9f).find(|byte| WINDOWS_1252.decode_without_bom_handling(&[*byte]).0.starts_with(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_was_decoded_wrongly_is_put_right_and_real_text_is_left_alone() {
        let good = "Das ist schön.\nÜber den Fluß\nMañana\nASCII\n";
        let bad: String = good.bytes().map(char::from).collect();
        assert_eq!(repaired(&bad, &mut Log::default()).as_deref(), Some(good));
        let bad = WINDOWS_1252.decode_without_bom_handling(good.as_bytes()).0.into_owned();
        assert_eq!(repaired(&bad, &mut Log::default()).as_deref(), Some(good));
        assert_eq!(repaired("e-mailedâ\u{80}\u{94}", &mut Log::default()).as_deref(), Some("e-mailed—"));
        assert_eq!(repaired("Ã© once", &mut Log::default()), None);
        assert_eq!(repaired(good, &mut Log::default()), None);
        assert_eq!(repaired("日本語\n日本\n本語\n", &mut Log::default()), None);
    }
}
