use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use langflix_ports::store::{ArtifactStore, Error, ErrorKind, Put};

/// Where files are written before they get their name; no key begins like this.
const INCOMING: &str = ".incoming";
const LONGEST_KEY: usize = 900;

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
        let fine = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\0', '\\']);
        if key.len() > LONGEST_KEY || !key.split('/').all(fine) {
            let message = "not a key of this store".to_owned();
            return Err(Error { kind: ErrorKind::InvalidKey, key: key.chars().take(80).collect(), message });
        }
        Ok(self.root.join(key))
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
        if path.exists() {
            return Ok(Put::Exists);
        }
        let mut temporary = tempfile::NamedTempFile::new_in(self.root.join(INCOMING))?;
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

fn failed(key: &str, error: &io::Error) -> Error {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "it does not exist".to_owned()),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Denied, "not permitted to write here: check the folder's permissions".to_owned())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::Full, "no space left: make room and run again".to_owned())
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
            store.create(&path, |file| io::copy(&mut File::open(from)?, file).map(drop))
        })
        .await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.blocking(key, |_, path| fs::read(path)).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    }

    async fn download(&self, key: &str, path: &Path) -> Result<(), Error> {
        // A copy and no link: whoever edits a delivered file must not change the store's.
        let to = path.to_owned();
        self.blocking(key, move |_, path| {
            let mut from = File::open(path)?;
            let parent = to.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent)?;
            let mut temporary = tempfile::Builder::new().prefix(".langflix-").tempfile_in(parent)?;
            io::copy(&mut from, temporary.as_file_mut())?;
            temporary.as_file().sync_all()?;
            temporary.persist(to).map(drop).map_err(|error| error.error)
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let (dir, prefix) = (prefix.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned(), prefix.to_owned());
        let store = self.clone();
        let shown = prefix.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let mut keys = Vec::new();
            match walk(&store.root.join(dir), &store.root, &mut keys) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
            keys.retain(|key| key.starts_with(&prefix));
            keys.sort();
            Ok(keys)
        });
        listed.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| failed(&shown, &error))
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        match self.blocking(key, |_, path| fs::remove_file(path)).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_writer_wins_and_exactly_one_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(dir.path()).unwrap();
        let writers = (0..16u8).map(|n| {
            let store = store.clone();
            async move { (n, store.put_if_absent("runs/a/plan.json", &[n; 1000]).await.unwrap()) }
        });
        let results = futures::future::join_all(writers).await;
        let winners: Vec<u8> = results.iter().filter(|(_, put)| *put == Put::Created).map(|(n, _)| *n).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(store.get("runs/a/plan.json").await.unwrap(), Some(vec![winners[0]; 1000]));
    }

    #[tokio::test]
    async fn keys_are_listed_in_order_and_gone_when_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(dir.path()).unwrap();
        for key in ["runs/쇼-s01/b", "runs/쇼-s01/a", "clips/x"] {
            store.put_if_absent(key, key.as_bytes()).await.unwrap();
        }
        assert_eq!(store.list("runs/").await.unwrap(), ["runs/쇼-s01/a", "runs/쇼-s01/b"]);
        store.delete("runs/쇼-s01/a").await.unwrap();
        store.delete("runs/쇼-s01/a").await.unwrap();
        assert_eq!(store.get("runs/쇼-s01/a").await.unwrap(), None);
        let missing = store.download("clips/y", &dir.path().join("y")).await.unwrap_err();
        assert_eq!(missing.kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn keys_that_leave_the_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(dir.path()).unwrap();
        for key in ["../x", "/etc/passwd", "a//b", ".lock", "a/../b", ""] {
            assert_eq!(store.put_if_absent(key, b"").await.unwrap_err().kind, ErrorKind::InvalidKey, "{key}");
        }
    }

    #[test]
    fn a_directory_is_held_by_one_run_at_a_time_and_swept() {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(dir.path()).unwrap();
        assert!(DirectoryStore::open(dir.path()).is_err());
        fs::write(dir.path().join(INCOMING).join("half"), b"x").unwrap();
        drop(store);
        let _store = DirectoryStore::open(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path().join(INCOMING)).unwrap().count(), 0);
    }
}
