//! Conditional writes.

use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use langflix_ports::store::Put;

use crate::{
    failure::{Failure, Sort},
    request::{Operation, Tries, counted, time_for},
    store::S3Store,
    wire::Request,
};

/// The entry of an object's metadata that says who wrote it.
pub(crate) const WRITER: &str = "x-amz-meta-langflix-writer";

impl S3Store {
    /// Writes unless the key exists.
    ///
    /// A try whose answer was lost may have written the key all the same. Before the next one looks whether the key is
    /// there, and a mark of this writer tells whether it meets itself. That also spares sending a large body again to
    /// a server that refuses it before it read it, and cuts the connection so that the refusal is not heard.
    pub(crate) async fn create(&self, key: &str, body: SdkBody, size: u64) -> Result<Put, Failure> {
        let writer = format!("{:032x}", fastrand::u128(..));
        let write = Write { key, writer: &writer, body, time: time_for(size, self.timeouts.answer) };
        let mut tries = Tries::new();
        let mut put = self.write(&write).await;
        loop {
            match tries.settle(put).await? {
                Some(put) => return Ok(put),
                None => put = self.write_again(&write).await,
            }
        }
    }

    async fn write(&self, write: &Write<'_>) -> Result<Put, Failure> {
        let headers = [("if-none-match", "*"), (WRITER, write.writer)];
        let put = Request { headers: &headers, body: again(&write.body)?, ..Request::new("PUT", write.key) };
        match counted(Operation::PutObject, self.wire.ask(put, write.time).await) {
            Ok(_) => Ok(Put::Created),
            Err(failure) if failure.sort == Sort::Precondition => Ok(Put::Exists),
            Err(failure) => Err(failure),
        }
    }

    async fn write_again(&self, write: &Write<'_>) -> Result<Put, Failure> {
        match counted(Operation::HeadObject, self.look(write.key).await) {
            Ok(there) if there.writer.as_deref() == Some(write.writer) => return Ok(Put::Created),
            Ok(_) => return Ok(Put::Exists),
            Err(failure) if failure.sort == Sort::Missing => {}
            Err(failure) => return Err(failure),
        }
        match self.write(write).await {
            // Another writer, or the first try of this one, which came late: looking again tells.
            Ok(Put::Exists) => Err(Failure::new(Sort::Conflict, "412")),
            put => put,
        }
    }
}

/// What is to be written, and by whom.
struct Write<'a> {
    key: &'a str,
    writer: &'a str,
    body: SdkBody,
    time: Duration,
}

/// A body once more.
pub(crate) fn again(body: &SdkBody) -> Result<SdkBody, Failure> {
    body.try_clone().ok_or_else(|| Failure::new(Sort::Refused, "a body that can be read only once"))
}
