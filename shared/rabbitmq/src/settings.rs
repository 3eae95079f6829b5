use std::fmt;

use lapin::{
    ConnectionProperties,
    tcp::OwnedTLSConfig,
    uri::{AMQPScheme, AMQPUri},
};

/// Seconds between signs of life; after twice that a dead connection is noticed.
const HEARTBEAT: u16 = 20;

/// How RabbitMQ is reached.
#[derive(Clone)]
pub struct Settings {
    /// `amqp[s]://host[:port][/vhost]`, without credentials; without a virtual host it is `/`.
    pub url: String,
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// Authorities in PEM that the server's certificate may be signed by, beside those that the system trusts.
    pub ca_pem: Option<Vec<u8>>,
    /// What the connection is called at the broker.
    pub name: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Credentials do not belong in the address, and are not repeated where somebody put them there.
        let url = self.url.rsplit('@').next();
        f.debug_struct("Settings").field("url", &url).field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why RabbitMQ cannot be reached with these settings at all.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The address is none. It is not repeated, since it may hold a password.
    #[error("rabbitmq.url is no address such as amqps://host:5671/vhost")]
    Url,
    /// The authorities cannot be read.
    #[error("rabbitmq.ca_file holds no certificates in PEM")]
    Authorities,
}

/// How a connection is opened.
#[derive(Clone)]
pub(crate) struct Endpoint {
    uri: AMQPUri,
    tls: Option<String>,
    name: String,
}

impl Endpoint {
    pub(crate) fn new(settings: Settings) -> Result<Self, SettingsError> {
        let mut uri: AMQPUri = settings.url.parse().map_err(|_| SettingsError::Url)?;
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        uri.authority.userinfo.username = settings.username;
        uri.authority.userinfo.password = settings.password;
        uri.query.heartbeat = Some(HEARTBEAT);
        let text = |pem| String::from_utf8(pem).ok().filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
        let tls = settings.ca_pem.map(|pem| text(pem).ok_or(SettingsError::Authorities)).transpose()?;
        Ok(Self { uri, tls, name: settings.name })
    }

    /// Host and port.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.uri.authority.host, self.uri.authority.port)
    }

    /// What went wrong there, with what may be wrong here.
    pub(crate) fn says(&self, what: &str) -> String {
        let advice = match self.is_encrypted() && what.contains("certificate") {
            true => ": check rabbitmq.ca_file, and whether rabbitmq.url names the host as its certificate does",
            false => "",
        };
        format!("{self}: {what}{advice}")
    }

    pub(crate) fn vhost(&self) -> &str {
        &self.uri.vhost
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }

    pub(crate) fn uri(&self) -> AMQPUri {
        self.uri.clone()
    }

    pub(crate) fn tls(&self) -> OwnedTLSConfig {
        OwnedTLSConfig { identity: None, cert_chain: self.tls.clone() }
    }

    pub(crate) fn properties(&self, purpose: &str) -> ConnectionProperties {
        ConnectionProperties::default().with_connection_name(format!("{} {purpose}", self.name).into())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.is_encrypted() { " over TLS" } else { "" };
        let user = &self.uri.authority.userinfo.username;
        write!(f, "RabbitMQ at {}{how}, virtual host {}, as {user}", self.place(), self.vhost())
    }
}
