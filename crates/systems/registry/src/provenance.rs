//! BuildKit's provenance: an in-toto statement about how an image was built.

use contract::Digest;
use serde::Deserialize;
use serde_json::Value;

/// The annotation and label for the revision of the source (OCI image specification,
/// "Annotations").
pub(crate) const REVISION: &str = "org.opencontainers.image.revision";

/// The types of statements that hold provenance, whatever their version.
const PREDICATE: &str = "https://slsa.dev/provenance/";

/// An attestation manifest of an index: "the manifest digest of the image that it describes" is in an
/// annotation (moby/buildkit, docs/attestations/attestation-storage.md).
#[derive(Debug, Clone)]
pub struct Attestation {
    /// Digest of the attestation manifest.
    pub digest: Digest,
    /// Digest of the image's manifest.
    pub of: Digest,
}

/// Returns whether a layer with this `in-toto.io/predicate-type` holds provenance.
pub(crate) fn is_provenance(predicate_type: &str) -> bool {
    predicate_type.starts_with(PREDICATE)
}

/// A statement of in-toto.
#[derive(Deserialize)]
pub(crate) struct Statement {
    predicate: Value,
}

impl Statement {
    /// Returns the revision of the source: as the client of BuildKit names it, else as BuildKit itself
    /// resolved a git context (moby/buildkit, docs/attestations/slsa-definitions.md).
    pub(crate) fn revision(&self) -> Option<String> {
        let client = [
            // SLSA v1 and v0.2.
            "/runDetails/metadata/buildkit_metadata/vcs/revision",
            "/metadata/https:~1~1mobyproject.org~1buildkit@v1#metadata/vcs/revision",
        ];
        let git = [
            "/buildDefinition/externalParameters/configSource/digest/sha1",
            "/invocation/configSource/digest/sha1",
        ];
        let text = |pointer: &&str| self.predicate.pointer(pointer).and_then(Value::as_str);
        // BuildKit adds `-dirty` when files of the checkout differed from the commit.
        client.iter().chain(&git).find_map(text).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_schema_names_the_revision() {
        let key = "https://mobyproject.org/buildkit@v1#metadata";
        for (predicate, expected) in [
            (
                json!({ "runDetails": { "metadata": { "buildkit_metadata": { "vcs": { "revision": "a" } } } } }),
                Some("a"),
            ),
            (
                json!({ "metadata": { key: { "vcs": { "revision": "b" } } } }),
                Some("b"),
            ),
            (
                json!({ "invocation": { "configSource": { "digest": { "sha1": "c" } } } }),
                Some("c"),
            ),
            (
                json!({ "buildDefinition": { "externalParameters": { "configSource": { "digest": { "sha1": "d" } } } } }),
                Some("d"),
            ),
            (json!({ "metadata": {} }), None),
            (json!(null), None),
        ] {
            let statement = Statement { predicate };
            assert_eq!(statement.revision().as_deref(), expected);
        }
    }
}
