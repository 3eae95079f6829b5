use std::{fmt, time::Duration};

use aws_sdk_s3::presigning::PresigningConfig;
use langflix_ports::store::{Error, check_key};

use crate::{
    failure::{Failure, Sort},
    store::S3Store,
};

/// A URL that reads one key and nothing else, without further credentials, until it expires.
///
/// Whoever knows it may read the key: `Debug` and `Display` leave out the query, in which the signature stands.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUrl(String);

impl PresignedUrl {
    /// The whole URL, for whom it is meant and for no log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn shown(&self) -> &str {
        self.0.split_once('?').map_or(&*self.0, |(shown, _)| shown)
    }
}

impl fmt::Debug for PresignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresignedUrl({}?***)", self.shown())
    }
}

impl fmt::Display for PresignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}?***", self.shown())
    }
}

impl S3Store {
    /// A URL that reads `key` for as long as `expires`, at most a week. Nothing is asked of the server: the key may be
    /// missing. The time is this machine's, so that its clock must be right.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](langflix_ports::store::ErrorKind) for what is no key,
    /// [`ErrorKind::Denied`](langflix_ports::store::ErrorKind) where `expires` is longer than a week.
    pub async fn presign(&self, key: &str, expires: Duration) -> Result<PresignedUrl, Error> {
        check_key(key)?;
        let refused = |why: &str| self.error(key, &Failure::new(Sort::Refused, why));
        let config = PresigningConfig::expires_in(expires).map_err(|_| refused("a URL expires within a week"))?;
        let request = self.client.get_object().bucket(&*self.bucket).key(key).presigned(config).await;
        let request = request.map_err(|_| refused("it cannot be signed"))?;
        Ok(PresignedUrl(request.uri().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presigned_url_is_printed_without_its_signature() {
        let url = PresignedUrl("https://h/b/k?X-Amz-Signature=5ec2e7".into());
        let printed = format!("{url} {url:?} {:?}", Some(&url));
        assert!(printed.contains("https://h/b/k?***") && !printed.contains("5ec2e7"), "{printed}");
        assert!(url.expose().ends_with("5ec2e7"));
    }
}
