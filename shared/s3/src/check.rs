use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use aws_sdk_s3::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextRef as Answer,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};
use futures::future::join_all;
use langflix_ports::store::{ArtifactStore as _, Error, ErrorKind, Put};

use crate::{
    failure::{Failure, Sort},
    request::{Operation, persist, within},
    store::S3Store,
};

/// How many write at once to see whether one of them wins.
const WRITERS: u8 = 4;

/// What a store that can be used says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// What the server calls itself, where it does.
    pub server: Option<String>,
    /// By how many seconds this machine's clock is ahead of the server's, where the server tells the time. Presigned
    /// URLs begin to fail at some minutes.
    pub clock_ahead_seconds: Option<i64>,
}

impl S3Store {
    /// Tries all that is needed of the bucket: to see it, list, write, read and delete, and that of several writers of
    /// a key exactly one succeeds. Leaves nothing behind but a key below `checks/` where deleting fails.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] where something is not permitted, the bucket does not exist, or this S3 does not honour
    /// conditional writes; [`ErrorKind::Unavailable`] where it cannot be asked now.
    pub async fn check(&self) -> Result<Check, Error> {
        let check = self.greet().await?;
        let key = format!("checks/{:032x}", fastrand::u128(..));
        let tried = self.try_out(&key).await;
        let deleted = self.delete(&key).await;
        tried.and(deleted).map(|()| check)
    }

    /// Asks whether the bucket is there, which needs no permission but to list it.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn reach(&self) -> Result<(), Error> {
        self.greet().await.map(drop)
    }

    async fn try_out(&self, key: &str) -> Result<(), Error> {
        let broken = |message: String| Error { kind: ErrorKind::Denied, key: key.to_owned(), message };
        let contents: Vec<[u8; 1]> = (0..WRITERS).map(|n| [n]).collect();
        let mut puts = join_all(contents.iter().map(|content| self.put_if_absent(key, content))).await;
        puts.push(self.put_if_absent(key, b"late").await);
        let puts = puts.into_iter().collect::<Result<Vec<Put>, _>>()?;
        let winners: Vec<usize> = (0..puts.len()).filter(|at| puts[*at] == Put::Created).collect();
        let &[winner] = winners.as_slice() else {
            return Err(broken(format!(
                "this S3 does not honour conditional writes (If-None-Match: *): {} of {} writers of one key succeeded, \
                 and it cannot be used",
                winners.len(),
                puts.len()
            )));
        };
        let content = self.get(key).await?;
        if content.as_deref() != contents.get(winner).map(<[u8; 1]>::as_slice) {
            return Err(broken("this S3 does not give back what was written, and it cannot be used".to_owned()));
        }
        if self.list(key).await? != [key] {
            return Err(broken("this S3 does not list what was written, and it cannot be used".to_owned()));
        }
        Ok(())
    }

    /// Asks for the bucket and for nothing else, which is the only question that tells a missing one for certain.
    async fn greet(&self) -> Result<Check, Error> {
        let heard = Heard::default();
        let greeted = persist(Operation::HeadBucket, || {
            let request = self.client.head_bucket().bucket(&*self.bucket).customize().interceptor(heard.clone());
            within(self.timeouts.answer, request.send())
        });
        let missing = |failure: Failure| match failure.sort {
            Sort::Missing => Failure::new(Sort::NoBucket, ""),
            _ => failure,
        };
        greeted.await.map_err(|failure| self.error(&self.bucket, &missing(failure)))?;
        let check = heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(check)
    }
}

/// Reads the head of an answer.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Check>>);

impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "Heard"
    }

    fn read_before_deserialization(
        &self,
        answer: &Answer<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = answer.response().headers();
        let date = headers.get("date").and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let ahead = date.map(|date| DateTime::from(SystemTime::now()).secs() - date.secs());
        let server = headers.get("server").map(|name| name.chars().take(60).collect());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Check { server, clock_ahead_seconds: ahead };
        Ok(())
    }
}
