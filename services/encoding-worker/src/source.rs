use std::{io, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use langflix_domain::{FailureKind, SourceRead, source_read};
use langflix_local::{Held, HoldError, Scratch};
use langflix_ports::{
    media::{Error, Opened, SourceAccess, Wanted},
    store::{self, ArtifactStore as _, ErrorKind},
};
use langflix_s3::S3Store;

/// A URL must outlive the task that it was signed for.
const READABLE: Duration = Duration::from_hours(1);

/// Sources in the fleet's bucket: read by ranges where little of them is needed, and copied once where most is.
///
/// A source that is not what the run was made from any more fails the clip: its name tells which bytes it was cut from.
#[derive(Debug)]
pub struct S3Sources {
    store: Arc<S3Store>,
    bucket: String,
    scratch: Scratch,
}

impl S3Sources {
    /// Sources that lie in `bucket`, which is that of `store`; copies are kept in `scratch`.
    pub fn new(store: Arc<S3Store>, bucket: String, scratch: Scratch) -> Self {
        Self { store, bucket, scratch }
    }

    fn key<'a>(&self, source: &'a str) -> Result<&'a str, Error> {
        let key = source.strip_prefix("s3://").and_then(|place| place.split_once('/'));
        let key = key.filter(|(bucket, _)| *bucket == self.bucket).map(|(_, key)| key);
        let elsewhere =
            || format!("{source}: it does not lie in the fleet's bucket {}: submit the episode again", self.bucket);
        key.ok_or_else(|| input(elsewhere()))
    }

    /// Makes sure that what lies there is what the run was made from.
    async fn confirm(&self, Wanted { source, identity, .. }: Wanted<'_>) -> Result<(), Error> {
        match self.store.stat(self.key(source)?).await {
            Ok(Some(stat)) if stat.identity() == identity => Ok(()),
            Ok(Some(_)) => {
                Err(input(format!("{source}: it was changed after the run was submitted: submit the episode again")))
            }
            Ok(None) => Err(input(format!("{source}: it is gone: put it back and retry the run"))),
            Err(error) => Err(self.unread(source, &error).await),
        }
    }

    /// What a source is to a clip that cannot be read. One that is denied while the keys are good for all else is refused for
    /// good: to wait for it would keep this worker from every other clip.
    async fn unread(&self, source: &str, error: &store::Error) -> Error {
        let (kind, transient) = match error.kind {
            ErrorKind::NotFound | ErrorKind::InvalidKey => (FailureKind::Input, false),
            ErrorKind::Denied if self.store.list("open/").await.is_ok() => (FailureKind::Input, false),
            ErrorKind::Denied => (FailureKind::Store, false),
            ErrorKind::Unavailable | ErrorKind::Full => (FailureKind::Store, true),
        };
        Error { kind, transient, fault: None, message: format!("{source}: {}", error.message) }
    }

    async fn by_ranges(&self, wanted: Wanted<'_>) -> Result<Opened, Error> {
        self.confirm(wanted).await?;
        match self.store.presign(self.key(wanted.source)?, READABLE).await {
            Ok(url) => Ok(Opened { location: url.expose().to_owned(), read: SourceRead::Ranges, hold: None }),
            Err(error) => Err(self.unread(wanted.source, &error).await),
        }
    }

    /// A copy called `name`; `None` where there is no room for it.
    async fn copied(&self, name: &str, wanted: Wanted<'_>) -> Result<Option<Held>, Error> {
        let Wanted { source, info, .. } = wanted;
        let key = self.key(source)?;
        let confirm = async || self.confirm(wanted).await.map_err(|error| (error, false));
        let fill = |path: PathBuf| async move {
            confirm().await?;
            if let Err(error) = self.store.download(key, &path).await {
                return Err((self.unread(source, &error).await, error.kind == ErrorKind::Full));
            }
            // What came is what lay there before and after.
            confirm().await
        };
        let (error, is_full) = match self.scratch.hold(name, info.bytes, fill).await {
            Ok(held) => return Ok(Some(held)),
            Err(HoldError::NoRoom) => return Ok(None),
            Err(HoldError::Fill(failed)) => failed,
            Err(HoldError::Disk(error)) => {
                (on_disk(&error), matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
            }
        };
        if is_full {
            // Others write to this disk, too, and what nobody holds can come again.
            self.scratch.clear().await.map_err(|error| on_disk(&error))?;
        }
        Err(error)
    }
}

#[async_trait]
impl SourceAccess for S3Sources {
    async fn open(&self, wanted: Wanted<'_>) -> Result<Opened, Error> {
        let name = format!("{} {}", wanted.source, wanted.identity);
        let there = self.scratch.get(&name);
        let held = match source_read(wanted.info, wanted.footage, self.scratch.bound(), there.is_some()) {
            SourceRead::Copy if there.is_none() => self.copied(&name, wanted).await?,
            _ => there,
        };
        match held {
            Some(held) => {
                let location = held.path().to_string_lossy().into_owned();
                Ok(Opened { location, read: SourceRead::Copy, hold: Some(Box::new(held)) })
            }
            None => self.by_ranges(wanted).await,
        }
    }

    async fn close(&self, wanted: Wanted<'_>, opened: Opened) -> Result<(), Error> {
        match opened.read {
            SourceRead::Ranges => self.confirm(wanted).await,
            SourceRead::Copy | SourceRead::InPlace => Ok(()),
        }
    }
}

fn input(message: String) -> Error {
    Error { kind: FailureKind::Input, transient: false, fault: None, message }
}

fn on_disk(error: &io::Error) -> Error {
    Error { kind: FailureKind::Store, transient: true, fault: None, message: format!("fleet.scratch_dir: {error}") }
}
