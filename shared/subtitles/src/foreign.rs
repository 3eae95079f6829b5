/// What a file is that holds no text subtitles; `None` where it may hold some.
pub(crate) fn name_of(bytes: &[u8]) -> Option<&'static str> {
    let by_magic = match bytes {
        [b'P', b'K', 3, 4, ..] => "a ZIP archive",
        [0x1f, 0x8b, ..] => "a gzip archive",
        [b'R', b'a', b'r', b'!', ..] => "a RAR archive",
        [b'7', b'z', 0xbc, 0xaf, ..] => "a 7z archive",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "a Matroska video",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an MP4 video",
        [0, 0, 1, 0xba, ..] => "a VobSub file, whose subtitles are pictures",
        [b'P', b'G', _, _, _, _, _, _, _, _, 0x14..=0x17 | 0x80, ..] => "a PGS file, whose subtitles are pictures",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => "a picture",
        _ => return by_words(bytes),
    };
    Some(by_magic)
}

fn by_words(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..512).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let head = head.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        Some("a web page")
    } else if head.starts_with("<sami") {
        Some("a SAMI file")
    } else if head.starts_with("<tt") || head.starts_with("<?xml") {
        Some("an XML file such as TTML")
    } else if is_frames(head) {
        Some("a MicroDVD file, timed in frames")
    } else {
        None
    }
}

/// `{25}{75}Text`
fn is_frames(head: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let first = head.strip_prefix('{').and_then(|rest| rest.split_once("}{"));
    let second = first.filter(|(start, _)| number(start)).and_then(|(_, rest)| rest.split_once('}'));
    second.is_some_and(|(end, _)| number(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_sort_are_named() {
        for (bytes, expected) in [
            (&b"PK\x03\x04..."[..], Some("a ZIP archive")),
            (b"\0\0\0\x18ftypmp42", Some("an MP4 video")),
            (b"\n <!DOCTYPE HTML>", Some("a web page")),
            (b"{25}{75}Hello", Some("a MicroDVD file, timed in frames")),
            (b"1\n00:00:01,000 --> 00:00:02,000\nHi", None),
            (b"{\\an8}x", None),
            (b"", None),
        ] {
            assert_eq!(name_of(bytes), expected);
        }
    }
}
