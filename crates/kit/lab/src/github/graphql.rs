//! GraphQL, executed against the schema that GitHub publishes.

use std::sync::OnceLock;

use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use super::error::split;
use super::hub::Hub;
use super::objects::GraphQlObject;
use super::published;
use super::token::GitHubToken;
use crate::faulty::{ScriptedReply, SeenRequest};

fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        Schema::parse_and_validate(published::schema(), "schema.graphql")
            .unwrap_or_else(|error| panic!("GitHub's schema: {error}"))
    })
}

pub(super) fn answer(hub: &Hub, token: &GitHubToken, seen: &SeenRequest) -> ScriptedReply {
    match execute(hub, token, seen) {
        Ok(answer) => ScriptedReply::json(200, &answer),
        Err(complaint) => {
            hub.complain(format!("{}: {complaint}", title(seen)));
            ScriptedReply::json(200, &json!({ "errors": [{ "message": complaint }] }))
        }
    }
}

fn execute(hub: &Hub, token: &GitHubToken, seen: &SeenRequest) -> Result<Value, String> {
    let request: Value = serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
    let query = request["query"].as_str().ok_or("there is no `query`")?;
    let document = ExecutableDocument::parse_and_validate(schema(), query, "document.graphql")
        .map_err(|error| error.to_string())?;
    let variables: JsonMap =
        serde_json::from_value(request["variables"].clone()).map_err(|error| error.to_string())?;
    let operation = document
        .operations
        .get(None)
        .map_err(|error| error.message().to_string())?;
    let root = GraphQlObject::root(hub, token, operation.is_mutation());
    let execution = Execution::new(schema(), &document).raw_variable_values(&variables);
    let answer = execution
        .execute_sync(&root)
        .map_err(|error| error.message().to_string())?;
    let mut answer = serde_json::to_value(answer).map_err(|error| error.to_string())?;
    let errors = answer.get_mut("errors").and_then(Value::as_array_mut);
    for error in errors.into_iter().flatten() {
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        let (kind, text) = split(&message).ok_or(message.clone())?;
        error["type"] = kind.into();
        error["message"] = text.into();
    }
    Ok(answer)
}

/// Returns whether a request is to change something.
pub(super) fn is_change(seen: &SeenRequest) -> bool {
    document(seen).is_some_and(|document| document.starts_with("mutation"))
}

/// Returns a short title of a request.
pub(super) fn title(seen: &SeenRequest) -> String {
    match document(seen) {
        Some(document) => document
            .split(['(', '{'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        None => format!("{} {}", seen.method, seen.path),
    }
}

fn document(seen: &SeenRequest) -> Option<String> {
    let request: Value = serde_json::from_slice(&seen.body).ok()?;
    Some(request["query"].as_str()?.to_owned())
}
