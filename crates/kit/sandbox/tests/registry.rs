//! The sandbox registry and the real one answer the same questions alike.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, time::Duration};

use contract::World;
use fetch::Fetch;
use lab::Registry;
use sandbox::{SandboxImage, SandboxRegistry, sha256};

const REPOSITORY: &str = "data-literate/dex";

/// The part of an answer that a client reads.
#[derive(Debug, PartialEq)]
struct ComparedAnswer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn ask(address: &str, path: &str) -> ComparedAnswer {
    let accept =
        "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*";
    let url = format!("http://{address}/v2/{REPOSITORY}/{path}");
    let world = World::for_tests(Duration::ZERO);
    let answer = Fetch::new(&world)
        .get(url.parse().unwrap())
        .header("accept", accept)
        .send()
        .await
        .unwrap();
    let header = |name: &str| Some((name.to_owned(), answer.header(name)?.to_owned()));
    let headers = ["content-type", "docker-content-digest", "content-length"]
        .into_iter()
        .filter_map(header)
        .collect();
    ComparedAnswer {
        status: answer.status(),
        headers,
        body: String::from_utf8_lossy(answer.body()).into_owned(),
    }
}

/// Pushes to the real registry everything that an image consists of.
fn push(real: &Registry, tag: &str, image: &SandboxImage) {
    for blob in &image.blobs {
        real.put_blob(REPOSITORY, blob);
    }
    for manifest in &image.manifests {
        let (digest, bytes) = (sha256(&manifest.content), &manifest.content);
        real.put_manifest(REPOSITORY, &digest, manifest.media_type, bytes);
    }
    let index = image.manifests.last().unwrap();
    real.put_manifest(REPOSITORY, tag, index.media_type, &index.content);
}

#[tokio::test]
async fn it_answers_as_the_real_registry() {
    let (small, real) = (SandboxRegistry::start().await.unwrap(), Registry::plain());
    let image = SandboxImage::new("1a2b3c4d", &["linux/amd64", "linux/arm64"]);
    let digest = small.push(REPOSITORY, "v1", &image);
    push(&real, "v1", &image);
    let (child, config) = (sha256(&image.manifests[0].content), sha256(&image.blobs[0]));
    let nothing = sha256(b"nothing");
    for path in [
        "manifests/v1".to_owned(),
        format!("manifests/{digest}"),
        format!("manifests/{child}"),
        format!("blobs/{config}"),
        "manifests/v2".to_owned(),
        format!("manifests/{nothing}"),
        format!("blobs/{nothing}"),
    ] {
        let answer = ask(small.address(), &path).await;
        assert_eq!(answer, ask(real.address(), &path).await, "{path}");
    }
}

#[tokio::test]
async fn a_stopped_registry_does_not_answer() {
    let registry = SandboxRegistry::start().await.unwrap();
    registry.push(
        REPOSITORY,
        "v1",
        &SandboxImage::new("1a2b3c4d", &["linux/amd64"]),
    );
    let url = format!("http://{}/v2/{REPOSITORY}/manifests/v1", registry.address());
    let world = World::for_tests(Duration::ZERO);
    let has_it = async || {
        let answer = Fetch::new(&world).get(url.parse().unwrap()).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    };
    assert!(has_it().await);
    registry.stop().await;
    // Another process may listen on the port by now, but it does not have the image.
    assert!(!has_it().await);
}
