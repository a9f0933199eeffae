//! The same questions to the small registry and to the real one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, time::Duration};

use contract::World;
use fetch::Fetch;
use lab::Registry as Real;
use sandbox::{Image, Registry, sha256};

const REPOSITORY: &str = "data-literate/dex";

/// What of an answer a client reads.
#[derive(Debug, PartialEq)]
struct Read {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn ask(address: &str, path: &str) -> Read {
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
    Read {
        status: answer.status(),
        headers,
        body: String::from_utf8_lossy(answer.body()).into_owned(),
    }
}

#[tokio::test]
async fn it_answers_as_the_real_one() {
    let (small, real) = (Registry::start().await.unwrap(), Real::plain());
    let image = Image::new("1a2b3c4d", &["linux/amd64", "linux/arm64"]);
    let digest = small.push(REPOSITORY, "v1", &image);
    for blob in &image.blobs {
        real.put_blob(REPOSITORY, blob);
    }
    for manifest in &image.manifests {
        real.put_manifest(
            REPOSITORY,
            &sha256(&manifest.content),
            manifest.media_type,
            &manifest.content,
        );
    }
    let index = image.manifests.last().unwrap();
    real.put_manifest(REPOSITORY, "v1", index.media_type, &index.content);
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
        let (ours, theirs) = (
            ask(small.address(), &path).await,
            ask(real.address(), &path).await,
        );
        assert_eq!(ours, theirs, "{path}");
    }
}

#[tokio::test]
async fn after_it_stopped_it_answers_nobody() {
    let registry = Registry::start().await.unwrap();
    registry.push(REPOSITORY, "v1", &Image::new("1a2b3c4d", &["linux/amd64"]));
    let url = format!("http://{}/v2/{REPOSITORY}/manifests/v1", registry.address());
    let world = World::for_tests(Duration::ZERO);
    let has_it = async || {
        let answer = Fetch::new(&world).get(url.parse().unwrap()).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    };
    assert!(has_it().await);
    registry.stop().await;
    // Somebody else may have the port by now, but not the image.
    assert!(!has_it().await);
}
