use std::{process::Command, time::Duration};

use langflix_ports::cache::Cache as _;
use langflix_redis::{Redis, RedisCache, Settings, SettingsError};
use langflix_testkit::{
    process::Process,
    servers::{Ports, private},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::settings;

/// A Redis server that speaks TLS alone, with a certificate of an authority that nobody knows.
struct Encrypted {
    url: String,
    /// The authority's certificate, in PEM.
    authority: String,
    _server: Process,
    _folder: TempDir,
    _ports: Ports,
}

impl Encrypted {
    async fn start() -> Self {
        let (folder, ports) = (tempfile::tempdir().unwrap(), Ports::claim());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &authority).unwrap();
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--tls-port", &ports.port(0).to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--tls-auth-clients", "no"]).arg("--dir").arg(folder.path());
        for (option, pem) in [
            ("--tls-cert-file", certificate.pem()),
            ("--tls-key-file", key.serialize_pem()),
            ("--tls-ca-cert-file", authority.pem()),
        ] {
            let file = folder.path().join(option);
            std::fs::write(&file, pem).unwrap();
            command.arg(option).arg(file);
        }
        let server = Process::start(&mut command, folder.path().join("out"));
        let listens = async {
            while TcpStream::connect(("127.0.0.1", ports.port(0))).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), listens).await.unwrap_or_else(|_| panic!("{}", server.output()));
        let url = format!("rediss://localhost:{}", ports.port(0));
        Self { url, authority: authority.pem(), _server: server, _folder: folder, _ports: ports }
    }
}

fn with(url: &str, authority: Option<&str>) -> Settings {
    Settings { ca_pem: authority.map(|pem| pem.as_bytes().to_vec()), ..settings(url) }
}

#[tokio::test]
async fn a_server_with_a_certificate_of_ones_own_authority_is_trusted() {
    let server = Encrypted::start().await;
    let cache = RedisCache::new(Redis::new(with(&server.url, Some(&server.authority))).unwrap());
    cache.put("key", b"value", Some(Duration::from_secs(60))).await.unwrap();
    assert_eq!(cache.get("key").await.unwrap().as_deref(), Some(&b"value"[..]));
    let plain = RedisCache::new(Redis::new(settings(&server.url.replace("rediss", "redis"))).unwrap());
    assert!(plain.get("key").await.is_err(), "it speaks TLS alone");
}

#[tokio::test]
async fn a_server_with_a_certificate_of_an_unknown_authority_is_refused_and_told() {
    let (server, another) = (Encrypted::start().await, Encrypted::start().await);
    for authority in [None, Some(another.authority.as_str())] {
        let cache = RedisCache::new(Redis::new(with(&server.url, authority)).unwrap());
        let says = cache.get("key").await.unwrap_err().to_string();
        assert!(says.contains("redis.ca_file") && says.contains("certificate"), "{says}");
    }
}

#[tokio::test]
async fn a_server_by_another_name_than_its_certificates_is_refused_and_told() {
    let server = Encrypted::start().await;
    let url = server.url.replace("localhost", "127.0.0.1");
    let cache = RedisCache::new(Redis::new(with(&url, Some(&server.authority))).unwrap());
    let says = cache.get("key").await.unwrap_err().to_string();
    assert!(says.contains("another name") && says.contains("redis.url"), "{says}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told() {
    let server = private::redis().await;
    let cache = RedisCache::new(Redis::new(settings(&server.url.replace("redis:", "rediss:"))).unwrap());
    let says = cache.get("key").await.unwrap_err().to_string();
    assert!(says.contains("does it speak TLS"), "{says}");
}

#[test]
fn authorities_that_are_none_are_told_at_once() {
    for pem in ["no certificate", ""] {
        assert!(matches!(Redis::new(with("rediss://localhost", Some(pem))), Err(SettingsError::Authorities)), "{pem}");
    }
}
