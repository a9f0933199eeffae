//! The small world says nothing that the real systems do not say: the recordings of the steps on a real Argo CD
//! and a real Kubernetes API are the measure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use contract::World;
use fetch::{Fetch, StreamAnswer as Opened};
use serde_json::Value;

use super::*;

/// Where a value is and what it is (`status.sync.revision: string`), by what was asked for.
#[derive(Debug, Default)]
struct Shapes(BTreeMap<String, BTreeSet<String>>);

/// What of an application's events is asked for: the same of both.
const FIELDS: &str = "fields=";

impl Shapes {
    /// Takes in an answer to a question; one that is no JSON has no shape.
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
        // A list and its watch show the same objects, and a manifest is an object within a text.
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
        // A pod is the same whoever shows it.
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
            // Keys of these are values themselves.
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
            .map(|it| it.path())
    };
    let recordings = below(steps).flat_map(|step| below(step.join("tests/recordings")));
    recordings
        .map(|recording| recording.join("tape.jsonl"))
        .filter(|tape| tape.is_file())
        .collect()
}

/// Returns what the real systems said.
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

/// Asks the small world everything that it answers, in the middle of a rollout and after it.
async fn small(scene: &Scene, shapes: &mut Shapes) {
    let world = World::for_tests(Duration::ZERO);
    let server = scene.kubernetes();
    let app = format!("{}/api/v1/applications/dex-prod", scene.delivery.argocd());
    let pod = scene
        .pods()
        .await
        .last()
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned());
    let mut urls = vec![app.clone(), format!("{app}/resource-tree")];
    urls.extend(pod.map(|pod| format!("{app}/resource?kind=Pod&resourceName={pod}")));
    urls.extend(
        ["pods", "apps/deployments", "apps/replicasets"].map(|kind| {
            let (group, kind) = kind
                .split_once('/')
                .map_or(("/api/v1".to_owned(), kind), |(group, kind)| {
                    (format!("/apis/{group}/v1"), kind)
                });
            format!("{server}{group}/namespaces/dex-prod/{kind}")
        }),
    );
    for url in urls {
        let answer = Fetch::new(&world)
            .get(url.parse().unwrap())
            .send()
            .await
            .unwrap();
        shapes.add(&url, &String::from_utf8_lossy(answer.body()));
    }
    let url = format!(
        "{}/api/v1/stream/applications?name=dex-prod&{}",
        scene.delivery.argocd(),
        fields()
    );
    let opened = Fetch::new(&world)
        .get(url.parse().unwrap())
        .stream(Duration::from_secs(5))
        .await
        .unwrap();
    let Opened::Stream(mut stream) = opened else {
        panic!("no stream")
    };
    shapes.add(
        &url,
        &String::from_utf8(stream.next().await.unwrap().unwrap()).unwrap(),
    );
}

#[tokio::test]
async fn the_small_world_says_nothing_that_the_real_one_does_not() {
    let (scene, real, mut said) = (Scene::new().await, real(), Shapes::default());
    let first = scene.remote.tip("main");
    scene
        .until("the first rollout", async || {
            is_deployed(&scene.app("").await, &first)
        })
        .await;
    small(&scene, &mut said).await;
    scene.deploy("nobody-pushed-it");
    scene.app("&refresh=normal").await;
    small(&scene, &mut said).await;
    scene
        .until("the back-off", async || scene.is_backing_off().await)
        .await;
    small(&scene, &mut said).await;
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
