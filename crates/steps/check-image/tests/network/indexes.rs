//! What an index may hold.

use std::collections::BTreeMap;

use lab::{Faulty, ScriptedReply, image::sha256};
use serde_json::{Value, json};

use super::{REPOSITORY, check};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The content of a registry, by tag and by digest.
#[derive(Clone, Default)]
struct Content(BTreeMap<String, Value>);

impl Content {
    fn put(&mut self, value: Value) -> String {
        let digest = sha256(value.to_string().as_bytes());
        self.0.insert(digest.clone(), value);
        digest
    }

    fn manifest(&mut self, config_type: &str, platform: Value) -> String {
        let config = self.put(platform);
        self.put(json!({
            "schemaVersion": 2,
            "config": { "mediaType": config_type, "digest": config },
        }))
    }

    fn image(&mut self, architecture: &str) -> String {
        self.manifest(
            CONFIG,
            json!({ "os": "linux", "architecture": architecture }),
        )
    }

    fn index(&mut self, entries: &[Value]) -> String {
        self.put(json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }))
    }

    /// Checks the index of these entries, and returns the exit code, the report and the number of
    /// requests.
    fn check(mut self, entries: &[Value], arguments: &[&str]) -> (i32, Value, usize) {
        let digest = self.index(entries);
        let server = Faulty::answering(move |seen| {
            let name = seen.path.rsplit('/').next().unwrap();
            let name = if name == "v1" { &digest } else { name };
            match self.0.get(name) {
                Some(value) => ScriptedReply::text(200, &value.to_string()),
                None => ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "unknown"),
            }
        });
        let image = format!("{}/{REPOSITORY}:v1", server.address());
        let run = check(&image).args(arguments).run();
        (run.code, run.json(), server.seen().len())
    }
}

fn entry(digest: &str, platform: Value) -> Value {
    json!({ "mediaType": IMAGE, "digest": digest, "platform": platform })
}

fn linux(architecture: &str) -> Value {
    json!({ "os": "linux", "architecture": architecture })
}

fn attestation(of: &str) -> Value {
    json!({
        "mediaType": IMAGE,
        "digest": sha256(of.as_bytes()),
        "platform": { "os": "unknown", "architecture": "unknown" },
        "annotations": { "vnd.docker.reference.type": "attestation-manifest" },
    })
}

#[test]
fn an_index_in_an_index_is_read() {
    let mut content = Content::default();
    let (amd64, arm64) = (content.image("amd64"), content.image("arm64"));
    let nested = [(&amd64, "amd64"), (&arm64, "arm64")].map(|(digest, architecture)| {
        let entries = [entry(digest, linux(architecture)), attestation(digest)];
        let index = content.index(&entries);
        json!({ "mediaType": INDEX, "digest": index, "platform": linux(architecture) })
    });
    let both = ["--platform=linux/amd64,linux/arm64"];
    for arguments in [&[][..], &both] {
        let (code, report, requests) = content.clone().check(&nested, arguments);
        assert_eq!((code, requests), (0, 5), "{report}");
        let facts = &report["facts"];
        assert_eq!(facts["platforms"], json!(["linux/amd64", "linux/arm64"]));
        let digests = facts["digests"].as_array().unwrap();
        assert!(digests.contains(&json!(amd64)) && digests.contains(&json!(arm64)));
    }
    let (code, report, requests) = content.clone().check(&nested, &["--shallow"]);
    assert_eq!((code, requests), (0, 1), "{report}");
    // Without its platform, and without a media type.
    let inner = content.index(&nested);
    let (code, report, _) = content.check(&[json!({ "digest": inner })], &both);
    assert_eq!(code, 0, "{report}");
}

#[test]
fn a_lost_image_of_a_nested_index_is_dangling() {
    let mut content = Content::default();
    let lost = entry(&sha256(b"lost"), linux("amd64"));
    let inner = content.index(&[lost]);
    let (code, report, _) = content.check(
        &[json!({ "mediaType": INDEX, "digest": inner })],
        &["--platform=linux/amd64"],
    );
    assert_eq!((code, &report["reason"]), (10, &json!("dangling-index")));
}

#[test]
fn a_mirror_may_have_some_platforms_only() {
    let mut content = Content::default();
    let (arm64, lost) = (content.image("arm64"), sha256(b"lost"));
    let entries = [entry(&arm64, linux("arm64")), entry(&lost, linux("amd64"))];
    let (code, report, _) = content.clone().check(&entries, &[]);
    assert_eq!((code, &report["reason"]), (10, &json!("dangling-index")));
    let hints = report["hints"].to_string();
    assert!(hints.contains("pass `--platform`"), "{hints}");
    let (code, report, _) = content.clone().check(&entries, &["--platform=linux/arm64"]);
    assert_eq!(code, 0, "{report}");
    let (_, report, _) = content.check(&entries, &["--platform=linux/amd64"]);
    let hints = report["hints"].to_string();
    assert!(!hints.contains("pass `--platform`"), "{hints}");
}

