use langflix_ports::store::{Error, check_key, check_prefix};

use crate::{
    failure::{Failure, Sort},
    page::Page,
    put::WRITER,
    request::{Operation, persist},
    store::S3Store,
    wire::Request,
};

/// The longest page of a list that is read: a thousand keys of a thousand bytes, each of them encoded, and four times that
/// for what stands between them.
const LONGEST_PAGE: usize = 16 << 20;

/// What S3 knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its size.
    pub bytes: u64,
    /// What changes with its content, without quotation marks.
    pub etag: String,
}

impl Stat {
    /// What tells these bytes from others; not the key, under which others may lie tomorrow.
    pub fn identity(&self) -> String {
        format!("{}:{}", self.etag, self.bytes)
    }
}

/// A key that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The key, as it stands in the bucket: where others wrote it, perhaps none that this store takes.
    pub key: String,
    /// What S3 knows of it.
    pub stat: Stat,
}

/// The head of an object.
pub(crate) struct Head {
    pub(crate) stat: Stat,
    /// The mark of who wrote it.
    pub(crate) writer: Option<String>,
}

impl S3Store {
    /// Size and ETag of `key`; `None` where it does not exist.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read. S3 answers this question without a word of explanation, so that a
    /// bucket that is missing cannot be told from a key that is.
    pub async fn stat(&self, key: &str) -> Result<Option<Stat>, Error> {
        check_key(key)?;
        match self.head(key).await {
            Ok(head) => Ok(Some(head.stat)),
            Err(failure) if failure.sort == Sort::Missing => Ok(None),
            Err(failure) => Err(self.error(key, &failure)),
        }
    }

    /// All keys that begin with `prefix`, sorted, with their sizes and ETags; among them, where others wrote the
    /// bucket, keys that this store does not take, such as the empty objects that stand for folders.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read.
    pub async fn list_details(&self, prefix: &str) -> Result<Vec<Found>, Error> {
        check_prefix(prefix)?;
        // Servers list in the order of the keys' bytes.
        let (mut found, mut next) = (Vec::new(), None::<String>);
        loop {
            let page = persist(Operation::ListObjects, || self.page(prefix, next.as_deref()));
            let page = page.await.map_err(|failure| self.error(prefix, &failure))?;
            found.extend(page.found);
            next = page.next;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn page(&self, prefix: &str, from: Option<&str>) -> Result<Page, Failure> {
        // Keys may hold characters that XML cannot.
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)];
        query.extend(from.map(|from| ("continuation-token", from)));
        let list = Request { query: &query, ..Request::new("GET", "") };
        let answer = self.wire.ask(list, self.timeouts.answer).await?;
        Page::read(&self.wire.whole(answer, LONGEST_PAGE).await?)
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Head, Failure> {
        persist(Operation::HeadObject, || self.look(key)).await
    }

    pub(crate) async fn look(&self, key: &str) -> Result<Head, Failure> {
        let answer = self.wire.ask(Request::new("HEAD", key), self.timeouts.answer).await?;
        let stat = Stat { bytes: answer.size(), etag: bare(answer.header("etag")) };
        Ok(Head { stat, writer: answer.header(WRITER).map(str::to_owned) })
    }
}

fn bare(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}
