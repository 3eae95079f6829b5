use std::{
    fs::{self, File, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use langflix_ports::store::{ArtifactStore, Error, ErrorKind, Put, check_key, check_prefix};

/// Where files are written before they get their name; no key begins like this.
const INCOMING: &str = ".incoming";

/// Artifacts as files below one directory, which it holds a lock on.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    _lock: Arc<File>,
}

impl DirectoryStore {
    /// Opens the store in `root`, which is made where it does not exist, and sweeps what a killed process left.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where another process holds it; otherwise what the file system says.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let at = |error: io::Error| failed(&root.display().to_string(), &error);
        let incoming = root.join(INCOMING);
        fs::create_dir_all(&incoming).map_err(at)?;
        let lock = File::create(root.join(".lock")).map_err(at)?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| Error {
            kind: ErrorKind::Unavailable,
            key: root.display().to_string(),
            message: "another run works on this folder: wait for it, or give another --out".to_owned(),
        })?;
        for entry in fs::read_dir(&incoming).map_err(at)? {
            fs::remove_file(entry.map_err(at)?.path()).map_err(at)?;
        }
        Ok(Self { root: root.to_owned(), _lock: Arc::new(lock) })
    }

    fn path(&self, key: &str) -> Result<PathBuf, Error> {
        check_key(key)?;
        Ok(self.root.join(key))
    }

    /// The folder that holds every key with this prefix.
    fn folder(&self, prefix: &str) -> Result<PathBuf, Error> {
        check_prefix(prefix)?;
        Ok(prefix.rsplit_once('/').map_or(self.root.clone(), |(folder, _)| self.root.join(folder)))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(Self, PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (store, path) = (self.clone(), self.path(key)?);
        let done = tokio::task::spawn_blocking(move || work(store, path)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| failed(key, &error))
    }

    /// Writes with `fill`, syncs, and links the file to its name unless that exists.
    fn create(&self, path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Put> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => return Ok(Put::Exists),
            Err(_) => {}
        }
        let mut temporary = temporary_in(&self.root.join(INCOMING))?;
        fill(temporary.as_file_mut())?;
        temporary.as_file().sync_all()?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match temporary.persist_noclobber(path) {
            Ok(_) => Ok(Put::Created),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Exists),
            Err(error) => Err(error.error),
        }
    }
}

/// A file that may be read by whom the user lets read other files, unlike a temporary file.
fn temporary_in(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".langflix-").permissions(Permissions::from_mode(0o666)).tempfile_in(dir)
}

/// Opens an artifact; what lies above or below one is none.
fn open(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Ok(file) if file.metadata()?.is_dir() => Err(io::ErrorKind::NotFound.into()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(io::ErrorKind::NotFound.into()),
        result => result,
    }
}

fn failed(key: &str, error: &io::Error) -> Error {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "it does not exist".to_owned()),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Denied, "not permitted to write here: check the folder's permissions".to_owned())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::Full, "no space left: make room and run again".to_owned())
        }
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            (ErrorKind::InvalidKey, "a key and a folder of keys cannot have one name".to_owned())
        }
        _ => (ErrorKind::Unavailable, error.to_string()),
    };
    Error { kind, key: key.to_owned(), message }
}

fn walk(dir: &Path, root: &Path, keys: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            walk(&path, root, keys)?;
        } else if let Ok(key) = path.strip_prefix(root) {
            keys.push(key.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[async_trait]
impl ArtifactStore for DirectoryStore {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, Error> {
        let bytes = bytes.to_owned();
        self.blocking(key, move |store, path| store.create(&path, |file| file.write_all(&bytes))).await
    }

    async fn put_file_if_absent(&self, key: &str, path: &Path) -> Result<Put, Error> {
        let from = path.to_owned();
        self.blocking(key, move |store, path| {
            store.create(&path, |file| {
                // Not the kind: "not found" is about the key.
                let named = |error: io::Error| io::Error::other(format!("{}: {error}", from.display()));
                io::copy(&mut File::open(&from).map_err(named)?, file).map(drop)
            })
        })
        .await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let read = |_, path: PathBuf| {
            let mut content = Vec::new();
            open(&path)?.read_to_end(&mut content).map(|_| content)
        };
        match self.blocking(key, read).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    }

    async fn download(&self, key: &str, path: &Path) -> Result<(), Error> {
        // A copy and no link: whoever edits a delivered file must not change the store's.
        let to = path.to_owned();
        self.blocking(key, move |_, path| {
            let mut from = open(&path)?;
            let parent = to.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent)?;
            let mut temporary = temporary_in(parent)?;
            io::copy(&mut from, temporary.as_file_mut())?;
            temporary.as_file().sync_all()?;
            temporary.persist(to).map(drop).map_err(|error| error.error)
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let (folder, prefix) = (self.folder(prefix)?, prefix.to_owned());
        let store = self.clone();
        let shown = prefix.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let mut keys = Vec::new();
            match walk(&folder, &store.root, &mut keys) {
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                result => result?,
            }
            keys.retain(|key| key.starts_with(&prefix));
            keys.sort();
            Ok(keys)
        });
        listed.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| failed(&shown, &error))
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let remove = |_, path: PathBuf| match fs::remove_file(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            Err(_) if path.is_dir() => Ok(()),
            result => result,
        };
        self.blocking(key, remove).await
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
