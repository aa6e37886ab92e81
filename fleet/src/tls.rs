//! The certificates for TLS: those that this host trusts, and the one that it presents to endpoints.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Unix time in seconds at which no certificate is valid any more: the year 10000.
const FAR_AHEAD: u64 = 253_402_300_800;

/// The texts of the PEM files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PemFiles<'a> {
    /// Certificates of the authorities that may sign the certificate of an endpoint.
    pub(crate) ca: &'a [u8],
    /// The certificate of this host, with the intermediate certificates up to its authority.
    pub(crate) certificate: &'a [u8],
    /// The private key of the certificate.
    pub(crate) key: &'a [u8],
}

/// TLS parameters of connections.
#[derive(Debug, Clone)]
pub(crate) struct TlsParts {
    /// The configuration of ureq.
    pub(crate) config: TlsConfig,
    /// Unix time at which the certificate of this host expires; `None` if it cannot be determined.
    pub(crate) not_after: Option<u64>,
}

impl TlsParts {
    /// Reads the PEM files, and checks that the key belongs to the certificate.
    ///
    /// # Errors
    /// What is wrong, as a clause.
    pub(crate) fn read(files: &PemFiles<'_>) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let ca = certificates(files.ca, "ca")?;
        let chain = certificates(files.certificate, "certificate")?;
        let key = PrivateKeyDer::from_pem_slice(files.key)
            .map_err(|error| format!("key has no private key: {error}"))?;
        let roots = Arc::new(roots(&ca)?);
        checked(&provider, &roots, &chain, &key)?;
        let not_after = not_after(&provider, &roots, &chain);
        let owned = |one: &CertificateDer<'_>| Certificate::from_der(one).to_owned();
        let chain: Vec<_> = chain.iter().map(owned).collect();
        let key = PrivateKey::from_pem(files.key)
            .map_err(|error| format!("key has no private key: {error}"))?;
        let config = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&ca.iter().map(owned).collect::<Vec<_>>()))
            .client_cert(Some(ClientCert::new_with_certs(&chain, key)))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        Ok(Self { config, not_after })
    }

    /// Returns the days until the certificate of this host expires, negative if it has expired; `None` if the end
    /// cannot be determined.
    pub(crate) fn days_left(&self, now: u64) -> Option<i64> {
        let seconds = i64::try_from(self.not_after?).ok()? - i64::try_from(now).ok()?;
        Some(seconds.div_euclid(86_400))
    }
}

fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| format!("{name} has no certificates: {error}"))?;
    if found.is_empty() {
        return Err(format!("{name} has no certificates"));
    }
    Ok(found)
}

fn roots(ca: &[CertificateDer<'static>]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for one in ca {
        roots.add(one.clone()).map_err(|error| format!("ca cannot be used: {error}"))?;
    }
    Ok(roots)
}

/// Checks that rustls accepts the files, which ureq requires.
fn checked(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
) -> Result<(), String> {
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            let config = config.with_root_certificates(roots.clone());
            config.with_client_auth_cert(chain.to_vec(), key.clone_key())
        })
        .map(drop)
        .map_err(|error| format!("certificate and key cannot be used: {error}"))
}

/// Returns the Unix time at which the first certificate expires; `None` if it cannot be determined. The time comes from
/// the error that rustls returns for an expired certificate.
fn not_after(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    chain: &[CertificateDer<'static>],
) -> Option<u64> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
    let (first, rest) = chain.split_first()?;
    let then = UnixTime::since_unix_epoch(Duration::from_secs(FAR_AHEAD));
    let found = verifier.build().ok()?.verify_client_cert(first, rest, then);
    let Err(rustls::Error::InvalidCertificate(error)) = found else { return None };
    if let CertificateError::ExpiredContext { not_after, .. } = error {
        return Some(not_after.as_secs());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_certificates_are_refused() {
        let files = PemFiles { ca: b"", certificate: b"", key: b"" };
        assert_eq!(TlsParts::read(&files).unwrap_err(), "ca has no certificates");
        let ca = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let files = PemFiles { ca, certificate: ca, key: b"" };
        assert!(TlsParts::read(&files).unwrap_err().starts_with("key has no private key"));
    }

    #[test]
    fn days_are_counted_down() {
        let parts = |not_after| TlsParts { config: TlsConfig::builder().build(), not_after };
        assert_eq!(parts(Some(86_400 * 3)).days_left(86_399), Some(2));
        assert_eq!(parts(Some(86_400)).days_left(86_401), Some(-1));
        assert_eq!(parts(None).days_left(0), None);
    }
}
