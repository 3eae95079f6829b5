//! Multi-word entries of WordNet's dictionary files, as `wordnet-base` installs them.
//!
//! The formats are those of wndb(5WN): `index.*` names the senses of a lemma by their byte offset in `data.*`, the most
//! frequent sense first.

mod entry;
mod files;
mod record;
#[cfg(test)]
mod tests;

use std::{io, path::Path};

use tracing::warn;

use self::{
    entry::{index_line, plausible, to_entry},
    files::{DataFile, index_lines},
};
use super::lexicon::Entry;

/// Most entries that are taken; WordNet 3.0 gives about a third of it. Bounds memory to a few megabytes.
const MOST_ENTRIES: usize = 20_000;

/// A part of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pos {
    Verb,
    Noun,
    Adjective,
    Adverb,
}

impl Pos {
    const ALL: [Self; 4] = [Self::Verb, Self::Adverb, Self::Adjective, Self::Noun];

    fn file_ending(self) -> &'static str {
        match self {
            Self::Verb => "verb",
            Self::Noun => "noun",
            Self::Adjective => "adj",
            Self::Adverb => "adv",
        }
    }
}

/// The entries in `folder`; none where there is no such folder.
///
/// # Errors
/// Where `folder` cannot be looked at or is no folder.
pub(super) fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let mut entries = Vec::new();
    for pos in Pos::ALL {
        if let Err(error) = read_pos(folder, pos, &mut entries) {
            warn!(folder = %folder.display(), part = pos.file_ending(), %error, "WordNet files left out");
        }
    }
    Ok(entries)
}

fn read_pos(folder: &Path, pos: Pos, entries: &mut Vec<Entry>) -> io::Result<()> {
    let ending = pos.file_ending();
    let mut data = DataFile::open(&folder.join(format!("data.{ending}")))?;
    let mut damaged = 0usize;
    for line in index_lines(&folder.join(format!("index.{ending}")))? {
        let line = line?;
        let Some(indexed) = index_line(&line).filter(|indexed| plausible(indexed, pos)) else { continue };
        match data.record(indexed.offset)? {
            Some(record) => entries.extend(to_entry(&indexed, &record, pos, &mut data)?),
            None => damaged += 1,
        }
        if entries.len() >= MOST_ENTRIES {
            warn!(folder = %folder.display(), most = MOST_ENTRIES, "more WordNet entries than are taken");
            break;
        }
    }
    if damaged > 0 {
        warn!(folder = %folder.display(), part = ending, damaged, "WordNet entries without a readable sense left out");
    }
    Ok(())
}
