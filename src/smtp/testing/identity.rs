//! Who a relay says it is.
use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

/// A certificate, and the relay's side of TLS.
#[derive(Clone)]
pub(in crate::smtp) struct Identity {
    pub(in crate::smtp) pem: String,
    pub(super) acceptor: TlsAcceptor,
}

impl Identity {
    /// Signed by nobody but itself, for `name`.
    pub(in crate::smtp) fn of(name: &str) -> Self {
        Self::until(name, 4000)
    }

    /// The same, and over long ago.
    pub(in crate::smtp) fn expired(name: &str) -> Self {
        Self::until(name, 2001)
    }

    fn until(name: &str, year: i32) -> Self {
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2000, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self { pem: certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}
