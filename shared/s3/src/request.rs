//! One request: bounded in time, counted, and tried again where that may help.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use langflix_measures::S3_REQUESTS;
use langflix_ports::seldom::Seldom;
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;

/// The waits between tries: 0.1 s, doubling up to 5 s, with jitter.
const WAITS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(5))
    .with_max_times(6)
    .with_jitter();
/// No try begins later than this after the first.
const DEADLINE: Duration = Duration::from_secs(60);
/// The slowest that a body may go out, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// Lets one of all requests say in a minute that S3 keeps them waiting, so that nobody has to wonder why nothing happens.
static SAYS: Seldom = Seldom::every(Duration::from_secs(60));

/// What is asked of S3, named as S3 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    HeadBucket,
    HeadObject,
    GetObject,
    PutObject,
    DeleteObject,
    ListObjects,
    ListUploads,
    ListParts,
    CreateUpload,
    UploadPart,
    CompleteUpload,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::HeadBucket => "head_bucket",
            Self::HeadObject => "head_object",
            Self::GetObject => "get_object",
            Self::PutObject => "put_object",
            Self::DeleteObject => "delete_object",
            Self::ListObjects => "list_objects",
            Self::ListUploads => "list_uploads",
            Self::ListParts => "list_parts",
            Self::CreateUpload => "create_upload",
            Self::UploadPart => "upload_part",
            Self::CompleteUpload => "complete_upload",
        }
    }
}

/// How long a request with a body of `bytes` may take where an answer may take `answer`.
pub(crate) fn time_for(bytes: u64, answer: Duration) -> Duration {
    answer + Duration::from_secs(bytes / SLOWEST)
}

/// Sends a request. It is boxed at once: it is so large that to move it about costs more.
pub(crate) fn within<T, E: ProvideErrorMetadata>(
    time: Duration,
    answer: impl Future<Output = Result<T, SdkError<E>>>,
) -> impl Future<Output = Result<T, Failure>> {
    let answer = bounded(time, Box::pin(answer));
    async move { answer.await?.map_err(|error| Failure::of(&error)) }
}

/// What comes within `time`. After a sixth of it, 5 s for a request without a body, says that nothing has come yet.
pub(crate) async fn bounded<T>(time: Duration, mut answer: impl Future<Output = T> + Unpin) -> Result<T, Failure> {
    let soon = time / 6;
    if let Ok(answer) = timeout(soon, &mut answer).await {
        return Ok(answer);
    }
    if SAYS.is_time() {
        tracing::warn!("no answer from S3 for {soon:.0?}: still waiting");
    }
    timeout(time - soon, answer).await.map_err(|_| Failure::timed_out(time))
}

/// Counts a request by what came of it.
pub(crate) fn counted<T>(operation: Operation, result: Result<T, Failure>) -> Result<T, Failure> {
    let outcome = result.as_ref().map_or_else(|failure| failure.sort.as_str(), |_| "ok");
    S3_REQUESTS.add((operation.as_str().into(), outcome.into()), 1);
    result
}

/// Tries of one thing, with waits between them.
pub(crate) struct Tries {
    started: Instant,
    failed: u32,
    waits: ExponentialBackoff,
}

impl Tries {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), failed: 0, waits: WAITS.build() }
    }

    /// Takes the result of a try. `None` after a wait: try again.
    pub(crate) async fn settle<T>(&mut self, result: Result<T, Failure>) -> Result<Option<T>, Failure> {
        let failure = match result {
            Err(failure) if failure.sort.is_transient() => failure,
            result => return result.map(Some),
        };
        self.failed += 1;
        match self.waits.next() {
            Some(wait) if self.started.elapsed() + wait < DEADLINE => {
                if self.failed > 1 && SAYS.is_time() {
                    tracing::warn!(failure = failure.sort.as_str(), "S3: {}: trying again", failure.detail);
                }
                sleep(wait).await;
                Ok(None)
            }
            _ => Err(failure),
        }
    }
}

/// Tries until there is an answer that another try would not change.
pub(crate) async fn persist<T, F>(operation: Operation, mut attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut tries = Tries::new();
    loop {
        let result = counted(operation, attempt().await);
        if let Some(answer) = tries.settle(result).await? {
            return Ok(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use aws_sdk_s3::operation::get_object::GetObjectError;

    use super::*;
    use crate::failure::Sort;

    async fn tries(sort: Sort) -> u32 {
        let mut tries = 0;
        let attempt = || {
            tries += 1;
            ready(Err::<(), _>(Failure::new(sort, "")))
        };
        let result = persist(Operation::GetObject, attempt).await;
        assert_eq!(result.unwrap_err().sort, sort);
        tries
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_seven_times_within_a_quarter_minute() {
        let started = Instant::now();
        assert_eq!(tries(Sort::Busy).await, 7);
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_asked_once() {
        for sort in [Sort::Missing, Sort::Denied, Sort::Precondition, Sort::NoBucket] {
            assert_eq!(tries(sort).await, 1, "{sort:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_try_begins_after_the_deadline() {
        let (started, mut last) = (Instant::now(), Duration::ZERO);
        let attempt = || {
            last = started.elapsed();
            within::<(), GetObjectError>(Duration::from_secs(25), pending())
        };
        let result = persist(Operation::GetObject, attempt).await;
        assert_eq!(result.unwrap_err().sort, Sort::Timeout);
        assert!(last > Duration::from_secs(25) && last < DEADLINE, "{last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_long_is_waited_for_to_the_end() {
        let after = |seconds| Box::pin(sleep(Duration::from_secs(seconds)));
        let time = Duration::from_secs(30);
        for seconds in [4, 6, 29] {
            bounded(time, after(seconds)).await.unwrap();
        }
        let started = Instant::now();
        assert_eq!(bounded(time, after(31)).await.unwrap_err().sort, Sort::Timeout);
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    #[test]
    fn a_large_body_has_longer() {
        let answer = Duration::from_secs(30);
        assert_eq!(time_for(0, answer), answer);
        assert_eq!(time_for(8 << 20, answer), Duration::from_secs(30 + 256));
    }
}
