use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use super::record::{Record, parse};

/// Longest line that is read; WordNet's own stay under 16 KiB.
const LONGEST_LINE: u64 = 64 * 1024;
/// Largest file that is read; WordNet's own stay under 16 MiB.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Opens a regular file of a bounded size: opening a pipe would wait for ever.
fn open(path: &Path) -> io::Result<File> {
    let found = std::fs::metadata(path)?;
    let name = path.display();
    if !found.is_file() {
        return Err(io::Error::other(format!("{name} is no regular file")));
    }
    if found.len() > LARGEST_FILE {
        return Err(io::Error::other(format!("{name} is larger than {LARGEST_FILE} bytes")));
    }
    File::open(path)
}

/// The lines of an index file. A line that is too long or no UTF-8 ends the reading with an error.
pub(super) fn index_lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let mut reader = BufReader::new(open(path)?);
    Ok(std::iter::from_fn(move || line(&mut reader).transpose()).fuse())
}

/// The next line; `None` at the end.
fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    let length = reader.take(LONGEST_LINE).read_line(&mut text)?;
    if length as u64 == LONGEST_LINE && !text.ends_with('\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
    }
    Ok((length > 0).then_some(text))
}

/// A data file, read where the index points to.
pub(super) struct DataFile {
    reader: BufReader<File>,
}

impl DataFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(1024, open(path)?) })
    }

    /// The record at `offset`; `None` where there is none that can be understood.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) fn record(&mut self, offset: u64) -> io::Result<Option<Record>> {
        self.reader.seek(SeekFrom::Start(offset))?;
        match line(&mut self.reader) {
            Ok(text) => Ok(text.and_then(|text| parse(&text, offset))),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(error),
        }
    }
}
