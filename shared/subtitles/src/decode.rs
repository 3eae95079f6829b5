use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::{Diagnostic, DiagnosticKind};

/// A file's text and how it was had.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Strict UTF-8 first, since detectors mistake it for others; then marks, zero bytes, and last the detector.
pub(crate) fn decode(bytes: &[u8]) -> Decoded {
    if let Some(text) = utf32(bytes) {
        return exact(text, "UTF-32");
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return whole(encoding, &bytes[mark..], None);
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return whole(encoding, bytes, Some("no byte order mark"));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !bytes.contains(&0x1b)
    {
        return exact(text.to_owned(), UTF_8.name());
    }
    if let Some(decoded) = mixed(bytes) {
        return decoded;
    }
    whole(detect(bytes), bytes, Some("detected from the text"))
}

fn exact(text: String, encoding: &str) -> Decoded {
    Decoded { text, encoding: encoding.to_owned(), diagnostics: Vec::new() }
}

fn whole(encoding: &'static Encoding, bytes: &[u8], guess: Option<&str>) -> Decoded {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    let mut diagnostics = Vec::new();
    if let Some(how) = guess {
        let detail = format!("{}: {how}", encoding.name());
        diagnostics.push(Diagnostic { line: 1, kind: DiagnosticKind::GuessedEncoding, detail });
    }
    if had_errors {
        let line = text.lines().position(|line| line.contains('\u{fffd}')).unwrap_or(0) as u32 + 1;
        let detail = format!("not {} from here on", encoding.name());
        diagnostics.push(Diagnostic { line, kind: DiagnosticKind::UndecodableBytes, detail });
    }
    Decoded { text: text.into_owned(), encoding: encoding.name().to_owned(), diagnostics }
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, chardetng::Utf8Detection::Allow)
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

/// UTF-8 with a few lines in something else, as joined files have it.
fn mixed(bytes: &[u8]) -> Option<Decoded> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let is_other = |line: &&[u8]| std::str::from_utf8(line).is_err();
    let multibyte = lines.iter().filter(|line| !line.is_ascii() && !is_other(line)).count();
    let other: Vec<u8> = lines.iter().filter(|line| is_other(line)).flat_map(|line| line.iter().copied()).collect();
    let others = lines.iter().filter(|line| is_other(line)).count();
    if multibyte == 0 || others > multibyte {
        return None;
    }
    let fallback = match detect(&other) {
        encoding if encoding == UTF_8 => WINDOWS_1252,
        encoding => encoding,
    };
    let mut text = String::with_capacity(bytes.len());
    let mut first = None;
    for (number, line) in lines.iter().enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => {
                first.get_or_insert(number as u32 + 1);
                text.push_str(&fallback.decode_without_bom_handling(line).0);
            }
        }
    }
    let detail = format!("{others} lines are {}, the rest UTF-8", fallback.name());
    let diagnostics = vec![Diagnostic { line: first.unwrap_or(1), kind: DiagnosticKind::MixedEncoding, detail }];
    Some(Decoded { text, encoding: UTF_8.name().to_owned(), diagnostics })
}
