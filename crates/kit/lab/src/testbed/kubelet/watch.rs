//! The kubelet's loop: watches pods, and asks their scripts for a new status twenty times a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use super::render::{Times, render};
use super::state::KubeletState;
use super::view::PodView;
use crate::testbed::client::{JSON, MERGE_PATCH, TestbedClient, answer};

/// A pod with this annotation is left alone: `kubectl annotate pod NAME testbed/hands-off=`, and
/// then `kubectl patch pod NAME --subresource=status …` stays.
const HANDS_OFF: &str = "testbed/hands-off";

/// The pause between two rounds.
const TICK: Duration = Duration::from_millis(50);

/// A pod on a node of this kubelet.
struct WatchedPod {
    object: Value,
    seen: Instant,
    times: Times,
    /// The last status that the API server accepted.
    written: Option<Value>,
    gone: bool,
}

/// Runs until it is dropped; a server that is away is asked again.
pub(super) async fn run(state: Arc<KubeletState>, client: TestbedClient) {
    let mut pods = HashMap::new();
    loop {
        // An error does not matter: the next round lists everything again.
        drop(follow(&state, &client, &mut pods).await);
        sleep(TICK).await;
    }
}

async fn follow(
    state: &KubeletState,
    client: &TestbedClient,
    pods: &mut HashMap<String, WatchedPod>,
) -> Result<(), String> {
    let list = answer(client.request(Method::GET, "/api/v1/pods")).await?;
    let list: Value = serde_json::from_slice(&list.body).map_err(|error| error.to_string())?;
    let items = list["items"].as_array().ok_or("no list")?;
    pods.retain(|id, _| items.iter().any(|pod| pod["metadata"]["uid"] == **id));
    items.iter().for_each(|pod| hear(state, pods, "ADDED", pod));
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    let watch = format!("/api/v1/pods?watch=true&resourceVersion={version}");
    let response = client.request(Method::GET, &watch).send().await;
    let mut response = response.map_err(|error| error.to_string())?;
    let (mut tick, mut rest) = (interval(TICK), Vec::new());
    loop {
        tokio::select! {
            chunk = response.chunk() => {
                let chunk = chunk.map_err(|error| error.to_string())?;
                let chunk = chunk.ok_or("the end of the stream")?;
                rest.extend_from_slice(&chunk);
                for event in lines(&mut rest) {
                    let kind = event["type"].as_str().unwrap_or_default();
                    if kind == "ERROR" {
                        return Err("too old a version".to_owned());
                    }
                    hear(state, pods, kind, &event["object"]);
                }
            }
            _ = tick.tick() => {}
        }
        for pod in pods.values_mut() {
            attend(state, client, pod).await;
        }
    }
}

/// Takes the whole lines away, read as JSON.
fn lines(rest: &mut Vec<u8>) -> Vec<Value> {
    let end = rest
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |place| place + 1);
    let whole: Vec<u8> = rest.drain(..end).collect();
    whole
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn hear(state: &KubeletState, pods: &mut HashMap<String, WatchedPod>, kind: &str, object: &Value) {
    let id = object["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let node = object["spec"]["nodeName"].as_str().unwrap_or_default();
    if kind == "DELETED" || !state.is_ours(node) {
        pods.remove(&id);
        return;
    }
    let new = || WatchedPod {
        object: Value::Null,
        seen: Instant::now(),
        times: Times::default(),
        written: None,
        gone: false,
    };
    pods.entry(id).or_insert_with(new).object = object.clone();
}

/// Writes the status that a pod's script returns, unless a person plays the pod by hand.
async fn attend(state: &KubeletState, client: &TestbedClient, pod: &mut WatchedPod) {
    if pod.gone
        || pod.object["metadata"]["annotations"]
            .get(HANDS_OFF)
            .is_some()
    {
        return;
    }
    let view = view(pod);
    let status = state.judge(&view);
    let path = format!("/api/v1/namespaces/{}/pods/{}", view.namespace, view.name);
    let id = &pod.object["metadata"]["uid"];
    if pod.object["metadata"]["deletionTimestamp"].is_string() && !status.stays {
        let at_once = json!({ "gracePeriodSeconds": 0, "preconditions": { "uid": id } });
        pod.gone = send(client, Method::DELETE, &path, JSON, &at_once).await;
        return;
    }
    let rendered = render(&pod.object, &status, &mut pod.times);
    if pod.written.as_ref() != Some(&rendered) {
        let patch = json!({ "metadata": { "uid": id }, "status": rendered });
        let taken = send(
            client,
            Method::PATCH,
            &format!("{path}/status"),
            MERGE_PATCH,
            &patch,
        )
        .await;
        pod.written = taken.then_some(rendered);
    }
}

fn view(pod: &WatchedPod) -> PodView {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    PodView {
        name: text(&pod.object["metadata"]["name"]),
        namespace: text(&pod.object["metadata"]["namespace"]),
        image: text(&pod.object["spec"]["containers"][0]["image"]),
        age: pod.seen.elapsed(),
        object: pod.object.clone(),
    }
}

async fn send(
    client: &TestbedClient,
    method: Method,
    path: &str,
    kind: &str,
    body: &Value,
) -> bool {
    let request = client
        .request(method, path)
        .header(CONTENT_TYPE, kind)
        .body(body.to_string());
    answer(request)
        .await
        .is_ok_and(|answer| answer.status < 300 || answer.status == 404)
}
