//! The keys of a world: of its servers, and of the tokens of its service accounts.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::KeyPair;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::signing::encode;
use crate::tls::Authority;

/// Issuer and audience of the tokens of service accounts.
pub(super) const ISSUER: &str = "https://kubernetes.testbed";

/// Writes the certificate of the servers, and the key that signs the tokens of service accounts.
pub(super) fn write(folder: &Path) -> Authority {
    let authority = Authority::new();
    let key = KeyPair::generate().expect("a key pair");
    let files = [
        ("ca.pem", authority.ca_pem.clone()),
        ("leaf.pem", authority.leaf_pem.clone()),
        ("leaf.key", authority.key_pem.clone()),
        ("sa.key", key.serialize_pem()),
        ("sa.pub", key.public_key_pem()),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file in the world's folder");
    }
    authority
}

/// Returns a token of a service account that expired this long ago. The API cannot sign such a
/// token: its shortest lasts ten minutes.
pub(super) fn expired(folder: &Path, namespace: &str, account: &Value, ago: Duration) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs();
    let end = now.saturating_sub(ago.as_secs());
    let metadata = &account["metadata"];
    let name = metadata["name"].as_str().expect("an account has a name");
    let claims = json!({
        "iss": ISSUER,
        "aud": [ISSUER],
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "iat": end - 600,
        "nbf": end - 600,
        "exp": end,
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": { "name": name, "uid": metadata["uid"] },
        },
    });
    sign(folder, &claims)
}

fn sign(folder: &Path, claims: &Value) -> String {
    let pem = fs::read_to_string(folder.join("sa.key")).expect("a file in the world's folder");
    let pair = KeyPair::from_pem(&pem).expect("a key of this kit");
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &pair.serialize_der(),
        &random,
    );
    let text = format!(
        "{}.{}",
        encode(r#"{"alg":"ES256","typ":"JWT"}"#),
        encode(claims.to_string())
    );
    let signature = key
        .expect("a key in PKCS #8")
        .sign(&random, text.as_bytes())
        .expect("a signature");
    format!("{text}.{}", encode(signature))
}
