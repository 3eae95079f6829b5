//! Copies of small artifacts, so that a thousand of them are read for the price of a list.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_ports::{cache::Cache, store::Error};
use md5::{Digest as _, Md5};

use crate::{Found, parts::hex, store::S3Store};

/// Larger ones are read seldom, and a cache has better uses for its room.
const SMALL: usize = 16 << 10;
/// Long enough for what belongs together to be written and read.
const KEPT: Duration = Duration::from_hours(6);
/// A store over a network answers many at once in the time of one.
const READS_AT_ONCE: usize = 32;

/// Copies by the MD5 of their content, which is the ETag that S3 gives what is written in one piece: what a list names is
/// never taken for anything else, whoever wrote the copy.
#[derive(Clone)]
pub(crate) struct Copies {
    cache: Arc<dyn Cache>,
}

impl Copies {
    pub(crate) fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache }
    }

    /// Keeps `content` where it is small. A cache that is away says so itself.
    pub(crate) async fn keep(&self, content: &[u8]) {
        if content.len() <= SMALL {
            let _without = self.cache.put(&name(&etag(content)), content, Some(KEPT)).await;
        }
    }

    /// The copies of what was found, in its order, as far as they are there.
    async fn of(&self, found: &[Found]) -> Vec<Option<Vec<u8>>> {
        let small = found.iter().filter(|found| found.stat.bytes <= SMALL as u64);
        let names: Vec<String> = small.map(|found| name(&found.stat.etag)).collect();
        let mut copies = self.cache.get_many(&names).await.unwrap_or_default().into_iter();
        let copy = |found: &Found| {
            let copy = if found.stat.bytes <= SMALL as u64 { copies.next().flatten() } else { None };
            copy.filter(|copy| etag(copy) == found.stat.etag)
        };
        found.iter().map(copy).collect()
    }
}

fn etag(content: &[u8]) -> String {
    hex(&Md5::digest(content).into())
}

fn name(etag: &str) -> String {
    format!("artifact:{etag}")
}

impl S3Store {
    /// The content of every key below `prefix`, from the copies as far as they are there.
    pub(crate) async fn contents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let found = self.list_details(prefix).await?;
        let copies = match &self.copies {
            Some(copies) => copies.of(&found).await,
            None => vec![None; found.len()],
        };
        let read = |(found, copy): (Found, Option<Vec<u8>>)| async move {
            let content = match copy {
                Some(copy) => Some(copy),
                None => self.content(&found.key).await?,
            };
            Ok(content.map(|content| (found.key, content)))
        };
        let reads: Vec<_> = found.into_iter().zip(copies).map(read).collect();
        stream::iter(reads).buffered(READS_AT_ONCE).try_filter_map(async |read| Ok(read)).try_collect().await
    }
}
