//! Argo CD's REST API: an application, its refresh, its events, its tree.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json, Router,
    body::Body,
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
        .route("/api/v1/applications/{name}", get(application))
        .route("/api/v1/applications/{name}/resource-tree", get(tree))
        .route("/api/v1/applications/{name}/resource", get(resource))
        .route("/api/v1/stream/applications", get(events))
        .with_state(world)
}

/// An application; with `refresh` after the next comparison, as the real server waits for it.
async fn application(
    State(world): State<World>,
    Path(name): Path<String>,
    Query(query): Parameters,
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

async fn tree(State(world): State<World>, Path(name): Path<String>) -> Response {
    let tree = world.lock().app(&name).map(|app| objects::tree(app));
    tree.map_or_else(|| missing(&name), |tree| Json(tree).into_response())
}

/// One object of the tree, as a text within the answer.
async fn resource(
    State(world): State<World>,
    Path(name): Path<String>,
    Query(query): Parameters,
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
async fn events(State(world): State<World>, Query(query): Parameters) -> Response {
    let name = query.get("name").cloned().unwrap_or_default();
    let fields: Vec<String> = query
        .get("fields")
        .iter()
        .flat_map(|all| all.split(','))
        .map(str::to_owned)
        .collect();
    let changes = world.subscribe();
    let mut last: Option<Value> = None;
    let body = stream::after_each_change(changes, move || {
        let kind = if last.is_none() { "ADDED" } else { "MODIFIED" };
        let Some(app) = shown(&world, &name) else {
            return String::new();
        };
        let frame = filtered(
            json!({ "result": { "type": kind, "application": app } }),
            "",
            &fields,
        );
        // Frames that are equal after filtering are sent once.
        if last
            .as_ref()
            .is_some_and(|last| last["result"]["application"] == frame["result"]["application"])
        {
            return String::new();
        }
        format!("data: {} \n\n", last.insert(frame))
    });
    event_stream(body)
}

/// Keeps what `fields` names, with what is below and above of it; everything without `fields`.
fn filtered(value: Value, path: &str, fields: &[String]) -> Value {
    let wanted = |path: &str| fields.is_empty() || fields.iter().any(|field| field == path);
    let leads = |path: &str| {
        fields
            .iter()
            .any(|field| field.starts_with(&format!("{path}.")))
    };
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter_map(|(name, value)| {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let value = if wanted(&path) {
                    Some(value)
                } else {
                    leads(&path).then(|| filtered(value, &path, fields))
                };
                Some((name, value?))
            });
            Value::Object(kept.collect())
        }
        other => other,
    }
}

fn event_stream(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn shown(world: &World, name: &str) -> Option<Value> {
    let mut state = world.lock();
    let remote = state.remote.to_string_lossy().into_owned();
    state
        .app(name)
        .map(|app| objects::application(app, &remote))
}

fn missing(name: &str) -> Response {
    let text = format!("applications.argoproj.io \"{name}\" not found");
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "error": text, "code": 5, "message": text })),
    )
        .into_response()
}
