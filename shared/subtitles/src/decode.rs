use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_8859_15, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::{DiagnosticKind, diagnostic::Log, johab, mojibake};

/// How much text outside ASCII a detector is shown, in bytes.
const SAMPLE: usize = 1 << 20;

/// A file's text and its encoding.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) encoding: String,
}

/// Marks first, then zero bytes, then strict UTF-8, which detectors mistake for others, and last the detector.
pub(crate) fn decode<'a>(bytes: &'a [u8], log: &mut Log) -> Decoded<'a> {
    if let Some(text) = utf32(bytes) {
        return exact(text.into(), "UTF-32");
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes)
        && (encoding != UTF_8 || std::str::from_utf8(bytes).is_ok())
    {
        return whole(encoding, &bytes[mark..], None, log);
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return whole(encoding, bytes, Some("no byte order mark"), log);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !bytes.contains(&0x1b)
    {
        let repaired = mojibake::repaired(text, log).map(Cow::Owned);
        return exact(repaired.unwrap_or(Cow::Borrowed(text)), UTF_8.name());
    }
    if let Some(decoded) = mixed(bytes, log) {
        return decoded;
    }
    if let Some(text) = johab::decode(bytes) {
        log.say(1, DiagnosticKind::GuessedEncoding, "Johab: detected from the text");
        return exact(text.into(), "Johab");
    }
    whole(detect(bytes), bytes, Some("detected from the text"), log)
}

fn exact<'a>(text: Cow<'a, str>, encoding: &str) -> Decoded<'a> {
    Decoded { text, encoding: encoding.to_owned() }
}

fn whole<'a>(encoding: &'static Encoding, bytes: &'a [u8], guess: Option<&str>, log: &mut Log) -> Decoded<'a> {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    if let Some(how) = guess {
        log.say(1, DiagnosticKind::GuessedEncoding, &format!("{}: {how}", encoding.name()));
    }
    if had_errors {
        let line = text.split('\n').position(|line| line.contains('\u{fffd}')).unwrap_or(0);
        log.say(line as u32 + 1, DiagnosticKind::UndecodableBytes, &format!("not {} from here on", encoding.name()));
    }
    exact(text, encoding.name())
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    let telling = |line: &&[u8]| !line.is_ascii() || line.contains(&0x1b);
    let mut seen = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n').filter(telling) {
        detector.feed(&line[..line.len().min(SAMPLE)], false);
        seen += line.len();
        if seen > SAMPLE {
            break;
        }
    }
    detector.feed(b"\n", true);
    let guess = detector.guess(None, chardetng::Utf8Detection::Allow);
    if guess == WINDOWS_1252 && is_latin_9(bytes) { ISO_8859_15 } else { guess }
}

/// Letters of ISO 8859-15 stand where windows-1252 has fractions and marks, which never touch a letter.
fn is_latin_9(bytes: &[u8]) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphabetic());
    let mut found = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0x80..=0x9f => return false,
            0xa6 | 0xa8 | 0xb4 | 0xb8 | 0xbc..=0xbe => {
                found |= letter(bytes.get(at + 1)) && (at == 0 || !bytes[at - 1].is_ascii_digit());
            }
            _ => {}
        }
    }
    found
}

fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // Digits, colons and line ends are ASCII in any language: one side of many pairs is zero, the other hardly ever.
    let many = sample.len() / 8;
    match (even, odd) {
        _ if many == 0 => None,
        (even, odd) if odd >= many && even * 20 <= odd => Some(UTF_16LE),
        (even, odd) if even >= many && odd * 20 <= even => Some(UTF_16BE),
        _ => None,
    }
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes.get(..4)? {
        [0xff, 0xfe, 0, 0] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff] => u32::from_be_bytes,
        _ => return None,
    };
    let units = bytes[4..].as_chunks::<4>().0;
    Some(units.iter().map(|unit| char::from_u32(read(*unit)).unwrap_or('\u{fffd}')).collect())
}

/// UTF-8 with some lines in something else, as joined files have it.
fn mixed(bytes: &[u8], log: &mut Log) -> Option<Decoded<'static>> {
    let lines = || bytes.split_inclusive(|&byte| byte == b'\n');
    let (mut multibyte, mut others, mut sample) = (0, 0, Vec::new());
    for line in lines().filter(|line| !line.is_ascii()) {
        if std::str::from_utf8(line).is_ok() {
            multibyte += 1;
        } else {
            others += 1;
            if sample.len() < SAMPLE {
                sample.extend_from_slice(&line[..line.len().min(SAMPLE)]);
            }
        }
    }
    // Chance makes a few lines of another encoding valid UTF-8, never nearly as many as are not.
    if multibyte == 0 || others > multibyte * 2 {
        return None;
    }
    let fallback = match detect(&sample) {
        encoding if encoding == UTF_8 => WINDOWS_1252,
        encoding => encoding,
    };
    let mut text = String::with_capacity(bytes.len());
    let mut first = None;
    for (number, line) in lines().enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => {
                first.get_or_insert(number as u32 + 1);
                text.push_str(&fallback.decode_without_bom_handling(line).0);
            }
        }
    }
    let detail = format!("{others} lines are {}, the rest UTF-8", fallback.name());
    log.say(first.unwrap_or(1), DiagnosticKind::MixedEncoding, &detail);
    Some(exact(text.into(), UTF_8.name()))
}
