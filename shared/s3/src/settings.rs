use std::{fmt, time::Duration};

use aws_sdk_s3::config;

/// Which bucket of which S3, and how to talk to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http[s]://host[:port]`, without credentials; AWS where it is `None`.
    pub endpoint: Option<String>,
    /// The bucket's name.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path of a URL rather than in its host name.
    pub path_style: bool,
    /// Who asks.
    pub credentials: Credentials,
    /// Certificates in PEM of authorities that are trusted beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// Keys that sign requests. `Debug` does not print them.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id.
    pub access_key: String,
    /// The secret that belongs to it.
    pub secret_key: String,
    /// The token that comes with temporary keys.
    pub session_token: Option<String>,
}

impl Credentials {
    pub(crate) fn keys(&self) -> config::Credentials {
        let Self { access_key, secret_key, session_token } = self.clone();
        config::Credentials::new(access_key, secret_key, session_token, None, "settings")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// How long a server may take before a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection is made.
    pub connect: Duration,
    /// Until an answer begins, and between two pieces of it. A request with a body has longer, by its size.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(30) }
    }
}

/// Why no store can be made of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The endpoint is no address of a server.
    #[error("s3.endpoint is not of the form http[s]://host[:port]")]
    Endpoint,
    /// The bucket or the region has no name.
    #[error("{key} is empty")]
    Empty {
        /// The key.
        key: &'static str,
    },
    /// Endpoint, bucket and region together make no address.
    #[error("no address can be made of s3.endpoint, s3.bucket and s3.region: check how they are spelt")]
    Place,
    /// The certificates cannot be read.
    #[error("s3.ca_file holds no certificates in PEM: {why}")]
    Authority {
        /// What is wrong with them.
        why: String,
    },
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        for (key, value) in [("s3.bucket", &self.bucket), ("s3.region", &self.region)] {
            if value.is_empty() {
                return Err(SettingsError::Empty { key });
            }
        }
        match &self.endpoint {
            Some(endpoint) if !is_address(endpoint) => Err(SettingsError::Endpoint),
            _ => Ok(()),
        }
    }

    /// Whether requests go out unencrypted.
    pub(crate) fn is_plain(&self) -> bool {
        self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"))
    }
}

fn is_address(endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://")).unwrap_or_default();
    !host.is_empty() && !host.starts_with('/') && !host.contains(|c: char| "@?#\\".contains(c) || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            endpoint: Some("https://s3.example:9000".into()),
            bucket: "b".into(),
            region: "r".into(),
            path_style: true,
            credentials: Credentials {
                access_key: "AKIAID".into(),
                secret_key: "hunter2".into(),
                session_token: Some("token3".into()),
            },
            ca_pem: None,
            timeouts: Timeouts::default(),
        }
    }

    #[test]
    fn keys_are_never_printed() {
        let printed = format!("{:?}", settings());
        assert!(printed.contains("s3.example"), "{printed}");
        assert!(!["AKIAID", "hunter2", "token3"].iter().any(|secret| printed.contains(secret)), "{printed}");
    }

    #[test]
    fn an_endpoint_is_a_web_address_without_credentials_and_is_not_repeated_where_it_is_none() {
        for good in ["http://127.0.0.1:7480", "https://s3.example/", "http://[::1]:9000"] {
            assert_eq!(Settings { endpoint: Some(good.into()), ..settings() }.check(), Ok(()), "{good}");
        }
        for wrong in ["", "s3.example:9000", "ftp://x", "http://", "https:///x", "http://u:hunter2@h", "http://h?k=v"] {
            let error = Settings { endpoint: Some(wrong.into()), ..settings() }.check().unwrap_err();
            assert_eq!(error, SettingsError::Endpoint, "{wrong}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_missing_name_is_told_by_its_key() {
        let error = Settings { bucket: String::new(), ..settings() }.check().unwrap_err();
        assert_eq!(error.to_string(), "s3.bucket is empty");
    }
}
