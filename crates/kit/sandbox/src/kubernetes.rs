//! Kubernetes' REST API: lists, single objects and watches of what a rollout consists of.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::{objects, query::QueryParameters, state::SandboxWorld, stream};

pub(crate) fn router(world: SandboxWorld) -> Router {
    Router::new()
        .route("/api/v1/namespaces/{namespace}", get(namespace))
        .route("/api/v1/namespaces/{namespace}/{kind}", get(collection))
        .route(
            "/apis/{group}/v1/namespaces/{namespace}/{kind}",
            get(collection_of_group),
        )
        .with_state(world)
}

async fn namespace(State(world): State<SandboxWorld>, Path(namespace): Path<String>) -> Response {
    if world.lock().app(&namespace).is_none() {
        return missing("namespaces", &namespace);
    }
    let metadata = json!({ "name": namespace, "resourceVersion": "1" });
    Json(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata })).into_response()
}

async fn collection(
    state: State<SandboxWorld>,
    Path((namespace, kind)): Path<(String, String)>,
    query: QueryParameters,
) -> Response {
    listed(&state.0, namespace, kind, &query.0)
}

async fn collection_of_group(
    state: State<SandboxWorld>,
    Path((_, namespace, kind)): Path<(String, String, String)>,
    query: QueryParameters,
) -> Response {
    listed(&state.0, namespace, kind, &query.0)
}

fn listed(
    world: &SandboxWorld,
    namespace: String,
    kind: String,
    query: &BTreeMap<String, String>,
) -> Response {
    let collection = Collection {
        world: world.clone(),
        namespace,
        kind,
    };
    if matches!(query.get("watch").map(String::as_str), Some("true" | "1")) {
        let from = query
            .get("resourceVersion")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        return watched(collection, from);
    }
    let (version, items) = collection.objects();
    let (api_version, list) = list_of(&collection.kind);
    let metadata = json!({ "resourceVersion": version.to_string() });
    Json(json!({ "apiVersion": api_version, "kind": list, "metadata": metadata, "items": items }))
        .into_response()
}

/// The objects of a kind in a namespace.
struct Collection {
    world: SandboxWorld,
    namespace: String,
    kind: String,
}

impl Collection {
    /// Returns the objects as they are now, and the version of that.
    fn objects(&self) -> (u64, Vec<Value>) {
        let state = self.world.lock();
        let objects = objects::objects(&state, &self.namespace, &self.kind);
        (state.version, objects)
    }

    fn by_name(&self) -> BTreeMap<String, Value> {
        let objects = self.objects().1.into_iter();
        objects.map(|object| (name(&object), object)).collect()
    }
}

/// Sends the events after a version: objects that were added, modified or deleted.
fn watched(collection: Collection, from: u64) -> Response {
    // The client has listed these; it hears only of newer ones.
    let mut known = collection.by_name();
    known.retain(|_, object| version(object) <= from);
    if from < collection.world.lock().removed {
        return expired();
    }
    let changes = collection.world.subscribe();
    let body = stream::after_each_change(changes, move || {
        let now = collection.by_name();
        let text = events(&known, &now);
        known = now;
        text
    });
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Returns the events that lead from the objects of before to those of now.
fn events(before: &BTreeMap<String, Value>, now: &BTreeMap<String, Value>) -> String {
    let mut text = String::new();
    for (name, object) in now {
        match before.get(name) {
            None => text.push_str(&event("ADDED", object)),
            Some(old) if version(old) != version(object) => {
                text.push_str(&event("MODIFIED", object));
            }
            Some(_) => {}
        }
    }
    for (name, object) in before {
        if !now.contains_key(name) {
            text.push_str(&event("DELETED", object));
        }
    }
    text
}

fn name(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str();
    name.unwrap_or_default().to_owned()
}

fn version(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Tells the client to list again: the objects removed since its version are no longer known. A
/// real server does so at times.
fn expired() -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410,
    });
    (StatusCode::GONE, Json(status)).into_response()
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": kind, "object": object }))
}

fn list_of(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "pods" => ("v1", "PodList"),
        "events" => ("v1", "EventList"),
        "deployments" => ("apps/v1", "DeploymentList"),
        "replicasets" => ("apps/v1", "ReplicaSetList"),
        "statefulsets" => ("apps/v1", "StatefulSetList"),
        "daemonsets" => ("apps/v1", "DaemonSetList"),
        _ => ("v1", "List"),
    }
}

fn missing(kind: &str, name: &str) -> Response {
    let message = format!("{kind} \"{name}\" not found");
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "NotFound", "code": 404,
        "details": { "name": name, "kind": kind },
    });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