#[test]
fn an_earlier_version_in_a_crowded_index_is_read() {
    let arm = json!({ "os": "linux", "architecture": "arm", "variant": "v6" });
    let mut entries: Vec<_> = (0..70)
        .map(|n| entry(&sha256(&[n]), linux("s390x")))
        .collect();
    entries.push(entry(&sha256(b"lost"), arm));
    let (code, report, _) = Content::default().check(&entries, &["--platform=linux/arm/v7"]);
    assert_eq!((code, &report["reason"]), (10, &json!("dangling-index")));
}

#[test]
fn indexes_have_bounds_together() {
    let mut content = Content::default();
    let entries: Vec<_> = (0..40)
        .map(|n| entry(&sha256(&[n]), linux("amd64")))
        .collect();
    let wide = [content.index(&entries), content.index(&entries[..30])]
        .map(|digest| json!({ "mediaType": INDEX, "digest": digest }));
    let (code, report, requests) = content.clone().check(&wide, &[]);
    assert_eq!((code, &report["reason"]), (20, &json!("not-the-api")));
    assert_eq!(requests, 3);
    let image = content.image("amd64");
    let deep = (0..9).fold(
        entry(&image, linux("amd64")),
        |inner, _| json!({ "mediaType": INDEX, "digest": content.index(&[inner]) }),
    );
    let (code, report, _) = content.check(&[deep], &[]);
    assert_eq!((code, &report["reason"]), (20, &json!("not-the-api")));
}

#[test]
fn what_is_no_image_is_skipped() {
    let mut content = Content::default();
    let image = entry(&content.image("amd64"), linux("amd64"));
    let helm = content.manifest("application/vnd.cncf.helm.config.v1+json", json!({}));
    let signature = content.manifest(CONFIG, json!({}));
    let others = [
        json!({ "mediaType": "application/vnd.example.lock+json", "digest": "odd", "size": 3 }),
        json!({ "mediaType": IMAGE, "artifactType": "application/vnd.example.sbom", "digest": sha256(b"sbom") }),
        json!({ "mediaType": IMAGE, "digest": helm }),
        entry(&helm, linux("amd64")),
        json!({ "mediaType": IMAGE, "digest": signature, "platform": null }),
        attestation("amd64"),
    ];
    for other in &others {
        for entries in [
            [other.clone(), image.clone()],
            [image.clone(), other.clone()],
        ] {
            let (code, report, _) = content.clone().check(&entries, &[]);
            assert_eq!(code, 0, "{other}: {report}");
            assert_eq!(report["facts"]["platforms"], json!(["linux/amd64"]));
            let (code, report, _) = content.clone().check(&entries, &["--platform=linux/amd64"]);
            assert_eq!(code, 0, "{other}: {report}");
        }
    }
    let (code, report, _) = content.check(&others, &[]);
    assert_eq!((code, &report["reason"]), (10, &json!("not-an-image")));
}

#[test]
fn half_a_platform_is_read_from_the_configuration() {
    for platform in [
        json!({}),
        Value::Null,
        json!({ "architecture": "amd64" }),
        json!({ "os": "linux" }),
        json!({ "os": "", "architecture": "" }),
        json!({ "os": "linux", "architecture": null }),
    ] {
        let mut content = Content::default();
        let image = content.image("amd64");
        let entries = [entry(&image, platform.clone())];
        let (code, report, _) = content.clone().check(&entries, &["--platform=linux/amd64"]);
        assert_eq!(code, 0, "{platform}: {report}");
        let (code, report, _) = content.check(&entries, &["--platform=linux/arm64"]);
        assert_eq!((code, &report["reason"]), (10, &json!("platform-missing")));
    }
}

#[test]
fn other_spellings_of_a_platform_are_found() {
    for (platform, required) in [
        (
            json!({ "os": "linux", "architecture": "amd64" }),
            "linux/x86_64",
        ),
        (
            json!({ "os": "linux", "architecture": "amd64", "variant": "v1" }),
            "linux/amd64",
        ),
        (
            json!({ "os": "Linux", "architecture": "x86_64" }),
            "linux/AMD64",
        ),
        (
            json!({ "os": "linux", "architecture": "arm" }),
            "linux/arm/v7",
        ),
        (
            json!({ "os": "linux", "architecture": "arm64", "variant": "v8" }),
            "linux/aarch64",
        ),
    ] {
        let mut content = Content::default();
        let image = content.image("amd64");
        let (code, report, _) =
            content.check(&[entry(&image, platform)], &["--platform", required]);
        assert_eq!(code, 0, "{required}: {report}");
    }
}
