use std::ops::Range;

use aws_sdk_s3::primitives::ByteStream;
use langflix_ports::store::{Error, check_key};

use crate::{
    failure::{Failure, Sort},
    request::{Operation, persist},
    store::S3Store,
    wire::Request,
};

/// A part of an object that is read piece by piece.
pub struct Reading {
    body: ByteStream,
    store: S3Store,
    key: String,
    left: u64,
}

impl S3Store {
    /// The bytes of `key` in `range`, which is not empty, to be read piece by piece; `None` where the key does not exist.
    ///
    /// # Errors
    /// [`Error`] where the store cannot be read, or the object is shorter.
    pub async fn open(&self, key: &str, range: Range<u64>) -> Result<Option<Reading>, Error> {
        check_key(key)?;
        let left = range.end.saturating_sub(range.start);
        let bytes = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let headers = [("range", bytes.as_str())];
        let begin = async || {
            let get = Request { headers: &headers, ..Request::new("GET", key) };
            let answer = self.wire.ask(get, self.timeouts.answer).await?;
            match answer.size() == left {
                true => Ok(answer.body()),
                false => Err(Failure::new(Sort::Refused, "it sends another part than was asked for")),
            }
        };
        let body = match persist(Operation::GetObject, begin).await {
            Ok(body) => body,
            Err(failure) if failure.sort == Sort::Missing => return Ok(None),
            Err(failure) => return Err(self.error(key, &failure)),
        };
        Ok(Some(Reading { body, store: self.clone(), key: key.to_owned(), left }))
    }
}

impl Reading {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// [`Error`] where the connection is cut: read the rest anew.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + Send + use<>>, Error> {
        let piece =
            self.store.wire.piece(&mut self.body).await.map_err(|failure| self.store.error(&self.key, &failure))?;
        match &piece {
            Some(piece) => self.left = self.left.saturating_sub(piece.as_ref().len() as u64),
            None if self.left > 0 => {
                let cut = Failure::new(Sort::Refused, "it ends too early");
                return Err(self.store.error(&self.key, &cut));
            }
            None => {}
        }
        Ok(piece)
    }
}
