use std::sync::{Arc, mpsc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{Background, accept, listen, redirect};
use crate::servers::Ports;

/// Gives a server TLS, with a certificate by an authority that nobody else knows.
#[derive(Debug)]
pub struct Tls {
    /// The server's URL with the scheme for TLS: `amqps`, `rediss` or `https`.
    pub url: String,
    /// The authority's certificate, in PEM.
    pub authority: String,
    _thread: Background,
    _ports: Ports,
}

impl Tls {
    /// Before the server of a URL, with a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Panics
    /// Where the URL is none, or a port can't be had.
    #[must_use]
    pub fn before(url: &str) -> Self {
        Self::named(url, &[])
    }

    /// The same, and its certificate holds for more names.
    ///
    /// # Panics
    /// Where the URL is none, a name can be no host's, or a port can't be had.
    #[must_use]
    pub fn named(url: &str, more: &[&str]) -> Self {
        let ports = Ports::claim();
        let (server, url) = redirect(url, ports.port(0));
        let (config, authority) = certify(more).unwrap_or_else(|error| panic!("no certificate: {error}"));
        let (acceptor, port) = (TlsAcceptor::from(Arc::new(config)), ports.port(0));
        let thread = Background::start(move |ready| serve(acceptor, server, port, ready));
        let url = url.replacen("://", "s://", 1);
        Self { url, authority, _thread: thread, _ports: ports }
    }
}

async fn serve(acceptor: TlsAcceptor, server: String, port: u16, ready: mpsc::Sender<()>) {
    let listener = listen(port).await;
    let _ = ready.send(());
    loop {
        let client = accept(Some(&listener)).await;
        let (acceptor, server) = (acceptor.clone(), server.clone());
        tokio::spawn(async move {
            let mut client = acceptor.accept(client).await?;
            let mut server = TcpStream::connect(server).await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await
        });
    }
}

fn certify(more: &[&str]) -> Result<(ServerConfig, String), Box<dyn std::error::Error>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1"].iter().chain(more).map(ToString::to_string);
    let certificate = CertificateParams::new(names.collect::<Vec<_>>())?.signed_by(&key, &authority)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der())?)?;
    Ok((config, authority.pem()))
}
