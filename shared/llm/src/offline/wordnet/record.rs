/// A synset: words of one meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Number of the lexicographer file, which is a field of meaning.
    pub(super) field: u8,
    /// The words, as they are written, `_` for a space.
    pub(super) words: Vec<String>,
    /// Offsets of what it is a kind of, or near to, within the same part of speech.
    pub(super) related: Vec<u64>,
    /// Sentence frames, each with the number of the word it holds for, 0 for all.
    pub(super) frames: Vec<(u8, u8)>,
    /// What it means, without examples.
    pub(super) gloss: String,
}

/// Reads a line of a data file that stands at `offset`; `None` where it is not such a line.
pub(super) fn parse(line: &str, offset: u64) -> Option<Record> {
    let (head, gloss) = line.split_once(" | ")?;
    let mut fields = head.split_ascii_whitespace();
    let mut next = || fields.next();
    if next()?.parse::<u64>().ok()? != offset {
        return None;
    }
    let field = next()?.parse().ok()?;
    let kind = next()?;
    let count = u8::from_str_radix(next()?, 16).ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        // Adjectives carry where they may stand: "galore(ip)".
        words.push(next()?.split('(').next()?.to_owned());
        next()?;
    }
    let mut related = Vec::new();
    for _ in 0..next()?.parse::<u16>().ok()? {
        let (symbol, target, part, _) = (next()?, next()?, next()?, next()?);
        let same_part = part == kind || (part == "a" && kind == "s") || (part == "s" && kind == "a");
        if same_part && matches!(symbol, "@" | "&") {
            related.push(target.parse().ok()?);
        }
    }
    let mut frames = Vec::new();
    if kind == "v" {
        for _ in 0..next()?.parse::<u8>().ok()? {
            let (_, frame, word) = (next()?, next()?, next()?);
            frames.push((frame.parse().ok()?, u8::from_str_radix(word, 16).ok()?));
        }
    }
    Some(Record { field, words, related, frames, gloss: definition(gloss) })
}

/// The gloss up to its first example.
fn definition(gloss: &str) -> String {
    let end = gloss.find("; \"").or_else(|| gloss.find(" \"")).unwrap_or(gloss.len());
    gloss[..end].trim().trim_end_matches([';', ':', ',', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_data_file_is_read() {
        let line = "00000042 33 v 02 throw_in 0 chuck_in 1 001 @ 00000099 v 0000 02 + 02 00 + 08 01 | stop trying; \"he threw in\"  ";
        let record = parse(line, 42).unwrap();
        assert_eq!(
            (record.field, record.words, record.related),
            (33, vec!["throw_in".into(), "chuck_in".into()], vec![99])
        );
        assert_eq!((record.frames, record.gloss.as_str()), (vec![(2, 0), (8, 1)], "stop trying"));
    }

    #[test]
    fn a_line_from_elsewhere_or_cut_off_is_no_record() {
        let line = "00000042 33 v 02 throw_in 0 chuck_in 0 000 00 | stop";
        assert!(parse(line, 42).is_some() && parse(line, 43).is_none());
        for end in 0..line.len() {
            let cut = parse(&line[..end], 42);
            assert!(cut.is_none_or(|record| record.words.len() == 2), "{end}");
        }
    }
}
