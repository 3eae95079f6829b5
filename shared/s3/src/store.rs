use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, SdkBody},
};
use langflix_ports::{
    cache::Cache,
    store::{ArtifactStore, Error, Put, check_key},
};

use crate::{
    client::{client, connector},
    copies::Copies,
    failure::{Failure, Sort, local},
    request::{Operation, persist},
    settings::{Settings, SettingsError, Timeouts},
    wire::{Request, Wire},
};

/// How much of a file is read at once: each read is a trip to another thread.
const PIECE: usize = 256 << 10;

/// Artifacts in a bucket. Clones share one client and its connections.
#[derive(Clone)]
pub struct S3Store {
    pub(crate) client: Client,
    pub(crate) wire: Arc<Wire>,
    pub(crate) bucket: Arc<str>,
    pub(crate) timeouts: Timeouts,
    pub(crate) copies: Option<Copies>,
    /// What errors call the server.
    server: Arc<str>,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store").field("server", &self.server).field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl S3Store {
    /// A store in the bucket of the settings. Nothing is asked of the server yet: [`Self::check`] does that.
    ///
    /// # Errors
    /// [`SettingsError`] where the settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let connector = connector(&settings)?;
        let wire = Arc::new(Wire::new(&settings, connector.clone())?);
        let client = client(&settings, connector);
        let server = settings.endpoint.map_or_else(|| format!("AWS S3 in {}", settings.region).into(), Arc::from);
        Ok(Self { client, wire, bucket: settings.bucket.into(), timeouts: settings.timeouts, copies: None, server })
    }

    /// Keeps a copy of each small artifact that it writes in `cache`, so that many are read at once for little. A copy
    /// counts only where its MD5 is the ETag that the server lists.
    #[must_use]
    pub fn with_copies(self, cache: Arc<dyn Cache>) -> Self {
        Self { copies: Some(Copies::new(cache)), ..self }
    }

    pub(crate) fn error(&self, key: &str, failure: &Failure) -> Error {
        failure.at(key, &self.bucket, &self.server)
    }

    async fn read(&self, key: &str) -> Result<Vec<u8>, Failure> {
        let answer = self.wire.ask(Request::new("GET", key), self.timeouts.answer).await?;
        self.wire.whole(answer, usize::MAX).await
    }

    pub(crate) async fn content(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        match persist(Operation::GetObject, || self.read(key)).await {
            Ok(content) => Ok(Some(content)),
            Err(failure) if failure.sort == Sort::Missing => Ok(None),
            Err(failure) => Err(self.error(key, &failure)),
        }
    }

    async fn remove(&self, key: &str) -> Result<(), Failure> {
        self.wire.ask(Request::new("DELETE", key), self.timeouts.answer).await.map(drop)
    }
}

#[async_trait]
impl ArtifactStore for S3Store {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, Error> {
        check_key(key)?;
        let put = self.create(key, SdkBody::from(bytes), bytes.len() as u64);
        let copied = async {
            if let Some(copies) = &self.copies {
                copies.keep(bytes).await;
            }
        };
        let (put, ()) = tokio::join!(put, copied);
        put.map_err(|failure| self.error(key, &failure))
    }

    async fn put_file_if_absent(&self, key: &str, path: &Path) -> Result<Put, Error> {
        check_key(key)?;
        // Opened, so that a file that may not be read is told as such and not as a cut connection.
        let file = tokio::fs::File::open(path).await.map_err(|error| local(key, path, &error))?;
        let size = file.metadata().await.map_err(|error| local(key, path, &error))?.len();
        let body = ByteStream::read_from().path(path).buffer_size(PIECE).build().await;
        let body = body.map_err(|error| local(key, path, &error.into()))?.into_inner();
        self.create(key, body, size).await.map_err(|failure| self.error(key, &failure))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        check_key(key)?;
        self.content(key).await
    }

    async fn download(&self, key: &str, path: &Path) -> Result<(), Error> {
        check_key(key)?;
        self.fetch(key, path).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        Ok(self.list_details(prefix).await?.into_iter().map(|found| found.key).collect())
    }

    async fn get_all(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.contents(prefix).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        check_key(key)?;
        match persist(Operation::DeleteObject, || self.remove(key)).await {
            Err(failure) if failure.sort != Sort::Missing => Err(self.error(key, &failure)),
            _ => Ok(()),
        }
    }
}
