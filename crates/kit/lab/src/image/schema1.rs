//! Manifests of schema 1: signed in a way that nothing else uses any more.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::digest::sha256;
use super::layer;
use super::parts::{BuiltImage, ImageManifest, media};
use crate::signing::{Signer, encode};

pub(super) fn build(repository: &str, tag: &str) -> BuiltImage {
    let layer = sha256(&layer::GZIP);
    let history = json!({ "id": "0".repeat(64), "created": "2015-01-01T00:00:00Z", "os": "linux" });
    let payload = json!({
        "schemaVersion": 1,
        "name": repository,
        "tag": tag,
        "architecture": "amd64",
        "fsLayers": [{ "blobSum": layer }],
        "history": [{ "v1Compatibility": history.to_string() }],
    });
    let payload = serde_json::to_string_pretty(&payload).expect("a value is JSON");
    let manifest = ImageManifest {
        media_type: media::DOCKER_SCHEMA1.to_owned(),
        digest: sha256(payload.as_bytes()),
        bytes: signed(&payload, &Signer::new()).into_bytes(),
    };
    BuiltImage {
        blobs: vec![layer::GZIP.to_vec()],
        manifests: vec![manifest],
        ..BuiltImage::default()
    }
}

/// Puts the signature into the document it signs: its length and its end are signed with it.
fn signed(payload: &str, signer: &Signer) -> String {
    let end = payload.len() - "\n}".len();
    let protected = json!({
        "formatLength": end,
        "formatTail": encode(&payload[end..]),
        "time": "2015-01-01T00:00:00Z",
    });
    let protected = encode(protected.to_string());
    let signature = signer.sign(&format!("{protected}.{}", encode(payload)));
    let header = json!({ "jwk": key(&signer.public), "alg": "ES256" });
    let signatures = json!([{ "header": header, "signature": signature, "protected": protected }]);
    format!(
        "{},\n  \"signatures\": {signatures}{}",
        &payload[..end],
        &payload[end..]
    )
}

/// Describes a public key on P-256; its last 64 bytes are the point.
fn key(public: &[u8]) -> serde_json::Value {
    let (x, y) = public[public.len() - 64..].split_at(32);
    json!({ "kty": "EC", "crv": "P-256", "kid": key_id(public), "x": encode(x), "y": encode(y) })
}

/// Returns 240 bits of the key's hash in base32, in groups of four.
fn key_id(public: &[u8]) -> String {
    let hash = Sha256::digest(public);
    let letters: Vec<_> = hash[..30].chunks(5).flat_map(base32).collect();
    letters
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join(":")
}

/// Returns eight letters for five bytes.
fn base32(bytes: &[u8]) -> [u8; 8] {
    let number = bytes
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    std::array::from_fn(|place| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(number >> (35 - 5 * place) & 31) as usize]
    })
}
