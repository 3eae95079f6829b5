//! Sources, from local files.

use std::{
    fs::{File, Metadata},
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_sdk_s3::{primitives::SdkBody, types::CompletedPart};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_ports::store::{Error, check_key};
use tokio::task::spawn_blocking;

use crate::{
    failure::{Failure, Sort, local},
    listing::Stat,
    multipart::Unfinished,
    parts::{Part, Parts},
    put::again,
    request::{Operation, persist, time_for},
    store::S3Store,
    wire::Request,
};

/// How many parts of a file are under way, and in memory, at a time.
const AT_ONCE: usize = 4;
/// How often an upload that somebody else completed or gave up is begun anew.
const ROUNDS: usize = 3;

/// A source that lies in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Its size and its ETag, which depends on its content alone.
    pub stat: Stat,
    /// How much was sent; the rest lay there already.
    pub sent: u64,
}

/// A file on its way.
struct Upload<'a> {
    store: &'a S3Store,
    key: &'a str,
    file: Arc<File>,
    as_it_was: Metadata,
    parts: Parts,
    sent: AtomicU64,
    there: AtomicU64,
    progress: &'a (dyn Fn(u64) + Send + Sync),
}

/// Why an upload stops.
enum Stop {
    Asked(Failure),
    File(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Asked(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl S3Store {
    /// Puts the content of the local file `path` at `key`, replacing what is there; sends nothing where that is the
    /// same already. `progress` is told how many bytes lie there.
    ///
    /// A file over 8 MiB goes out in parts, several at a time. An upload of this key that was broken off is gone on
    /// with: dropping the future loses only the parts that were under way.
    ///
    /// # Errors
    /// [`Error`] where the file cannot be read, or changes meanwhile, or the store cannot be written.
    pub async fn upload_source(
        &self,
        path: &Path,
        key: &str,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Uploaded, Error> {
        check_key(key)?;
        let (file, as_it_was) = open(path).await.map_err(|error| local(key, path, &error))?;
        let (file, parts) = (Arc::new(file), Parts::of(as_it_was.len()));
        let (sent, there) = (AtomicU64::new(0), AtomicU64::new(0));
        let upload = Upload { store: self, key, file, as_it_was, parts, sent, there, progress };
        upload.run().await.map_err(|stop| match stop {
            Stop::Asked(failure) => self.error(key, &failure),
            Stop::File(error) => local(key, path, &error),
        })
    }
}

async fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let path = path.to_owned();
    blocking(move || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok((file, metadata))
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl Upload<'_> {
    async fn run(&self) -> Result<Uploaded, Stop> {
        for _ in 0..ROUNDS {
            if let Some(stat) = self.same().await? {
                (self.progress)(stat.bytes);
                return Ok(self.done(stat));
            }
            self.there.store(0, Ordering::Relaxed);
            let sent = if self.parts.is_whole() { self.whole().await } else { self.in_parts().await };
            match sent {
                // Completed by a twin, or by a try of ours whose answer was lost; or given up by a third.
                Err(Stop::Asked(failure)) if failure.sort == Sort::NoUpload => {}
                Err(stop) => return Err(stop),
                Ok(()) => return self.verified().await,
            }
        }
        Err(Failure::new(Sort::NoUpload, "the upload is gone again and again").into())
    }

    fn done(&self, stat: Stat) -> Uploaded {
        Uploaded { stat, sent: self.sent.load(Ordering::Relaxed) }
    }

    /// What lies there, where that is this file. The file is read only where the size is right.
    async fn same(&self) -> Result<Option<Stat>, Stop> {
        let there = match self.store.head(self.key).await {
            Err(failure) if failure.sort == Sort::Missing => return Ok(None),
            head => head?.stat,
        };
        if there.bytes != self.as_it_was.len() {
            return Ok(None);
        }
        let (file, parts) = (self.file.clone(), self.parts);
        let etag = blocking(move || parts.etag_of(&file)).await?;
        Ok(Some(there).filter(|there| there.etag == etag))
    }

    async fn verified(&self) -> Result<Uploaded, Stop> {
        let there = self.store.head(self.key).await?.stat;
        if there.bytes == self.as_it_was.len() {
            return Ok(self.done(there));
        }
        let detail = format!("{} bytes were sent and {} are there", self.as_it_was.len(), there.bytes);
        Err(Failure::new(Sort::Damaged, detail).into())
    }

    async fn read(&self, number: i32) -> Result<Part, Stop> {
        let (file, parts) = (self.file.clone(), self.parts);
        Ok(blocking(move || parts.read(&file, number)).await?)
    }

    fn count(&self, bytes: u64, sent: bool) {
        if sent {
            self.sent.fetch_add(bytes, Ordering::Relaxed);
        }
        (self.progress)(self.there.fetch_add(bytes, Ordering::Relaxed) + bytes);
    }

    async fn whole(&self) -> Result<(), Stop> {
        let part = self.read(1).await?;
        let (md5, bytes) = (part.content_md5(), self.as_it_was.len());
        let (body, time) = (SdkBody::from(part.bytes), time_for(bytes, self.store.timeouts.answer));
        let headers = [("content-md5", md5.as_str())];
        persist(Operation::PutObject, || {
            let body = again(&body);
            async {
                let put = Request { headers: &headers, body: body?, ..Request::new("PUT", self.key) };
                self.store.wire.ask(put, time).await
            }
        })
        .await?;
        self.count(bytes, true);
        Ok(())
    }

    async fn in_parts(&self) -> Result<(), Stop> {
        let upload = match self.store.unfinished(self.key).await? {
            Some(upload) => upload,
            None => self.store.begin(self.key).await?,
        };
        let parts = stream::iter(self.parts.numbers()).map(|number| self.part(&upload, number));
        let mut parts: Vec<CompletedPart> = parts.buffer_unordered(AT_ONCE).try_collect().await?;
        parts.sort_by_key(CompletedPart::part_number);
        let file = self.file.clone();
        let now = blocking(move || file.metadata()).await?;
        if now.len() != self.as_it_was.len() || now.modified()? != self.as_it_was.modified()? {
            return Err(io::Error::other("it changes while it is uploaded: wait until it is whole").into());
        }
        Ok(self.store.complete(self.key, &upload, parts).await?)
    }

    async fn part(&self, upload: &Unfinished, number: i32) -> Result<CompletedPart, Stop> {
        let part = self.read(number).await?;
        let bytes = part.bytes.len() as u64;
        let there = upload.etags.get(&number).filter(|etag| **etag == part.etag());
        let (sent, done) = match there {
            Some(etag) => (false, CompletedPart::builder().part_number(number).e_tag(etag).build()),
            None => (true, self.store.send(self.key, upload, part).await?),
        };
        self.count(bytes, sent);
        Ok(done)
    }
}
