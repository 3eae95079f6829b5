use std::{error::Error, io, sync::Arc};

use redis::{ErrorKind, RedisError};
use rustls::CertificateError;

use crate::settings::WITHIN;

/// Why Redis did not do what was asked; work goes on without.
#[derive(Clone, Debug, thiserror::Error)]
#[error("Redis at {place}: {message}")]
pub struct Failure {
    pub(crate) place: String,
    pub(crate) message: String,
}

const CREDENTIALS: &str = "the user or the password is wrong: check redis.username and redis.password_file";
const FORBIDDEN: &str = "the user may not do this: check its ACL";

pub(crate) fn late() -> String {
    format!("no answer within {} ms", WITHIN.as_millis())
}

/// Why there is no connection, encrypted or not, in words without any value.
pub(crate) fn connecting(error: &RedisError, encrypted: bool) -> String {
    // Choosing a database is the first that a server without the password refuses.
    if error.kind() == ErrorKind::AuthenticationFailed || error.detail() == Some("Authentication required.") {
        return CREDENTIALS.to_owned();
    }
    if error.is_connection_refusal() {
        return "nobody listens there: is it running, and is redis.url its address?".to_owned();
    }
    match untrusted(error) {
        Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            "its certificate is for another name: does redis.url name the host as the certificate does?".to_owned()
        }
        Some(why) => format!("its certificate is not trusted ({why}): is redis.ca_file the authority that signed it?"),
        // A server that expects plain text waits for more of it.
        None if encrypted && error.is_timeout() => format!("{}: does it speak TLS on this port?", late()),
        None => working(error),
    }
}

/// What is wrong with the server's certificate, if that is what is wrong. The client gives an I/O error in an `Arc`.
fn untrusted(error: &RedisError) -> Option<&CertificateError> {
    let inner: &Arc<dyn Error + Send + Sync> = error.source()?.downcast_ref()?;
    match inner.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(why) => Some(why),
        _ => None,
    }
}

/// Why a command was not done, in words without any value.
pub(crate) fn working(error: &RedisError) -> String {
    match error.code() {
        Some("WRONGPASS" | "NOAUTH") => CREDENTIALS.to_owned(),
        Some("NOPERM") => FORBIDDEN.to_owned(),
        Some(_) if error.detail().is_some_and(forbids_script) => FORBIDDEN.to_owned(),
        Some("READONLY") => "this is a replica that takes no writes: give the master's address".to_owned(),
        Some("OOM") => "its memory is full and nothing is evicted: set maxmemory-policy".to_owned(),
        Some(code) => format!("it answers {code}"),
        None if error.is_timeout() => late(),
        None if error.is_io_error() => error.to_string(),
        // Its words may hold what Redis holds.
        None => error.category().to_owned(),
    }
}

/// What a script may not do has no code of its own; the words are those of Redis 7.0 and of later versions.
fn forbids_script(detail: &str) -> bool {
    ["The user executing the script", "ACL failure in script"].iter().any(|words| detail.starts_with(words))
}
