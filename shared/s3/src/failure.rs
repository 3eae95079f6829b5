//! What went wrong with a request, and what that means for the next.

use std::{error::Error as StdError, io, iter::successors, path::Path, time::Duration};

use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use langflix_ports::store::{Error, ErrorKind};

/// Sorts of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// There is no such key.
    Missing,
    /// There is no such bucket.
    NoBucket,
    /// There is no such multipart upload: it was completed or given up.
    NoUpload,
    /// What the request demands of the key does not hold.
    Precondition,
    /// Another write to the key is going on.
    Conflict,
    /// The bucket is in another region.
    Region,
    /// The keys are wrong or have expired.
    Keys,
    /// The keys are right and do not suffice.
    Denied,
    /// This machine's clock is wrong.
    Clock,
    /// No space left.
    Full,
    /// The server asks to slow down.
    Busy,
    /// The server failed.
    Server,
    /// The bytes came in damaged.
    Damaged,
    /// No answer in time.
    Timeout,
    /// No connection, or it was cut.
    Connection,
    /// The server's certificate is not to be trusted.
    Certificate,
    /// Any other refusal.
    Refused,
}

impl Sort {
    /// As it is counted.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NoBucket => "no_bucket",
            Self::NoUpload => "no_upload",
            Self::Precondition => "precondition",
            Self::Conflict => "conflict",
            Self::Region => "region",
            Self::Keys => "keys",
            Self::Denied => "denied",
            Self::Clock => "clock",
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Server => "server",
            Self::Damaged => "damaged",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Certificate => "certificate",
            Self::Refused => "refused",
        }
    }

    /// Whether the same request may succeed after a wait. A wrong clock is among these: the client learns from the
    /// answer what time it is at the server, and signs the next request with that.
    pub(crate) fn is_transient(self) -> bool {
        use Sort::{Busy, Clock, Conflict, Connection, Damaged, Server, Timeout};
        matches!(self, Conflict | Clock | Busy | Server | Damaged | Timeout | Connection)
    }

    fn of(status: u16, code: &str) -> Self {
        match (code, status) {
            ("NoSuchBucket", _) => Self::NoBucket,
            ("NoSuchUpload", _) => Self::NoUpload,
            ("PreconditionFailed", _) => Self::Precondition,
            ("RequestTimeTooSkewed", _) => Self::Clock,
            ("RequestTimeout", _) => Self::Timeout,
            ("BadDigest", _) => Self::Damaged,
            ("SlowDown" | "Throttling" | "ThrottlingException" | "ServiceUnavailable", _) => Self::Busy,
            ("QuotaExceeded" | "XMinioStorageFull", _) => Self::Full,
            ("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed", _) => Self::Region,
            ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken", _) => Self::Keys,
            ("NoSuchKey" | "NotFound", _) | (_, 404) => Self::Missing,
            (_, 412) => Self::Precondition,
            (_, 409) => Self::Conflict,
            (_, 401 | 403) => Self::Denied,
            (_, 301 | 307) => Self::Region,
            (_, 408) => Self::Timeout,
            (_, 429 | 503) => Self::Busy,
            (_, 507) => Self::Full,
            ("NotImplemented", _) | (_, 501) => Self::Refused,
            // Copying and completing may fail after the head of a good answer was sent.
            (_, 200..=299 | 500..) => Self::Server,
            _ => Self::Refused,
        }
    }
}

/// One request's failure.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) sort: Sort,
    /// What was answered or what happened, without any secret.
    pub(crate) detail: String,
}

impl Failure {
    pub(crate) fn new(sort: Sort, detail: impl Into<String>) -> Self {
        Self { sort, detail: detail.into() }
    }

    pub(crate) fn timed_out(after: Duration) -> Self {
        Self::new(Sort::Timeout, format!("no answer within {after:.0?}"))
    }

    /// A connection that broke, or what the body was read from.
    pub(crate) fn cut(error: &(dyn StdError + 'static)) -> Self {
        Self::new(Sort::Connection, innermost(error))
    }

    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self {
        match error {
            SdkError::TimeoutError(_) => Self::new(Sort::Timeout, "no answer in time"),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => Self::of_connector(error),
                None => Self::new(Sort::Connection, "the request could not be sent"),
            },
            SdkError::ResponseError(answer) => Self::answered(answer.raw().status().as_u16(), ""),
            SdkError::ServiceError(answer) => {
                Self::answered(answer.raw().status().as_u16(), answer.err().code().unwrap_or_default())
            }
            // Its source may show the request.
            _ => Self::new(Sort::Refused, "no request can be made of this"),
        }
    }

    pub(crate) fn of_connector(error: &ConnectorError) -> Self {
        let sort = match error {
            error if error.is_timeout() => Sort::Timeout,
            error if is_about_tls(error) => Sort::Certificate,
            _ => Sort::Connection,
        };
        Self::new(sort, innermost(error))
    }

    pub(crate) fn answered(status: u16, code: &str) -> Self {
        // The code is what the server likes it to be.
        let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        Self::new(Sort::of(status, &code), format!("{status} {code}").trim_end().to_owned())
    }

