//! Where a scratch folder lies.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tempfile::TempPath;

/// Each process has a part of the folder, named so and numbered.
const PART: &str = "part-";
/// A part is whose process locks this file in it.
const LOCK: &str = ".lock";

/// A part of a folder that this process holds until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Files in the making.
    pub(super) work: PathBuf,
    copies: PathBuf,
    incoming: PathBuf,
    _lock: File,
}

/// A copy that a process before left.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) used: SystemTime,
}

impl Place {
    /// Takes the first part below `root` that no process holds, and empties those of processes that have ended.
    pub(super) fn claim(root: &Path) -> io::Result<Self> {
        let root = std::path::absolute(root)?;
        let mut number = 0;
        let (part, lock) = loop {
            let part = root.join(format!("{PART}{number}"));
            fs::create_dir_all(&part)?;
            if let Some(lock) = lock(&part)? {
                break (part, lock);
            }
            number += 1;
        };
        for entry in fs::read_dir(&root)? {
            let other = entry?.path();
            if other != part
                && other.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PART))
                && let Some(_lock) = self::lock(&other)?
            {
                empty(&other)?;
            }
        }
        let [work, copies, incoming] = ["work", "copies", "incoming"].map(|name| part.join(name));
        for folder in [&work, &incoming] {
            fs::create_dir_all(folder)?;
            empty(folder)?;
        }
        fs::create_dir_all(&copies)?;
        Ok(Self { work, copies, incoming, _lock: lock })
    }

    /// The copies that are there; what is none is removed.
    pub(super) fn found(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.copies)? {
            let entry = entry?;
            let (name, file) = (entry.file_name().to_string_lossy().into_owned(), entry.metadata()?);
            if file.is_file() && name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                found.push(Found { name, bytes: file.len(), used: file.modified()? });
            } else {
                remove(&entry.path())?;
            }
        }
        Ok(found)
    }

    /// Where the copy called `name` lies.
    pub(super) fn copy(&self, name: &str) -> PathBuf {
        self.copies.join(name)
    }

    /// A folder to make a copy in; `number` is used for nothing else.
    pub(super) fn incoming(&self, number: u64) -> io::Result<Incoming> {
        let folder = self.incoming.join(number.to_string());
        fs::create_dir(&folder)?;
        Ok(Incoming { copy: folder.join("copy"), folder })
    }

    /// Takes the copy called `name` out of use; it is gone when what this returns is dropped. `number` is used for nothing
    /// else.
    pub(super) fn remove(&self, name: &str, number: u64) -> io::Result<TempPath> {
        let gone = TempPath::try_from_path(self.incoming.join(number.to_string()))?;
        match fs::rename(self.copy(name), &gone) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(gone),
        }
    }
}

/// A folder that a copy is made in, deleted when this is dropped.
#[derive(Debug)]
pub(super) struct Incoming {
    folder: PathBuf,
    /// Where the copy is made.
    pub(super) copy: PathBuf,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What a writer that was dropped asked of the file system last is done behind its back, perhaps now: then the
        // folder is not empty after all. Once it is gone nothing can be made in it.
        let is_left =
            |result: io::Result<()>| result.is_err_and(|error| error.kind() == io::ErrorKind::DirectoryNotEmpty);
        let _swept_later = (0..3).find(|_| !is_left(fs::remove_dir_all(&self.folder)));
    }
}

/// Locks a part, unless another process holds it.
fn lock(part: &Path) -> io::Result<Option<File>> {
    // The file stays for ever: a lock on one that was deleted would hold nothing.
    let file = File::options().create(true).truncate(false).write(true).open(part.join(LOCK))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes all in a folder but its lock.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() != LOCK {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// How many bytes the files below a folder have. What is gone meanwhile has none.
pub(super) fn bytes(folder: &Path) -> io::Result<u64> {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match fs::read_dir(folder) {
        Err(error) if is_gone(&error) => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        let path = entry?.path();
        bytes += match path.symlink_metadata() {
            Ok(found) if found.is_dir() => self::bytes(&path)?,
            Ok(found) => found.len(),
            Err(error) if is_gone(&error) => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
