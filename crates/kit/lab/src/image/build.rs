//! From the description of an image to its blobs and manifests.

use serde_json::{Map, Value, json};

use super::digest::sha256;
use super::parts::{BuiltImage, ImageManifest, PlatformImage, media};
use super::{Attestation, Image, Shape, layer, schema1};

impl Image {
    /// Returns everything the image consists of. Only schema 1 holds the repository and the tag.
    #[must_use]
    pub fn build(&self, repository: &str, tag: &str) -> BuiltImage {
        let mut built = BuiltImage::default();
        match &self.shape {
            Shape::Schema1 => return schema1::build(repository, tag),
            Shape::Index => built.index(self),
            Shape::Single => {
                drop(built.child(self, &self.platforms[0], annotations(&self.annotations)))
            }
            Shape::Artifact {
                artifact_type,
                config_type,
                layer_type,
            } => {
                built.artifact(self, artifact_type.as_deref(), config_type, layer_type);
            }
        }
        built
    }
}

impl BuiltImage {
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
            .flat_map(|attestation| self.attest(attestation))
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
        let (manifest_type, config_type) = if image.docker {
            (media::DOCKER_MANIFEST, media::DOCKER_CONFIG)
        } else {
            (media::OCI_MANIFEST, media::OCI_CONFIG)
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
        self.children.push(PlatformImage {
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

    fn attestation(&mut self, attestation: &Attestation, child: &PlatformImage) -> Value {
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
        self.manifests.push(ImageManifest {
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
    let labels = image.labels.iter().filter(|label| label.is_on(platform));
    let labels: Map<_, _> = labels
        .map(|label| (label.name.clone(), json!(label.value)))
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
