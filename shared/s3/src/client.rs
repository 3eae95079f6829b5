//! What requests go out through: one pool of connections, and the SDK's client on it.

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Config, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::settings::{Settings, SettingsError};

/// The SDK's client, for what [`crate::wire`] does not ask.
pub(crate) fn client(settings: &Settings, connector: SharedHttpConnector) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .credentials_provider(settings.credentials.keys())
        .region(Region::new(settings.region.clone()))
        .force_path_style(settings.path_style)
        // Ceph refuses the checksums that the SDK sends of its own accord.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // `request` is the one layer that tries again and that bounds time: it knows what a try may have done.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(settings.endpoint.clone());
    Client::from_conf(config.build())
}

/// Connections to the server, which stay open between requests.
pub(crate) fn connector(settings: &Settings) -> Result<SharedHttpConnector, SettingsError> {
    // The system's authorities are read at once, and an unencrypted connection needs none.
    let mut trusted = TrustStore::empty().with_native_roots(!settings.is_plain());
    if let Some(pem) = &settings.ca_pem {
        look_at(pem)?;
        trusted.add_pem_certificate(pem.as_slice());
    }
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.map_err(|error| SettingsError::Authority { why: error.to_string() })?;
    let timeouts = HttpConnectorSettings::builder().connect_timeout(settings.timeouts.connect).build();
    let builder = Connector::builder().connector_settings(timeouts);
    let connector = builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build();
    Ok(SharedHttpConnector::new(connector))
}

/// The SDK's client panics over certificates that it cannot read.
fn look_at(pem: &[u8]) -> Result<(), SettingsError> {
    let wrong = |why: String| SettingsError::Authority { why };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if store.is_empty() { Err(wrong("none found".to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told_before_it_is_used() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for wrong in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAA", broken] {
            let error = look_at(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("s3.ca_file"), "{wrong:?}: {error}");
        }
    }
}
