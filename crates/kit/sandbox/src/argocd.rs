//! Argo CD's REST API: an application, its refresh, its events, its tree.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Map, Value, json};

use crate::{application, objects, query::QueryParameters, state::SandboxWorld, stream};

pub(crate) fn router(world: SandboxWorld) -> Router {
    Router::new()
        .route("/api/v1/applications/{name}", get(get_application))
        .route("/api/v1/applications/{name}/resource-tree", get(tree))
        .route("/api/v1/applications/{name}/resource", get(resource))
        .route("/api/v1/stream/applications", get(events))
        .with_state(world)
}

/// An application; with `refresh` after the next comparison, as the real server waits for it.
async fn get_application(
    State(world): State<SandboxWorld>,
    Path(name): Path<String>,
    Query(query): QueryParameters,
) -> Response {
    if query.contains_key("refresh") {
        let mut changes = world.subscribe();
        if let Some(app) = world.lock().app(&name) {
            app.refresh = true;
        }
        while world.lock().app(&name).is_some_and(|app| app.refresh) {
            let _ = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
        }
    }
    shown(&world, &name).map_or_else(|| missing(&name), |app| Json(app).into_response())
}

async fn tree(State(world): State<SandboxWorld>, Path(name): Path<String>) -> Response {
    let tree = world.lock().app(&name).map(|app| application::tree(app));
    tree.map_or_else(|| missing(&name), |tree| Json(tree).into_response())
}

/// One object of the tree, as a text within the answer.
async fn resource(
    State(world): State<SandboxWorld>,
    Path(name): Path<String>,
    Query(query): QueryParameters,
) -> Response {
    let asked = |key: &str| query.get(key).map(String::as_str).unwrap_or_default();
    let kind = format!("{}s", asked("kind").to_ascii_lowercase());
    let found = objects::objects(&world.lock(), &name, &kind);
    let found = found
        .into_iter()
        .find(|object| object["metadata"]["name"] == asked("resourceName"));
    found.map_or_else(
        || missing(asked("resourceName")),
        |object| Json(json!({ "manifest": object.to_string() })).into_response(),
    )
}

/// Server-sent events: the application now, and after every change.
async fn events(State(world): State<SandboxWorld>, Query(query): QueryParameters) -> Response {
    let name = query.get("name").cloned().unwrap_or_default();
    let fields = query.get("fields").map(String::as_str).unwrap_or_default();
    let fields: Vec<String> = fields.split_terminator(',').map(str::to_owned).collect();
    let changes = world.subscribe();
    let mut last = Value::Null;
    let body = stream::after_each_change(changes, move || {
        let Some(app) = shown(&world, &name) else {
            return String::new();
        };
        let kind = if last.is_null() { "ADDED" } else { "MODIFIED" };
        let result = json!({ "result": { "type": kind, "application": app } });
        let frame = filtered(result, "", &fields);
        // Frames that are equal after filtering are sent once.
        if last["result"]["application"] == frame["result"]["application"] && !last.is_null() {
            return String::new();
        }
        last = frame;
        format!("data: {last} \n\n")
    });
    event_stream(body)
}

/// Keeps the fields that `fields` names, with everything above and below them; all without
/// `fields`.
fn filtered(value: Value, path: &str, fields: &[String]) -> Value {
    let Value::Object(object) = value else {
        return value;
    };
    let mut kept = Map::new();
    for (name, value) in object {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let below = format!("{path}.");
        if fields.is_empty() || fields.contains(&path) {
            kept.insert(name, value);
        } else if fields.iter().any(|field| field.starts_with(&below)) {
            kept.insert(name, filtered(value, &path, fields));
        }
    }
    Value::Object(kept)
}

fn event_stream(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn shown(world: &SandboxWorld, name: &str) -> Option<Value> {
    let mut state = world.lock();
    let remote = state.remote.to_string_lossy().into_owned();
    state
        .app(name)
        .map(|app| application::application(app, &remote))
}

fn missing(name: &str) -> Response {
    let text = format!("applications.argoproj.io \"{name}\" not found");
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "error": text, "code": 5, "message": text })),
    )
        .into_response()
}
