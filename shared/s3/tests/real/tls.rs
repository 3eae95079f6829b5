use langflix_ports::store::{ArtifactStore as _, ErrorKind, Put};
use langflix_s3::Settings;
use langflix_testkit::proxy::Tls;

use crate::support::{settings, store};

/// The server of `settings` behind TLS with a certificate of an authority of its own, given in PEM.
fn encrypted(settings: &Settings) -> (Tls, Settings) {
    let tls = Tls::before(settings.endpoint.as_deref().unwrap());
    let settings = Settings { endpoint: Some(tls.url.clone()), ..settings.clone() };
    (tls, settings)
}

#[tokio::test]
async fn a_server_with_a_certificate_of_ones_own_authority_is_trusted() {
    let (tls, settings) = encrypted(&settings().await);
    let store = store(&Settings { ca_pem: Some(tls.authority.clone().into()), ..settings });
    assert_eq!(store.put_if_absent("a", b"x").await.unwrap(), Put::Created);
    assert_eq!(store.get("a").await.unwrap().as_deref(), Some(&b"x"[..]));
}

#[tokio::test]
async fn a_server_with_a_certificate_of_an_unknown_authority_is_told_at_once() {
    let plain = settings().await;
    let (_tls, settings) = encrypted(&plain);
    let (another, _) = encrypted(&plain);
    for ca_pem in [None, Some(another.authority.into())] {
        let started = std::time::Instant::now();
        let error = store(&Settings { ca_pem, ..settings.clone() }).get("a").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("s3.ca_file") && error.message.contains("certificate"), "{error}");
        assert!(started.elapsed().as_secs() < 3, "it is not tried again: {:?}", started.elapsed());
    }
}