    /// What the port tells of it.
    pub(crate) fn at(&self, key: &str, bucket: &str, server: &str) -> Error {
        let detail = &self.detail;
        let (kind, message) = match self.sort {
            Sort::Missing => (ErrorKind::NotFound, "it does not exist".to_owned()),
            Sort::NoBucket => {
                let message = format!("there is no bucket {bucket:?} at {server}: create it, or correct s3.bucket");
                (ErrorKind::Denied, message)
            }
            Sort::Region => {
                let message = format!("bucket {bucket:?} is in another region ({detail}): correct s3.region");
                (ErrorKind::Denied, message)
            }
            Sort::Keys => {
                let message = format!("{server} does not take the keys ({detail}): check access key and secret");
                (ErrorKind::Denied, message)
            }
            Sort::Denied => {
                let message =
                    format!("bucket {bucket:?} does not permit this ({detail}): check the keys and their permissions");
                (ErrorKind::Denied, message)
            }
            Sort::Clock => {
                let message = format!("the clocks of this machine and of {server} differ by too much: set them right");
                (ErrorKind::Denied, message)
            }
            Sort::Full => (ErrorKind::Full, format!("no space left in bucket {bucket:?} ({detail}): make room")),
            Sort::Refused => (ErrorKind::Denied, format!("{server} refuses the request ({detail})")),
            Sort::Precondition => (ErrorKind::Unavailable, "it changed while it was read: try again".to_owned()),
            Sort::Conflict | Sort::NoUpload => {
                (ErrorKind::Unavailable, format!("others write it at the same time ({detail}): try again"))
            }
            Sort::Certificate => {
                (ErrorKind::Unavailable, format!("no trust in {server} ({detail}): check s3.ca_file and s3.endpoint"))
            }
            Sort::Connection => {
                let message = format!("cannot talk to {server} ({detail}): check the network and s3.endpoint");
                (ErrorKind::Unavailable, message)
            }
            Sort::Busy | Sort::Server | Sort::Damaged | Sort::Timeout => {
                (ErrorKind::Unavailable, format!("{server} does not do it now ({detail}): try again later"))
            }
        };
        Error { kind, key: key.to_owned(), message }
    }
}

/// What the port tells of a local file that cannot be read or written.
pub(crate) fn local(key: &str, path: &Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::Full,
        // Not the kind: "not found" is about the key.
        _ => ErrorKind::Unavailable,
    };
    Error { kind, key: key.to_owned(), message: format!("{}: {error}", path.display()) }
}

/// The cause at the bottom, which says more than what stands around it. No URL is part of it.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn is_about_tls(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<rustls::Error>())
}

/// The error and what caused it. An I/O error passes over its own payload.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(payload) => Some(payload as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_their_code_and_then_by_their_status() {
        for (status, code, sort) in [
            (404, "NoSuchKey", Sort::Missing),
            (404, "NoSuchBucket", Sort::NoBucket),
            (404, "NoSuchUpload", Sort::NoUpload),
            (404, "", Sort::Missing),
            (412, "PreconditionFailed", Sort::Precondition),
            (412, "", Sort::Precondition),
            (409, "ConditionalRequestConflict", Sort::Conflict),
            (403, "AccessDenied", Sort::Denied),
            (403, "", Sort::Denied),
            (403, "InvalidAccessKeyId", Sort::Keys),
            (403, "SignatureDoesNotMatch", Sort::Keys),
            (403, "RequestTimeTooSkewed", Sort::Clock),
            (403, "QuotaExceeded", Sort::Full),
            (301, "PermanentRedirect", Sort::Region),
            (400, "AuthorizationHeaderMalformed", Sort::Region),
            (400, "RequestTimeout", Sort::Timeout),
            (400, "BadDigest", Sort::Damaged),
            (400, "InvalidRequest", Sort::Refused),
            (501, "NotImplemented", Sort::Refused),
            (503, "SlowDown", Sort::Busy),
            (503, "", Sort::Busy),
            (500, "InternalError", Sort::Server),
            (200, "InternalError", Sort::Server),
            (502, "", Sort::Server),
        ] {
            assert_eq!(Failure::answered(status, code).sort, sort, "{status} {code}");
        }
    }

    #[test]
    fn what_is_tried_again_is_unavailable_once_it_is_given_up() {
        for sort in [Sort::Conflict, Sort::Busy, Sort::Server, Sort::Damaged, Sort::Timeout, Sort::Connection] {
            assert!(sort.is_transient(), "{sort:?}");
            assert_eq!(Failure::new(sort, "").at("k", "b", "s").kind, ErrorKind::Unavailable, "{sort:?}");
        }
        for sort in [Sort::NoBucket, Sort::Region, Sort::Keys, Sort::Denied, Sort::Refused] {
            assert!(!sort.is_transient(), "{sort:?}");
            assert_eq!(Failure::new(sort, "").at("k", "b", "s").kind, ErrorKind::Denied, "{sort:?}");
        }
    }

    #[test]
    fn a_code_is_shown_only_as_far_as_it_looks_like_one() {
        let failure = Failure::answered(400, "Bad\n<b>Thing</b>");
        assert_eq!(failure.detail, "400 BadbThingb");
    }
}
