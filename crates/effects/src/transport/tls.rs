//! The TLS configuration: which certificates are trusted.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject as _,
};

use crate::{Tls, TransportError, TransportErrorKind};

/// Trusts the public authorities, those of `tls`, and those of the system if `system` is set.
pub(super) fn config(tls: &Tls, system: bool) -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if system {
        // This also reads SSL_CERT_FILE and SSL_CERT_DIR. A broken certificate in the system's
        // store is skipped.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(pem) = &tls.authorities {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let (added, _) = roots.add_parsable_certificates(certificates.map_err(invalid)?);
        if added == 0 {
            return Err(invalid("no certificate in it"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(invalid)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn invalid(why: impl fmt::Display) -> TransportError {
    TransportError::new(TransportErrorKind::BadAuthorities, why)
}
