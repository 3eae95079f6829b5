use aws_sdk_s3::{
    operation::list_objects_v2::ListObjectsV2Output,
    primitives::SdkBody,
    types::{EncodingType, Object},
};
use langflix_ports::store::{Error, check_key, check_prefix};
use percent_encoding::percent_decode_str;

use crate::{
    failure::{Failure, Sort},
    put::WRITER,
    request::{Operation, persist, within},
    store::S3Store,
    wire::Request,
};

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
        self.objects(prefix, |key, object| {
            let bytes = object.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
            Found { key, stat: Stat { bytes, etag: bare(object.e_tag()) } }
        })
        .await
    }

    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.objects(prefix, |key, _| key).await
    }

    /// Servers list in the order of the keys' bytes.
    async fn objects<T>(&self, prefix: &str, take: impl Fn(String, &Object) -> T) -> Result<Vec<T>, Error> {
        check_prefix(prefix)?;
        let (mut found, mut next) = (Vec::new(), None::<String>);
        loop {
            let page = persist(Operation::ListObjects, || self.page(prefix, next.as_deref()));
            let page = page.await.map_err(|failure| self.error(prefix, &failure))?;
            for object in page.contents() {
                let key = decoded(object.key(), page.encoding_type());
                found.extend(key.map(|key| take(key, object)));
            }
            next = page.next_continuation_token.filter(|_| page.is_truncated == Some(true));
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn page(&self, prefix: &str, from: Option<&str>) -> Result<ListObjectsV2Output, Failure> {
        let request = self.client.list_objects_v2().bucket(&*self.bucket).prefix(prefix);
        // Keys may hold characters that XML cannot.
        let request = request.encoding_type(EncodingType::Url).set_continuation_token(from.map(str::to_owned));
        within(self.timeouts.answer, request.send()).await
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Head, Failure> {
        persist(Operation::HeadObject, || self.look(key)).await
    }

    pub(crate) async fn look(&self, key: &str) -> Result<Head, Failure> {
        let head = Request { method: "HEAD", key, headers: &[], body: SdkBody::empty() };
        let answer = self.wire.ask(head, self.timeouts.answer).await?;
        let stat = Stat { bytes: answer.size(), etag: bare(answer.header("etag")) };
        Ok(Head { stat, writer: answer.header(WRITER).map(str::to_owned) })
    }
}

fn bare(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// A key as a list shows it. Encoded, it is so as in forms, where a plus sign is a space.
pub(crate) fn decoded(key: Option<&str>, encoding: Option<&EncodingType>) -> Option<String> {
    match encoding {
        Some(EncodingType::Url) => Some(percent_decode_str(&key?.replace('+', " ")).decode_utf8_lossy().into_owned()),
        _ => key.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_list_are_decoded_however_a_space_is_encoded() {
        for (listed, meant) in [("a+b", "a b"), ("a%20b", "a b"), ("a%2Bb", "a+b"), ("%2520", "%20"), ("a/b", "a/b")] {
            assert_eq!(decoded(Some(listed), Some(&EncodingType::Url)).as_deref(), Some(meant));
            assert_eq!(decoded(Some(listed), None).as_deref(), Some(listed));
        }
    }
}
