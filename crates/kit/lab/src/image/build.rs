//! From the description of an image to its blobs and manifests.

use serde_json::{Map, Value, json};

use super::{Attestation, Image, Shape, layer, sha256};

/// Media types.
pub mod media {
    /// An index of OCI.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A manifest of OCI.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// The config of an OCI image.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// Docker's name for an index.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// A manifest of Docker, schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// The config of a Docker image.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// A signed manifest of Docker, schema 1.
    pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    /// The config of what has none.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// A statement about a build.
    pub const IN_TOTO: &str = "application/vnd.in-toto+json";
}

/// The whole of an image.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// Configs, layers, statements.
    pub blobs: Vec<Vec<u8>>,
    /// All manifests; each stands after those it names, the one for the tag is the last.
    pub manifests: Vec<Manifest>,
    /// The images of the platforms.
    pub children: Vec<Child>,
    /// The digests of the attestation manifests.
    pub attestations: Vec<String>,
}

/// One manifest or index.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its media type.
    pub media_type: String,
    /// The document.
    pub bytes: Vec<u8>,
    /// `sha256:…` of the document.
    pub digest: String,
}

/// The image of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// `linux/amd64`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The digest of its config.
    pub config_digest: String,
}

pub(super) fn build(image: &Image) -> Built {
    let mut built = Built::default();
    match &image.shape {
        Shape::Artifact {
            artifact_type,
            config_type,
            layer_type,
        } => {
            built.artifact(image, artifact_type.as_deref(), config_type, layer_type);
        }
        Shape::Index => built.index(image),
        _ => drop(built.child(image, &image.platforms[0], annotations(&image.annotations))),
    }
    built
}

impl Built {
    fn index(&mut self, image: &Image) {
        let mut entries = Vec::new();
        for platform in &image.platforms {
            let mut entry = self.child(image, platform, None);
            if !image.unmarked {
                entry["platform"] = platform_json(platform);
            }
            entries.push(entry);
        }
        let statements: Vec<_> = image
            .attestations
            .iter()
            .flat_map(|it| self.attest(it))
            .collect();
        entries.extend(statements);
        let media_type = if image.docker {
            media::DOCKER_LIST
        } else {
            media::OCI_INDEX
        };
        let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": entries });
        self.manifest(
            media_type,
            annotated(index, annotations(&image.annotations)),
        );
    }

    /// Adds the image of one platform and returns its entry for an index.
    fn child(&mut self, image: &Image, platform: &str, annotations: Option<Value>) -> Value {
        let (manifest_type, config_type) = match image.docker {
            true => (media::DOCKER_MANIFEST, media::DOCKER_CONFIG),
            false => (media::OCI_MANIFEST, media::OCI_CONFIG),
        };
        let config = self.blob(config_type, json_bytes(&config(image, platform)));
        let (layer_type, bytes): (_, &[u8]) = match (image.docker, image.zstd) {
            (true, _) => (
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                &layer::GZIP,
            ),
            (_, true) => ("application/vnd.oci.image.layer.v1.tar+zstd", &layer::ZSTD),
            _ => ("application/vnd.oci.image.layer.v1.tar+gzip", &layer::GZIP),
        };
        let layer = self.blob(layer_type, bytes.to_vec());
        let config_digest = digest(&config);
        let manifest = manifest(manifest_type, config, layer);
        let entry = self.manifest(manifest_type, annotated(manifest, annotations));
        self.children.push(Child {
            platform: platform.to_owned(),
            digest: digest(&entry),
            config_digest,
        });
        entry
    }

    fn artifact(
        &mut self,
        image: &Image,
        artifact_type: Option<&str>,
        config_type: &str,
        layer_type: &str,
    ) {
        let config = self.blob(config_type, b"{}".to_vec());
        let layer = self.blob(
            layer_type,
            format!("not a layer, {}", image.created).into_bytes(),
        );
        let mut manifest = manifest(media::OCI_MANIFEST, config, layer);
        if let Some(artifact_type) = artifact_type {
            manifest["artifactType"] = json!(artifact_type);
        }
        self.manifest(
            media::OCI_MANIFEST,
            annotated(manifest, annotations(&image.annotations)),
        );
    }

