use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use langflix_domain::Digest;
use langflix_ports::{
    cache::{Cache, Error},
    seldom::Seldom,
};

/// Values as files in one directory.
#[derive(Clone, Debug)]
pub struct DirectoryCache {
    root: PathBuf,
    warnings: Arc<Seldom>,
}

impl DirectoryCache {
    /// Opens the cache in `root`, which is made where it does not exist.
    ///
    /// # Errors
    /// Whatever the file system says against making it.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        Ok(Self { root: root.to_owned(), warnings: Arc::default() })
    }

    fn file(&self, key: &str) -> PathBuf {
        self.root.join(Digest::of_bytes(key.as_bytes()).as_str())
    }

    fn failed(&self, error: &io::Error) -> Error {
        if self.warnings.is_time() {
            tracing::warn!(folder = %self.root.display(), %error, "going on without the cache");
        }
        Error { message: error.to_string() }
    }
}

/// A value's file: the moment it expires, in milliseconds since 1970 as eight bytes, then the value.
fn header(ttl: Option<Duration>) -> [u8; 8] {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let expires = ttl.and_then(|ttl| u64::try_from(now.checked_add(ttl)?.as_millis()).ok());
    expires.unwrap_or(u64::MAX).to_be_bytes()
}

#[async_trait]
impl Cache for DirectoryCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut content = match tokio::fs::read(self.file(key)).await {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        let Some((expires, _)) = content.split_first_chunk::<8>() else { return Ok(None) };
        if *expires <= header(Some(Duration::ZERO)) {
            return Ok(None);
        }
        Ok(Some(content.split_off(8)))
    }

    async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        let (root, file, content) = (self.root.clone(), self.file(key), [&header(ttl), value].concat());
        let write = move || {
            let mut temporary = tempfile::NamedTempFile::new_in(root)?;
            temporary.write_all(&content)?;
            temporary.as_file().sync_all()?;
            temporary.persist(file).map(drop).map_err(|error| error.error)
        };
        let written = tokio::task::spawn_blocking(write).await.map_err(io::Error::other).flatten();
        written.map_err(|error| self.failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use langflix_testkit::cache::cache_contract;

    use super::*;

    /// Lets time go by for all that lies in the cache at `root`.
    fn age(root: &Path, by: Duration) {
        for entry in std::fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            let mut content = std::fs::read(&path).unwrap();
            let expires = content.first_chunk_mut::<8>().unwrap();
            if *expires != header(None) {
                *expires = (u64::from_be_bytes(*expires) - by.as_millis() as u64).to_be_bytes();
            }
            std::fs::write(&path, content).unwrap();
        }
    }

    #[tokio::test]
    async fn a_directory_keeps_what_a_cache_promises() {
        let dir = tempfile::tempdir().unwrap();
        let cache = DirectoryCache::open(dir.path()).unwrap();
        cache_contract(&cache, async |by| age(dir.path(), by)).await;
    }

    #[tokio::test]
    async fn values_outlive_the_process() {
        let dir = tempfile::tempdir().unwrap();
        DirectoryCache::open(dir.path()).unwrap().put("a", b"one", None).await.unwrap();
        let cache = DirectoryCache::open(dir.path()).unwrap();
        assert_eq!(cache.get("a").await.unwrap().as_deref(), Some(&b"one"[..]));
    }

    #[tokio::test]
    async fn a_cut_off_value_counts_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let cache = DirectoryCache::open(dir.path()).unwrap();
        std::fs::write(cache.file("a"), b"1234").unwrap();
        assert_eq!(cache.get("a").await.unwrap(), None);
    }
}
