use std::{fmt, time::Duration};

use deadpool_redis::Manager;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates, io::tcp::TcpSettings,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// How long one command, or opening a connection, may take: whoever waits for a cache longer had better do without.
pub(crate) const WITHIN: Duration = Duration::from_millis(500);

/// How Redis is reached.
#[derive(Clone)]
pub struct Settings {
    /// `redis[s]://host[:port][/database]`, without credentials.
    pub url: String,
    /// The user; the server's default user where it is `None`.
    pub username: Option<String>,
    /// The user's password, where the server wants one.
    pub password: Option<String>,
    /// Authorities in PEM that the server's certificate may be signed by; the system's where it is `None`.
    pub ca_pem: Option<Vec<u8>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that should hold no credentials may do so all the same.
        let place = self.url.rsplit('@').next().unwrap_or_default();
        f.debug_struct("Settings").field("url", &place).field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why Redis cannot be reached with these settings at all.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The address is none. It is not repeated, since it may hold a password.
    #[error("redis.url is no address such as rediss://host:6379/0")]
    Url,
    /// The authorities cannot be read.
    #[error("redis.ca_file holds no certificates in PEM, or redis.url does not begin with rediss://")]
    Authorities,
}

impl Settings {
    /// What makes connections, and the place they lead to.
    pub(crate) fn manager(self) -> Result<(Manager, String), SettingsError> {
        let Self { url, username, password, ca_pem } = self;
        let info = url.as_str().into_connection_info().map_err(|_| SettingsError::Url)?;
        let place = info.addr().to_string();
        // Redis 7.0 does not know the commands by which a client says its name.
        let mut server = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(username) = username {
            server = server.set_username(username);
        }
        if let Some(password) = password {
            server = server.set_password(password);
        }
        let network = TcpSettings::default().set_nodelay(true);
        let info = trusting(info.set_redis_settings(server).set_tcp_settings(network), ca_pem)?;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(WITHIN)).set_response_timeout(Some(WITHIN));
        Ok((Manager::new_with_config(info, config).map_err(|_| SettingsError::Url)?, place))
    }
}

fn trusting(info: ConnectionInfo, ca_pem: Option<Vec<u8>>) -> Result<ConnectionInfo, SettingsError> {
    let Some(root_cert) = ca_pem else { return Ok(info) };
    if CertificateDer::pem_slice_iter(&root_cert).next().is_none() {
        return Err(SettingsError::Authorities);
    }
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
    let client = Client::build_with_tls(info, certificates).map_err(|_| SettingsError::Authorities)?;
    Ok(client.get_connection_info().clone())
}
