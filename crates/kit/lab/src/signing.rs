//! Signatures as tokens and old manifests carry them: ES256, with a certificate for the key.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

/// A fresh key on the curve P-256.
#[derive(Debug)]
pub(crate) struct Signer {
    key: EcdsaKeyPair,
    /// The certificate of the key, signed by the key.
    pub(crate) certificate: Vec<u8>,
    /// The same as text.
    pub(crate) certificate_pem: String,
    /// The public key as a `SubjectPublicKeyInfo`.
    pub(crate) public: Vec<u8>,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate().expect("a key pair");
        let certificate = CertificateParams::default()
            .self_signed(&pair)
            .expect("a certificate of this kit");
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pair.serialized_der(),
            &random,
        );
        Self {
            key: key.expect("a key in PKCS #8"),
            certificate: certificate.der().to_vec(),
            certificate_pem: certificate.pem(),
            public: pair.subject_public_key_info(),
        }
    }

    /// Returns the signature of `text`, encoded.
    pub(crate) fn sign(&self, text: &str) -> String {
        let signature = self
            .key
            .sign(&SystemRandom::new(), text.as_bytes())
            .expect("a signature");
        encode(signature)
    }
}

/// Encodes as signed JSON wants it: base64 for URLs, without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
