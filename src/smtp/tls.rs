//! Whom to believe when a relay shows a certificate.
use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsConnector;

use crate::domain::{Outcome, Phase, Relay};

/// Kept, so that a relay's next connection resumes the session of its last one.
static PUBLIC: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| trusting(public_authorities()));

/// What [`super::wire::Wire::encrypt`] needs for `relay`.
///
/// # Errors
///
/// If the relay's name or its extra authority cannot be understood.
pub(super) fn connector(relay: &Relay) -> Result<(TlsConnector, ServerName<'static>), Outcome> {
    let name = ServerName::try_from(relay.host.clone())
        .map_err(|_| not_sent("the relay's name cannot stand in a certificate"))?;
    let config = match &relay.extra_authority_pem {
        None => Arc::clone(&PUBLIC),
        Some(pem) => trusting(with_extra(pem)?),
    };
    Ok((TlsConnector::from(config), name))
}

fn not_sent(cause: &str) -> Outcome {
    Outcome::NotSent { phase: Phase::Tls, cause: cause.to_owned() }
}

fn public_authorities() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn with_extra(pem: &str) -> Result<RootCertStore, Outcome> {
    let mut roots = public_authorities();
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        certificate
            .ok()
            .and_then(|certificate| roots.add(certificate).ok())
            .ok_or_else(|| not_sent("the extra authority is no certificate in PEM"))?;
    }
    if roots.len() == before {
        return Err(not_sent("the extra authority holds no certificate in PEM"));
    }
    Ok(roots)
}

/// The provider is named, since a process may have linked two and then has no default one.
fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("AWS-LC has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
