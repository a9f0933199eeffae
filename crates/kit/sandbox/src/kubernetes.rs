//! Kubernetes' REST API: lists, single objects and watches of what a rollout consists of.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::{delivery::World, objects, stream};

type Parameters = Query<BTreeMap<String, String>>;

pub(crate) fn router(world: World) -> Router {
    Router::new()
        .route("/api/v1/namespaces/{namespace}", get(namespace))
        .route("/api/v1/namespaces/{namespace}/{kind}", get(collection))
        .route(
            "/apis/{group}/v1/namespaces/{namespace}/{kind}",
            get(collection_of_group),
        )
        .with_state(world)
}

async fn namespace(State(world): State<World>, Path(namespace): Path<String>) -> Response {
    if world.lock().app(&namespace).is_none() {
        return missing("namespaces", &namespace);
    }
    let metadata = json!({ "name": namespace, "resourceVersion": "1" });
    Json(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata })).into_response()
}

async fn collection(
    state: State<World>,
    Path((namespace, kind)): Path<(String, String)>,
    query: Parameters,
) -> Response {
    listed(&state.0, namespace, kind, &query.0)
}

async fn collection_of_group(
    state: State<World>,
    Path((_, namespace, kind)): Path<(String, String, String)>,
    query: Parameters,
) -> Response {
    listed(&state.0, namespace, kind, &query.0)
}

fn listed(
    world: &World,
    namespace: String,
    kind: String,
    query: &BTreeMap<String, String>,
) -> Response {
    let look = {
        let world = world.clone();
        let kind = kind.clone();
        move || {
            let state = world.lock();
            (state.version, objects::objects(&state, &namespace, &kind))
        }
    };
    if matches!(query.get("watch").map(String::as_str), Some("true" | "1")) {
        let from = query
            .get("resourceVersion")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        return watched(world, from, look);
    }
    let (version, items) = look();
    let (api_version, list) = list_of(&kind);
    let metadata = json!({ "resourceVersion": version.to_string() });
    Json(json!({ "apiVersion": api_version, "kind": list, "metadata": metadata, "items": items }))
        .into_response()
}

/// Events after a version: what came, changed, or went.
fn watched(
    world: &World,
    from: u64,
    look: impl Fn() -> (u64, Vec<Value>) + Send + 'static,
) -> Response {
    let name = |object: &Value| {
        object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let version = |object: &Value| {
        object["metadata"]["resourceVersion"]
            .as_str()
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    // What a client has listed is known; only what is newer is told.
    let mut known: BTreeMap<String, Value> = look()
        .1
        .into_iter()
        .filter(|object| version(object) <= from)
        .map(|object| (name(&object), object))
        .collect();
    if from < world.lock().removed {
        return expired();
    }
    let body = stream::after_each_change(world.subscribe(), move || {
        let now: BTreeMap<String, Value> = look()
            .1
            .into_iter()
            .map(|object| (name(&object), object))
            .collect();
        let mut text = String::new();
        for (name, object) in &now {
            match known.get(name) {
                None => text.push_str(&event("ADDED", object)),
                Some(before) if version(before) != version(object) => {
                    text.push_str(&event("MODIFIED", object))
                }
                Some(_) => {}
            }
        }
        known
            .iter()
            .filter(|(name, _)| !now.contains_key(*name))
            .for_each(|(_, object)| text.push_str(&event("DELETED", object)));
        known = now;
        text
    });
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// What went since then is not known any more: it has to be listed again, as a real server says at times.
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
        "message": message, "reason": "NotFound", "details": { "name": name, "kind": kind }, "code": 404,
    });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
