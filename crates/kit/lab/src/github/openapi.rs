//! The description of the REST API that GitHub publishes: which operations there are, what one of
//! them answers with, and whether an answer is like that.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::published;

fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        serde_json::from_str(&published::openapi()).expect("GitHub's OpenAPI is JSON")
    })
}

/// An operation that a request is for.
#[derive(Debug)]
pub(super) struct RestOperation {
    /// Its path, as it is published (`/repos/{owner}/{repo}`).
    pub(super) template: &'static str,
    parts: Vec<(&'static str, String)>,
    content: &'static Value,
}

/// Finds the operation, or says what is wrong with the request.
pub(super) fn operation(method: &str, target: &str) -> Result<RestOperation, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let paths = description()["paths"].as_object().ok_or("no paths")?;
    let found = paths
        .iter()
        .find_map(|(template, item)| Some((template, item, parts(template, path)?)));
    let (template, item, parts) = found.ok_or_else(|| format!("GitHub has no {path}"))?;
    let operation = &item[method.to_ascii_lowercase()];
    if operation.is_null() {
        return Err(format!("GitHub has no {method} {template}"));
    }
    let known: Vec<&str> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(resolve)
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let names = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split('=').next().unwrap_or(pair));
    if let Some(unknown) = names.into_iter().find(|name| !known.contains(name)) {
        return Err(format!("{method} {template} has no parameter `{unknown}`"));
    }
    let responses = &operation["responses"];
    let good = ["200", "201"].map(|status| &responses[status]);
    let good = good.into_iter().find(|response| !response.is_null());
    let content = good.map_or(
        &Value::Null,
        |good| &resolve(good)["content"]["application/json"],
    );
    Ok(RestOperation {
        template,
        parts,
        content,
    })
}

/// Returns the parts of a path that a template leaves open, if it fits.
fn parts(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let mut parts = Vec::new();
    for (wanted, given) in wanted.iter().zip(&given) {
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => parts.push((name, (*given).to_owned())),
            None if wanted == given => {}
            None => return None,
        }
    }
    (wanted.len() == given.len()).then_some(parts)
}

impl RestOperation {
    /// Returns the request's value of a variable part of the path.
    pub(super) fn part(&self, name: &str) -> &str {
        self.parts
            .iter()
            .find(|(part, _)| *part == name)
            .map_or("", |(_, text)| text)
    }

    /// Returns the published example of an answer, with these values in it.
    pub(super) fn example(&self, values: &Value) -> Value {
        let examples = self.content["examples"].as_object();
        let example = examples
            .and_then(|examples| examples.values().next())
            .map(resolve);
        let mut body = example
            .map(|example| example["value"].clone())
            .unwrap_or_default();
        merge(&mut body, values);
        body
    }

    /// Returns how an answer differs from the published schema, if it does.
    pub(super) fn wrong(&self, body: &Value) -> Option<String> {
        let wrong = check(&self.content["schema"], body, "")?;
        Some(format!("an answer of {}: {wrong}", self.template))
    }
}

fn merge(body: &mut Value, values: &Value) {
    match (body, values) {
        (Value::Object(body), Value::Object(values)) => {
            for (key, value) in values {
                merge(body.entry(key).or_insert(Value::Null), value);
            }
        }
        (body, value) => *body = value.clone(),
    }
}

/// Follows a reference within the description.
fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => resolve(
            description()
                .pointer(pointer.trim_start_matches('#'))
                .unwrap_or(&Value::Null),
        ),
        None => value,
    }
}

/// Returns the first place where a value is not as its schema says (OpenAPI 3.0, structure and
/// types).
fn check(schema: &'static Value, value: &Value, at: &str) -> Option<String> {
    let schema = resolve(schema);
    if value.is_null() && schema["nullable"] == true {
        return None;
    }
    let list = |key: &str| schema[key].as_array();
    if let Some(wrong) = list("allOf")
        .into_iter()
        .flatten()
        .find_map(|part| check(part, value, at))
    {
        return Some(wrong);
    }
    for key in ["anyOf", "oneOf"] {
        if list(key).is_some_and(|any| any.iter().all(|one| check(one, value, at).is_some())) {
            return Some(format!("{at}: {value} is none of {key}"));
        }
    }
    if list("enum").is_some_and(|values| !values.contains(value)) {
        return Some(format!("{at}: {value} is not one of {}", schema["enum"]));
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    if !fits {
        return Some(format!("{at}: {value} is not a {}", schema["type"]));
    }
    match value {
        Value::Array(items) => items
            .iter()
            .find_map(|item| check(&schema["items"], item, &format!("{at}[]"))),
        Value::Object(fields) => check_fields(schema, fields, at),
        _ => None,
    }
}

fn check_fields(schema: &'static Value, fields: &Map<String, Value>, at: &str) -> Option<String> {
    let required = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    if let Some(missing) = required
        .into_iter()
        .find(|name| !fields.contains_key(*name))
    {
        return Some(format!("{at}: there is no `{missing}`"));
    }
    let properties = schema["properties"].as_object();
    properties.into_iter().flatten().find_map(|(name, schema)| {
        fields
            .get(name)
            .and_then(|value| check(schema, value, &format!("{at}.{name}")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_github_has_not_published_is_found() {
        assert!(
            operation("GET", "/repos/a/b/pull/1")
                .unwrap_err()
                .contains("GitHub has no /repos/a/b/pull/1")
        );
        assert!(operation("PUT", "/repos/a/b/pulls/1").is_err());
        assert!(
            operation("GET", "/repos/a/b/compare/x...y?pages=1")
                .unwrap_err()
                .contains("`pages`")
        );
        let pull = operation("GET", "/repos/a/b/pulls/1").unwrap();
        let good = json!({ "number": 7, "requested_teams": [] });
        assert_eq!(
            (pull.part("repo"), pull.wrong(&pull.example(&good))),
            ("b", None)
        );
        assert!(
            pull.wrong(&pull.example(&json!({ "number": "7" })))
                .unwrap()
                .contains(".number")
        );
        assert!(pull.wrong(&json!({})).unwrap().contains("there is no"));
    }
}
