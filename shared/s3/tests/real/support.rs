use std::time::Duration;

use langflix_s3::{Credentials, S3Store, Settings, Timeouts};
use langflix_testkit::servers::{self, S3};

/// A new bucket on the real server, and settings for it.
pub(crate) async fn bucket() -> (S3, Settings) {
    let s3 = servers::s3().await;
    let settings = Settings {
        endpoint: Some(s3.endpoint.clone()),
        bucket: s3.bucket.clone(),
        region: s3.region.clone(),
        path_style: true,
        credentials: Credentials {
            access_key: s3.access_key.clone(),
            secret_key: s3.secret_key.clone(),
            session_token: None,
        },
        ca_pem: None,
        timeouts: Timeouts { connect: Duration::from_secs(5), answer: Duration::from_secs(20) },
    };
    (s3, settings)
}

/// Settings for a new bucket on the real server.
pub(crate) async fn settings() -> Settings {
    bucket().await.1
}

pub(crate) fn store(settings: &Settings) -> S3Store {
    S3Store::new(settings.clone()).unwrap()
}

/// Bytes that no two parts of a file have in common.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    fastrand::Rng::with_seed(7).fill(&mut noise);
    noise
}
