//! The sandbox says nothing that the real systems do not say, as far as recordings of the steps
//! show: these were made on a real Argo CD and a real Kubernetes API.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use contract::World;
use fetch::{Fetch, StreamAnswer as Opened};
use serde_json::Value;

use super::*;

/// Path and type of each value (`status.sync.revision: string`), by the question.
#[derive(Debug, Default)]
struct Shapes(BTreeMap<String, BTreeSet<String>>);

/// The parameter that selects fields of an application's events, the same for both.
const FIELDS: &str = "fields=";

impl Shapes {
    /// Adds the answer to a question; an answer that is not JSON has no shape.
    fn add(&mut self, url: &str, body: &str) {
        let Some(class) = class(url) else { return };
        for text in body
            .lines()
            .map(|line| line.trim_start_matches("data:").trim())
        {
            let Ok(value) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            self.add_value(&class, &value);
        }
    }

    fn add_value(&mut self, class: &str, value: &Value) {
        // A list and its watch show the same objects; a manifest is an object within a text.
        let objects: Vec<&Value> = match (&value["items"], &value["object"]) {
            (Value::Array(items), _) => items.iter().collect(),
            (_, object @ Value::Object(_)) => vec![object],
            _ => vec![value],
        };
        if let Some(manifest) = value["manifest"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
        {
            return self.add_value(class, &manifest);
        }
        let paths = self.0.entry(class.to_owned()).or_default();
        objects
            .into_iter()
            .for_each(|object| collect(String::new(), object, paths));
    }
}

/// Returns the question without names and versions: `applications`, `resource-tree`, `pods`.
fn class(url: &str) -> Option<String> {
    let url: url::Url = url
        .parse()
        .ok()
        .or_else(|| format!("http://x{url}").parse().ok())?;
    let parts: Vec<&str> = url.path_segments()?.collect();
    Some(match parts.as_slice() {
        ["api", "v1", "stream", "applications"] => "events".to_owned(),
        ["api", "v1", "applications", _] => "application".to_owned(),
        // Argo CD shows the same pod as Kubernetes.
        ["api", "v1", "applications", _, "resource"] => "pods".to_owned(),
        ["api", "v1", "applications", _, what] => (*what).to_owned(),
        ["api", "v1", "namespaces", _, kind] | ["apis", _, _, "namespaces", _, kind] => {
            (*kind).to_owned()
        }
        _ => return None,
    })
}

fn collect(path: String, value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            // The keys of these maps are values themselves.
            let open = ["labels", "annotations", "matchLabels"]
                .iter()
                .any(|name| path.ends_with(name));
            for (name, value) in fields {
                collect(
                    format!("{path}.{}", if open { "*" } else { name }),
                    value,
                    into,
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(format!("{path}[]"), item, into)),
        Value::String(_) => drop(into.insert(format!("{path}: string"))),
        Value::Number(_) => drop(into.insert(format!("{path}: number"))),
        Value::Bool(_) => drop(into.insert(format!("{path}: bool"))),
        Value::Null => {}
    }
}

/// Returns the tapes of all steps.
fn tapes() -> Vec<PathBuf> {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../steps");
    let below = |folder: PathBuf| {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
    };
    let recordings = below(steps).flat_map(|step| below(step.join("tests/recordings")));
    recordings
        .map(|recording| recording.join("tape.jsonl"))
        .filter(|tape| tape.is_file())
        .collect()
}

/// Returns the shapes of the recorded answers.
fn real() -> Shapes {
    let mut shapes = Shapes::default();
    for tape in tapes() {
        for line in std::fs::read_to_string(tape).unwrap().lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            let asked = &entry["request"];
            let Some(url) = asked["url"].as_str().or(asked["path"].as_str()) else {
                continue;
            };
            let chunks = entry["answer"]["chunks"].as_array().into_iter().flatten();
            let body: String = chunks.filter_map(|chunk| chunk[1].as_str()).collect();
            shapes.add(url, &body);
        }
    }
    shapes
}

/// Returns the fields that `wait-argo` asks for, as they stand in its requests.
fn fields() -> String {
    let text: String = tapes()
        .iter()
        .map(|tape| std::fs::read_to_string(tape).unwrap())
        .collect();
    let after = text.split(FIELDS).nth(1).expect("a recorded stream");
    format!("{FIELDS}{}", after.split(['&', '"']).next().unwrap())
}

/// Asks the sandbox everything that it answers.
async fn ask(scene: &Scene, shapes: &mut Shapes) {
    let world = World::for_tests(Duration::ZERO);
    let fetch = Fetch::new(&world);
    for url in urls(scene).await {
        let request = fetch.get(url.parse().unwrap());
        let answer = request.send().await.unwrap();
        shapes.add(&url, &String::from_utf8_lossy(answer.body()));
    }
    let server = scene.delivery.argocd();
    let stream = format!("{server}/api/v1/stream/applications?name=dex-prod");
    let url = format!("{stream}&{}", fields());
    let request = fetch.get(url.parse().unwrap());
    let opened = request.stream(Duration::from_secs(5)).await.unwrap();
    let Opened::Stream(mut stream) = opened else {
        panic!("no stream")
    };
    let frame = stream.next().await.unwrap().unwrap();
    shapes.add(&url, &String::from_utf8(frame).unwrap());
}

/// Returns the URLs of the application, its parts and the objects of the cluster.
async fn urls(scene: &Scene) -> Vec<String> {
    let app = format!("{}/api/v1/applications/dex-prod", scene.delivery.argocd());
    let mut urls = vec![app.clone(), format!("{app}/resource-tree")];
    if let Some(pod) = scene.pods().await.last() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        urls.push(format!("{app}/resource?kind=Pod&resourceName={name}"));
    }
    let server = scene.kubernetes();
    for (api, kind) in [
        ("/api/v1", "pods"),
        ("/apis/apps/v1", "deployments"),
        ("/apis/apps/v1", "replicasets"),
    ] {
        urls.push(format!("{server}{api}/namespaces/dex-prod/{kind}"));
    }
    urls
}

#[tokio::test]
async fn the_sandbox_says_nothing_new() {
    let (scene, real, mut said) = (Scene::new().await, real(), Shapes::default());
    let first = scene.remote.tip("main");
    scene
        .until("the first rollout", async || {
            is_deployed(&scene.app("").await, &first)
        })
        .await;
    ask(&scene, &mut said).await;
    scene.deploy("never-pushed");
    scene.app("&refresh=normal").await;
    ask(&scene, &mut said).await;
    scene
        .until("the back-off", async || scene.is_backing_off().await)
        .await;
    ask(&scene, &mut said).await;
    let strange: Vec<String> = said
        .0
        .iter()
        .filter_map(|(class, paths)| Some((class, paths, real.0.get(class)?)))
        .flat_map(|(class, paths, known)| {
            paths
                .difference(known)
                .map(move |path| format!("{class} {path}"))
        })
        .collect();
    assert!(
        strange.is_empty(),
        "the real systems never said:\n{}",
        strange.join("\n")
    );
    let compared: Vec<&String> = said
        .0
        .keys()
        .filter(|class| real.0.contains_key(*class))
        .collect();
    assert!(
        compared.len() >= 6,
        "compared: {compared:?}, recorded: {:?}",
        real.0.keys()
    );
}
