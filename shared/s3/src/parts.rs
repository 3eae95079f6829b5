//! How a file is cut into parts, and what S3 says of them.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::{Digest as _, Md5};

/// A file up to this size goes out in one request; the size of a part that others use as well, so that the ETag is the
/// one that their tools give the same file.
const PART: u64 = 8 << 20;
/// The most parts that S3 takes.
const MOST_PARTS: u64 = 10_000;

/// The stretches that a file of a size is uploaded in. They depend on the size alone, and so does the ETag depend on
/// nothing but the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    size: u64,
    part: u64,
}

impl Parts {
    pub(crate) fn of(size: u64) -> Self {
        let mut part = PART;
        while size.div_ceil(part) > MOST_PARTS {
            part *= 2;
        }
        Self { size, part }
    }

    /// Whether the file goes out in one request.
    pub(crate) fn is_whole(self) -> bool {
        self.size <= self.part
    }

    /// The numbers of the parts, from 1 on.
    pub(crate) fn numbers(self) -> impl Iterator<Item = i32> {
        1..=i32::try_from(self.size.div_ceil(self.part).max(1)).unwrap_or(i32::MAX)
    }

    fn stretch(self, number: i32) -> (u64, u64) {
        let begin = u64::from((number - 1).unsigned_abs()) * self.part;
        (begin, self.part.min(self.size - begin))
    }

    /// Reads a part.
    pub(crate) fn read(self, file: &File, number: i32) -> io::Result<Part> {
        let (begin, length) = self.stretch(number);
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, begin)?;
        Ok(Part { number, md5: Md5::digest(&bytes).into(), bytes })
    }

    /// The ETag of the file: its MD5 where it goes out in one request, else that of its parts' MD5s and their count.
    pub(crate) fn etag<'a>(self, md5s: impl ExactSizeIterator<Item = &'a [u8; 16]>) -> String {
        if self.is_whole() {
            return md5s.map(hex).collect();
        }
        let count = md5s.len();
        let whole: [u8; 16] = md5s.fold(Md5::new(), |whole, md5| whole.chain_update(md5)).finalize().into();
        format!("{}-{count}", hex(&whole))
    }

    /// The ETag of a file, which is read for it.
    pub(crate) fn etag_of(self, file: &File) -> io::Result<String> {
        let md5s = self.numbers().map(|number| self.read(file, number).map(|part| part.md5));
        Ok(self.etag(md5s.collect::<io::Result<Vec<_>>>()?.iter()))
    }
}

/// A part of a file, in memory.
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) md5: [u8; 16],
    pub(crate) bytes: Vec<u8>,
}

impl Part {
    /// What S3 answers for it, where it is not encrypted with a key of one's own.
    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }

    /// What goes out with it, so that S3 refuses it where it is damaged on the way.
    pub(crate) fn content_md5(&self) -> String {
        BASE64_STANDARD.encode(self.md5)
    }
}

pub(crate) fn hex(md5: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*md5))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn parts_cover_a_file_in_order_and_are_never_too_many() {
        for size in [0, 1, 8 * MIB, 8 * MIB + 1, 17 * MIB, 80_000 * MIB, 80_000 * MIB + 1, 5_000_000 * MIB] {
            let parts = Parts::of(size);
            let stretches: Vec<_> = parts.numbers().map(|number| parts.stretch(number)).collect();
            assert!(stretches.len() <= 10_000 && !stretches.is_empty(), "{size}");
            let covered = stretches.iter().fold(0, |at, (begin, length)| {
                assert_eq!(*begin, at, "{size}");
                begin + length
            });
            assert_eq!(covered, size);
            assert_eq!(parts.is_whole(), stretches.len() == 1, "{size}");
        }
    }

    #[test]
    fn the_etag_is_the_one_that_s3_gives() {
        let of = |content: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content).unwrap();
            Parts::of(content.len() as u64).etag_of(&file).unwrap()
        };
        assert_eq!(of(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(of(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        // What `aws s3 cp` gives nine MiB of zeros.
        assert_eq!(of(&vec![0; 9 << 20]), "d126ef08817d0490e207e456cb0ae080-2");
    }
}
