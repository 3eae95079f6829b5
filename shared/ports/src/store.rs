//! Where artifacts lie: the truth about every run.

use std::path::Path;

use async_trait::async_trait;

/// Artifacts by key. Every adapter passes `langflix_testkit::store::store_contract`.
///
/// Keys are relative, parted by `/`, at most 900 bytes long, and ordered by their bytes. A part is 1 to 255 bytes long,
/// begins with no dot, and holds neither a backslash nor NUL; anything else is [`ErrorKind::InvalidKey`], as
/// [`check_key`] and [`check_prefix`] tell. No key is the folder of another.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Writes `bytes` unless the key exists. Of several writers at once exactly one is told [`Put::Created`].
    ///
    /// # Errors
    /// [`Error`] where the store cannot be written.
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, Error>;

    /// Writes the content of the local file `path` unless the key exists; nobody ever sees a part of it.
    ///
    /// # Errors
    /// [`Error`] where the file cannot be read or the store cannot be written.
    async fn put_file_if_absent(&self, key: &str, path: &Path) -> Result<Put, Error>;

    /// The content; `None` where the key does not exist.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Writes the content of `key` to the local file `path`, whole or not at all, replacing what is there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the key does not exist; [`Error`] where either side fails.
    async fn download(&self, key: &str, path: &Path) -> Result<(), Error>;

    /// All keys that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error>;

    /// The content of every key that begins with `prefix`, in the order of [`Self::list`]; a key that is deleted meanwhile
    /// may be missing. For many small artifacts: all are held in memory.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read.
    async fn get_all(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut all = Vec::new();
        for key in self.list(prefix).await? {
            all.extend(self.get(&key).await?.map(|content| (key, content)));
        }
        Ok(all)
    }

    /// Removes the key; a key that does not exist is no error.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be written.
    async fn delete(&self, key: &str) -> Result<(), Error>;
}

/// Leaves room for a folder before it within the 4096 bytes of a path.
const LONGEST_KEY: usize = 900;
/// What file systems allow a name, in bytes.
const LONGEST_PART: usize = 255;

/// Looks whether `key` is one.
///
/// # Errors
/// [`ErrorKind::InvalidKey`] where it is none.
pub fn check_key(key: &str) -> Result<(), Error> {
    if key.len() <= LONGEST_KEY && key.split('/').all(is_part) { Ok(()) } else { Err(no_key(key)) }
}

/// Looks whether a key can begin with `prefix`, which may end within a name.
///
/// # Errors
/// [`ErrorKind::InvalidKey`] where none can.
pub fn check_prefix(prefix: &str) -> Result<(), Error> {
    let (folder, name) = prefix.rsplit_once('/').map_or((None, prefix), |(folder, name)| (Some(folder), name));
    let begins = prefix.len() <= LONGEST_KEY && (name.is_empty() || is_part(name));
    if begins && folder.is_none_or(|folder| folder.split('/').all(is_part)) { Ok(()) } else { Err(no_key(prefix)) }
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.len() <= LONGEST_PART && !part.starts_with('.') && !part.contains(['\0', '\\'])
}

fn no_key(key: &str) -> Error {
    let message = "not a key of this store".to_owned();
    Error { kind: ErrorKind::InvalidKey, key: key.chars().take(80).collect(), message }
}

/// What a conditional write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The key is new and holds what was given.
    Created,
    /// The key existed and was left alone.
    Exists,
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
#[error("artifact {key}: {message}")]
pub struct Error {
    /// What sort of error.
    pub kind: ErrorKind,
    /// The key concerned.
    pub key: String,
    /// What happened and what to do, in one line.
    pub message: String,
}

/// Sorts of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The key does not exist.
    NotFound,
    /// The key is not one the store accepts.
    InvalidKey,
    /// Not permitted.
    Denied,
    /// No space left.
    Full,
    /// Anything that may pass: retry.
    Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_relative_names_parted_by_slashes() {
        for key in ["a", "a/b.json", "쇼/s01 e02", "a..b", "%2F", &"x".repeat(255)] {
            assert!(check_key(key).is_ok(), "{key}");
            assert!(check_prefix(key).is_ok() && check_prefix(&format!("{key}/")).is_ok(), "{key}");
        }
        let (long_part, too_long) = ("x".repeat(256), "abc/".repeat(225) + "x");
        for key in ["", "/", "/a", "a/", "a//b", ".", "../a", "a/.b", "a\\b", "a\0", &long_part, &too_long] {
            assert_eq!(check_key(key).unwrap_err().kind, ErrorKind::InvalidKey, "{key:?}");
        }
    }

    #[test]
    fn a_prefix_may_be_empty_or_end_within_a_name_but_not_outside() {
        assert!(check_prefix("").is_ok());
        for prefix in ["/", "/a", "../", "a/../", "a/../b", "a//", "a\\b", "a\0", ".", &"abc/".repeat(226)] {
            assert_eq!(check_prefix(prefix).unwrap_err().kind, ErrorKind::InvalidKey, "{prefix:?}");
        }
    }
}
