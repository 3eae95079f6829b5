use std::time::Duration;

use super::{
    address::address,
    files::{Files, Place},
    server_user,
};
use crate::config::{Certificates, Secret, kind, reader::Reader};

const DAY: Duration = Duration::from_hours(24);

/// How the cache is reached, and how long it keeps answers.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `redis[s]://host[:port][/database]`.
    pub url: String,
    /// The user; the server's default user where it is `None`.
    pub username: Option<String>,
    /// The user's password, where the server wants one.
    pub password: Option<Secret>,
    /// Authorities that the server's certificate may be signed by; the public ones where it is `None`.
    pub ca: Option<Certificates>,
    /// How long a model's answer is kept.
    pub answer_ttl: Duration,
}

impl Redis {
    pub(in crate::config) fn read(read: &mut Reader, files: &mut Files) -> Self {
        let database = |path: &str| path.is_empty() || (path.len() <= 5 && path.bytes().all(|b| b.is_ascii_digit()));
        let url = read.value(
            "redis.url",
            address(&["redis", "rediss"], "rediss://host:6379/0", database),
            "redis://127.0.0.1:6379".to_owned(),
            "the cache's address; without a database it is 0",
        );
        let username = read.value(
            "redis.username",
            server_user().optional(),
            None,
            "the user that Redis knows; unset: its default user",
        );
        let file = read.value(
            "redis.password_file",
            kind::path().optional(),
            None,
            "a file that holds the user's password and nothing else; comes before `REDIS_PASSWORD`",
        );
        let ca_file = read.value(
            "redis.ca_file",
            kind::path().optional(),
            None,
            "authorities in PEM that the server's certificate may be signed by; unset: the public ones",
        );
        let days: u32 = read.value(
            "redis.answer_ttl_days",
            kind::whole(1..=3650),
            90,
            "how long a model's answer is kept, so that the same question is not paid for twice",
        );
        let place = Place {
            key: "redis.password",
            file_key: "redis.password_file",
            file,
            variable: Some("REDIS_PASSWORD"),
            needed: files.servers,
        };
        let password = files.secret(read, place);
        let tls = url.starts_with("rediss:");
        let ca = files.authorities(read, "redis.ca_file", ca_file.as_deref(), "redis.url", tls);
        Self { url, username, password, ca, answer_ttl: DAY * days }
    }
}
