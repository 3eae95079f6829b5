use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where videos and their subtitles are looked for.
pub(crate) trait Tree {
    /// Whether `path` is a folder rather than a file.
    ///
    /// # Errors
    /// Where there is no such thing, or it cannot be looked at.
    fn is_folder(&self, path: &Path) -> io::Result<bool>;

    /// What is in a folder, sorted.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>>;

    /// The path with the folders above it, whose names may tell the show.
    ///
    /// # Errors
    /// Where that is not known.
    fn absolute(&self, path: &Path) -> io::Result<PathBuf>;

    /// The path as the user writes it.
    fn shown(&self, path: &Path) -> String;
}

/// A file or a folder in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) is_folder: bool,
}

/// The file system of this machine.
pub(crate) struct Disk;

impl Tree for Disk {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        Ok(fs::metadata(path)?.is_dir())
    }

    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut paths = fs::read_dir(dir)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        // Links count as what they lead to.
        Ok(paths.into_iter().map(|path| Entry { is_folder: path.is_dir(), path }).collect())
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        std::path::absolute(path)
    }

    fn shown(&self, path: &Path) -> String {
        path.display().to_string()
    }
}
