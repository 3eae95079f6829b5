use super::{
    address::address,
    files::{Files, Place},
    server_user,
};
use crate::config::{Certificates, Entry, Secret, kind, origin::Origin, reader::Reader};

/// The user that a fresh server has, with a password of the same name, for connections from its own machine.
const GUEST: &str = "guest";

/// How the message broker is reached.
#[derive(Clone, Debug)]
pub struct RabbitMq {
    /// `amqp[s]://host[:port][/vhost]`; without a virtual host it is `/`.
    pub url: String,
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// Authorities that the server's certificate may be signed by; the public ones where it is `None`.
    pub ca: Option<Certificates>,
}

impl RabbitMq {
    /// `None` only after a fault, or where `files` are not for servers.
    pub(in crate::config) fn read(read: &mut Reader, files: &mut Files) -> Option<Self> {
        let url = read.value(
            "rabbitmq.url",
            address(&["amqp", "amqps"], "amqps://host:5671/vhost", |vhost| !vhost.contains('/')),
            "amqp://127.0.0.1:5672".to_owned(),
            "the message broker's address; without a virtual host it is `/`",
        );
        let username = read.value("rabbitmq.username", server_user(), GUEST.to_owned(), "the user that RabbitMQ knows");
        let password_file = read.value(
            "rabbitmq.password_file",
            kind::path().optional(),
            None,
            "a file that holds the user's password and nothing else; comes before `RABBITMQ_PASSWORD`; `guest` needs neither",
        );
        let ca_file = read.value(
            "rabbitmq.ca_file",
            kind::path().optional(),
            None,
            "authorities in PEM that the server's certificate may be signed by; unset: the public ones",
        );
        let place = Place {
            key: "rabbitmq.password",
            file_key: "rabbitmq.password_file",
            file: password_file.clone(),
            variable: Some("RABBITMQ_PASSWORD"),
            needed: files.servers,
        };
        let mut password = files.secret(read, place);
        if password.is_none() && password_file.is_none() {
            if username == GUEST {
                password = Secret::new(GUEST);
                read.list(Entry { key: "rabbitmq.password", value: "set".to_owned(), origin: Origin::Default });
            } else {
                let how = "set RABBITMQ_PASSWORD, or name a file with rabbitmq.password_file";
                files.missing(read, "rabbitmq.password", how);
            }
        }
        let tls = url.starts_with("amqps:");
        let ca = files.authorities(read, "rabbitmq.ca_file", ca_file.as_deref(), "rabbitmq.url", tls);
        Some(Self { url, username, password: password?, ca })
    }
}