    /// Adds an attestation of each child and returns the entries for the index.
    fn attest(&mut self, attestation: &Attestation) -> Vec<Value> {
        let children = self.children.clone();
        let entries = children
            .iter()
            .map(|child| self.attestation(attestation, child));
        let entries: Vec<_> = entries.collect();
        self.attestations = entries.iter().map(digest).collect();
        entries
    }

    fn attestation(&mut self, attestation: &Attestation, child: &Child) -> Value {
        let (predicate_type, predicate) = predicate(attestation);
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate_type,
            "subject": [{ "name": "pkg:docker/dex", "digest": { "sha256": hex(&child.digest) } }],
            "predicate": predicate,
        });
        let mut layer = self.blob(media::IN_TOTO, json_bytes(&statement));
        layer["annotations"] = json!({ "in-toto.io/predicate-type": predicate_type });
        let config = json!({
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        });
        let config = self.blob(media::OCI_CONFIG, json_bytes(&config));
        let mut entry = self.manifest(
            media::OCI_MANIFEST,
            manifest(media::OCI_MANIFEST, config, layer),
        );
        entry["annotations"] = json!({
            "vnd.docker.reference.digest": child.digest,
            "vnd.docker.reference.type": "attestation-manifest",
        });
        entry["platform"] = platform_json("unknown/unknown");
        entry
    }

    fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let entry = descriptor(media_type, &bytes);
        self.blobs.push(bytes);
        entry
    }

    fn manifest(&mut self, media_type: &str, manifest: Value) -> Value {
        let bytes = json_bytes(&manifest);
        let entry = descriptor(media_type, &bytes);
        self.manifests.push(Manifest {
            media_type: media_type.to_owned(),
            digest: digest(&entry),
            bytes,
        });
        entry
    }
}

fn manifest(media_type: &str, config: Value, layer: Value) -> Value {
    json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer] })
}

fn config(image: &Image, platform: &str) -> Value {
    let mut config = platform_json(platform);
    let labels = image
        .labels
        .iter()
        .filter(|it| it.platform.as_deref().is_none_or(|it| it == platform));
    let labels: Map<_, _> = labels
        .map(|it| (it.name.clone(), json!(it.value)))
        .collect();
    config["created"] = json!(image.created);
    config["config"] = json!({ "Entrypoint": ["/dex"], "Labels": labels });
    config["rootfs"] = json!({ "type": "layers", "diff_ids": [sha256(&layer::TAR)] });
    config["history"] = json!([{ "created": image.created, "created_by": "COPY dex /dex" }]);
    config
}

fn predicate(attestation: &Attestation) -> (&'static str, Value) {
    let vcs = |revision| {
        let source = "https://github.com/data-literate/dex.git";
        json!({ "vcs": { "source": source, "revision": revision } })
    };
    let metadata = match attestation {
        Attestation::Plain => json!({}),
        Attestation::V1(revision) | Attestation::V02(revision) => vcs(revision),
    };
    if let Attestation::V02(_) = attestation {
        let metadata = json!({ "https://mobyproject.org/buildkit@v1#metadata": metadata });
        return (
            "https://slsa.dev/provenance/v0.2",
            json!({ "metadata": metadata }),
        );
    }
    let details = json!({ "metadata": { "buildkit_metadata": metadata } });
    (
        "https://slsa.dev/provenance/v1",
        json!({ "runDetails": details }),
    )
}

/// Reads `os/architecture[/variant]`.
fn platform_json(platform: &str) -> Value {
    let mut parts = platform.split('/');
    let (os, architecture) = (parts.next(), parts.next().expect("os/architecture"));
    let mut platform = json!({ "architecture": architecture, "os": os });
    if let Some(variant) = parts.next() {
        platform["variant"] = json!(variant);
    }
    platform
}

fn annotations(annotations: &[(String, String)]) -> Option<Value> {
    let map: Map<_, _> = annotations
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

fn annotated(mut manifest: Value, annotations: Option<Value>) -> Value {
    if let Some(annotations) = annotations {
        manifest["annotations"] = annotations;
    }
    manifest
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() })
}

fn digest(entry: &Value) -> String {
    entry["digest"]
        .as_str()
        .expect("an entry has a digest")
        .to_owned()
}

fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

fn json_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("a value is JSON")
}
