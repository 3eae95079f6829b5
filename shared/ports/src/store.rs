//! Where artifacts lie: the truth about every run.

use std::path::Path;

use async_trait::async_trait;

/// Artifacts by key. Every adapter passes `langflix_testkit::store::store_contract`.
///
/// Keys are relative, parted by `/`, at most 900 bytes long, and ordered by their bytes. A part is 1 to 255 bytes long,
/// begins with no dot, and holds neither a backslash nor NUL; anything else is [`ErrorKind::InvalidKey`]. No key is the
/// folder of another.
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

    /// Removes the key; a key that does not exist is no error.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be written.
    async fn delete(&self, key: &str) -> Result<(), Error>;
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
