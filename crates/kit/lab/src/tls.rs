//! A certificate authority that no client trusts by default, and its certificate for loopback.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A fresh authority with one certificate for `127.0.0.1`, `localhost`, and two public names.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) ca_pem: String,
    pub(crate) leaf_pem: String,
    pub(crate) key_pem: String,
    ca_der: Vec<u8>,
    leaf_der: Vec<u8>,
    key_der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let ca =
            CertifiedIssuer::self_signed(ca_params(), key()).expect("a certificate of this kit");
        let leaf_key = key();
        // The last two are reached through `Proxy::route` only.
        let names = ["127.0.0.1", "localhost", "ghcr.io", "registry.example"].map(str::to_owned);
        let params = CertificateParams::new(names).expect("good names");
        let leaf = params
            .signed_by(&leaf_key, &ca)
            .expect("a certificate for loopback");
        Self {
            ca_pem: ca.pem(),
            leaf_pem: leaf.pem(),
            key_pem: leaf_key.serialize_pem(),
            ca_der: ca.der().to_vec(),
            leaf_der: leaf.der().to_vec(),
            key_der: leaf_key.serialize_der(),
        }
    }

    /// Returns the settings of a server that shows this authority's certificate.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key_der.clone()).expect("a key in PKCS #8");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the protocols")
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf_der.clone().into()], key);
        Arc::new(config.expect("certificate and key belong together"))
    }
}

/// Returns the settings of a client that trusts only `authority`, if any.
pub(crate) fn client(authority: Option<&Authority>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if let Some(authority) = authority {
        roots
            .add(authority.ca_der.clone().into())
            .expect("a certificate of this kit");
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the protocols")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "lab authority");
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key pair")
}
