use std::sync::Arc;

use langflix_ports::store::{ArtifactStore as _, ErrorKind, Put};
use langflix_s3::Settings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::{settings, store};

/// The server of `settings` behind TLS with a certificate of an authority of its own, given in PEM.
async fn encrypted(settings: &Settings) -> (Settings, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let upstream = settings.endpoint.as_deref().unwrap().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(upstream).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    (Settings { endpoint: Some(endpoint), ..settings.clone() }, authority.pem().into_bytes())
}

#[tokio::test]
async fn a_server_with_a_certificate_of_ones_own_authority_is_trusted() {
    let (settings, authority) = encrypted(&settings().await).await;
    let store = store(&Settings { ca_pem: Some(authority), ..settings });
    assert_eq!(store.put_if_absent("a", b"x").await.unwrap(), Put::Created);
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(&b"x"[..]));
}

#[tokio::test]
async fn a_server_with_a_certificate_of_an_unknown_authority_is_told_at_once() {
    let (settings, _) = encrypted(&settings().await).await;
    let (_, another) = encrypted(&settings).await;
    for ca_pem in [None, Some(another)] {
        let started = std::time::Instant::now();
        let error = store(&Settings { ca_pem, ..settings.clone() }).get("a").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("s3.ca_file") && error.message.contains("certificate"), "{error}");
        assert!(started.elapsed().as_secs() < 3, "it is not tried again: {:?}", started.elapsed());
    }
}
