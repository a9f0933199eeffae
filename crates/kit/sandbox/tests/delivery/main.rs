//! The sandbox from a push to running pods.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod shapes;

use std::time::Duration;

use contract::World;
use fetch::Fetch;
use lab::{GitRemote, overlays::SampleOverlay};
use sandbox::{Delivery, SandboxApp, SandboxImage, SandboxRegistry};
use serde_json::Value;

const REPOSITORY: &str = "data-literate/dex";

struct Scene {
    registry: SandboxRegistry,
    remote: GitRemote,
    delivery: Delivery,
}

impl Scene {
    async fn new() -> Self {
        let (registry, remote) = (SandboxRegistry::start().await.unwrap(), GitRemote::new());
        registry.push(REPOSITORY, "v1", &SandboxImage::new("1", &["linux/amd64"]));
        let scene_overlay = overlay(&registry, "v1");
        remote.commit(
            "main",
            &[(
                "overlays/prod/kustomization.yaml",
                scene_overlay.as_str(),
                false,
            )],
            "first",
        );
        let app = SandboxApp {
            name: "dex-prod".into(),
            overlay: "overlays/prod".into(),
            branch: "main".into(),
        };
        let delivery = Delivery::start(remote.path(), &registry, vec![app])
            .await
            .unwrap();
        Self {
            registry,
            remote,
            delivery,
        }
    }

    fn deploy(&self, tag: &str) {
        let text = overlay(&self.registry, tag);
        self.remote.commit(
            "main",
            &[("overlays/prod/kustomization.yaml", text.as_str(), false)],
            tag,
        );
    }

    async fn app(&self, query: &str) -> Value {
        get(&format!(
            "{}/api/v1/applications/dex-prod?project=default{query}",
            self.delivery.argocd()
        ))
        .await
    }

    async fn pods(&self) -> Vec<Value> {
        let server = self.kubernetes();
        get(&format!("{server}/api/v1/namespaces/dex-prod/pods")).await["items"]
            .as_array()
            .unwrap()
            .clone()
    }

    async fn is_backing_off(&self) -> bool {
        let waiting = |pod: &Value| {
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
                == "ImagePullBackOff"
        };
        self.pods().await.iter().any(waiting)
    }

    fn kubernetes(&self) -> String {
        let kubeconfig = self.delivery.kubeconfig();
        kubeconfig
            .split("server: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned()
    }

    /// Asks until the condition holds, for at most ten seconds.
    async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        for _ in 0..200 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} did not come");
    }
}

fn overlay(registry: &SandboxRegistry, tag: &str) -> String {
    let name = format!("{}/{REPOSITORY}", registry.address());
    SampleOverlay::prod(tag).new_name(&name).text()
}

async fn get(url: &str) -> Value {
    let world = World::for_tests(Duration::ZERO);
    Fetch::new(&world)
        .get(url.parse().unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .unwrap()
}

fn is_deployed(app: &Value, commit: &str) -> bool {
    let status = &app["status"];
    (
        &status["sync"]["revision"],
        &status["sync"]["status"],
        &status["health"]["status"],
    ) == (&commit.into(), &"Synced".into(), &"Healthy".into())
}

#[tokio::test]
async fn a_refresh_rolls_out_the_commit() {
    let scene = Scene::new().await;
    let first = scene.remote.tip("main");
    scene
        .until("the first rollout", async || {
            is_deployed(&scene.app("").await, &first)
        })
        .await;
    scene
        .registry
        .push(REPOSITORY, "v2", &SandboxImage::new("2", &["linux/amd64"]));
    scene.deploy("v2");
    let second = scene.remote.tip("main");
    assert!(
        is_deployed(&scene.app("").await, &first),
        "healthy at the old revision, as the real one is"
    );
    assert_eq!(
        scene.app("&refresh=normal").await["status"]["sync"]["revision"],
        second
    );
    scene
        .until("the second rollout", async || {
            is_deployed(&scene.app("").await, &second)
        })
        .await;
    scene
        .until("the end of the old pods", async || {
            scene.pods().await.len() == 2
        })
        .await;
    assert!(scene.pods().await.iter().all(|pod| {
        pod["status"]["containerStatuses"][0]["imageID"]
            .as_str()
            .unwrap()
            .contains("@sha256:")
    }));
}

#[tokio::test]
async fn a_watch_from_an_old_version_expires() {
    let scene = Scene::new().await;
    scene
        .until("the first rollout", async || scene.pods().await.len() == 2)
        .await;
    let pods = format!("{}/api/v1/namespaces/dex-prod/pods", scene.kubernetes());
    let listed = get(&pods).await["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    scene
        .registry
        .push(REPOSITORY, "v2", &SandboxImage::new("2", &["linux/amd64"]));
    scene.deploy("v2");
    scene.app("&refresh=normal").await;
    let first = scene.pods().await[0]["metadata"]["name"].clone();
    let is_gone = async || {
        scene
            .pods()
            .await
            .iter()
            .all(|pod| pod["metadata"]["name"] != first)
    };
    scene.until("the end of the old pods", is_gone).await;
    let answer = get(&format!("{pods}?watch=true&resourceVersion={listed}")).await;
    assert_eq!(
        (&answer["code"], &answer["reason"]),
        (&410.into(), &"Expired".into())
    );
}

#[tokio::test]
async fn a_missing_image_cannot_be_pulled() {
    let scene = Scene::new().await;
    scene
        .until("the first rollout", async || scene.pods().await.len() == 2)
        .await;
    scene.deploy("never-pushed");
    scene.app("&refresh=normal").await;
    scene
        .until("the back-off", async || scene.is_backing_off().await)
        .await;
    let tree = get(&format!(
        "{}/api/v1/applications/dex-prod/resource-tree",
        scene.delivery.argocd()
    ))
    .await;
    assert!(
        tree.to_string().contains("ImagePullBackOff") && tree.to_string().contains("not found"),
        "{tree}"
    );
}
