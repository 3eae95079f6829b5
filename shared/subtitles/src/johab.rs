//! Johab, the Korean encoding of DOS, which no browser and so no library of theirs knows.

use encoding_rs::EUC_KR;

/// Jamo by their five-bit codes, `-` where there is none. A filler takes the place of a missing jamo.
const LEADS: [i8; 32] = jamo(&[(2, 20, 0)]);
const VOWELS: [i8; 32] = jamo(&[(3, 7, 0), (10, 15, 5), (18, 23, 11), (26, 29, 17)]);
const TAILS: [i8; 32] = jamo(&[(1, 17, 0), (19, 29, 17)]);

/// A table from runs of codes: first code, last code, value of the first.
const fn jamo(runs: &[(usize, usize, i8)]) -> [i8; 32] {
    let mut table = [-1; 32];
    let mut run = 0;
    while run < runs.len() {
        let (first, last, value) = runs[run];
        let mut code = first;
        while code <= last {
            table[code] = value + (code - first) as i8;
            code += 1;
        }
        run += 1;
    }
    table
}

/// The most frequent syllables of Korean prose, about a third of any text.
const FREQUENT: &str = "이다는을에가의고하지그한도로사리어나있아기은시";

/// The text, where the bytes are Johab rather than EUC-KR: only then its syllables are those that Korean uses most.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let text = read(bytes)?;
    let (mut syllables, mut frequent) = (0, 0);
    for c in text.chars().filter(|c| ('가'..='힣').contains(c)) {
        syllables += 1;
        frequent += usize::from(FREQUENT.contains(c));
    }
    (syllables >= 20 && frequent * 6 > syllables).then_some(text)
}

fn read(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len() * 2);
    let (mut at, mut bad, mut good) = (0, 0, 0);
    while let Some(&lead) = bytes.get(at) {
        if lead < 0x80 {
            out.push(if lead == 0x5c { '₩' } else { char::from(lead) });
            at += 1;
            continue;
        }
        match bytes.get(at + 1).and_then(|&trail| pair(lead, trail)) {
            Some(c) => {
                out.push(c);
                good += 1;
            }
            None => {
                out.push('\u{fffd}');
                bad += 1;
            }
        }
        at += 2;
        if bad > 20 && bad * 20 > good {
            return None;
        }
    }
    (bad * 50 <= good).then_some(out)
}

fn pair(lead: u8, trail: u8) -> Option<char> {
    let code = u16::from_be_bytes([lead, trail]);
    if (0x84..=0xd3).contains(&lead) {
        let part = |shift: u16, table: &[i8; 32]| u32::try_from(table[usize::from(code >> shift & 31)]).ok();
        let syllable = (part(10, &LEADS)? * 21 + part(5, &VOWELS)?) * 28 + part(0, &TAILS)?;
        return char::from_u32(0xac00 + syllable);
    }
    // Symbols and Chinese characters lie in two rows of KS X 1001 per lead byte.
    let base = match lead {
        0xd9..=0xde => 0x21 + (lead - 0xd9) * 2,
        0xe0..=0xf9 => 0x4a + (lead - 0xe0) * 2,
        _ => return None,
    };
    let (row, cell) = match trail {
        0x31..=0x7e => (base, trail - 0x31 + 0x21),
        0x91..=0xa0 => (base, trail - 0x91 + 0x6f),
        0xa1..=0xfe => (base + 1, trail),
        _ => return None,
    };
    let text = EUC_KR.decode_without_bom_handling_and_without_replacement(&[row | 0x80, cell | 0x80])?.into_owned();
    text.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_composed_from_their_parts() {
        assert_eq!(pair(0x88, 0x61), Some('가'));
        assert_eq!(pair(0x90, 0x65), Some('난'));
        assert_eq!(pair(0xd3, 0xbd), Some('힣'));
        assert_eq!(pair(0x84, 0x41), None);
    }

    #[test]
    fn euc_kr_is_not_taken_for_johab() {
        let text =
            "그는 이 일을 하고 있다. 그리고 나는 그것을 아직도 기다리고 있었다. 시간이 없어서 다시 하기로 했다.\n";
        let bytes = EUC_KR.encode(text).0;
        assert_eq!(decode(&bytes), None);
    }
}
