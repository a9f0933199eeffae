//! The template of a ReplicaSet, reduced to what tells it from the template of another revision.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A template, without the texts of its fields: a namespace may keep thousands of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateSketch {
    /// The objects that have to exist before its pods can start.
    pub references: Vec<TemplateReference>,
    /// Equal for two templates that differ in nothing but images.
    pub shape: u64,
}

/// An object that a template names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateReference {
    /// `Secret`, `ConfigMap`, `ServiceAccount`, `PriorityClass`, `RuntimeClass`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The key that is read from it, if only one is.
    pub key: Option<String>,
}

impl<'de> Deserialize<'de> for TemplateSketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::of)
    }
}

impl TemplateSketch {
    fn of(template: Value) -> Self {
        Self {
            references: references(&template["spec"]),
            shape: shape(template),
        }
    }
}

const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

fn references(spec: &Value) -> Vec<TemplateReference> {
    let of_pod = [
        ("ServiceAccount", &spec["serviceAccountName"]),
        ("PriorityClass", &spec["priorityClassName"]),
        ("RuntimeClass", &spec["runtimeClassName"]),
    ];
    let mut found: Vec<TemplateReference> = of_pod
        .into_iter()
        .filter_map(|(kind, name)| reference(kind, name, &Value::Null))
        .collect();
    let containers = CONTAINERS.iter().flat_map(|list| items(&spec[*list]));
    for container in containers {
        for variable in items(&container["env"]) {
            let from = &variable["valueFrom"];
            let (secret, map) = (&from["secretKeyRef"], &from["configMapKeyRef"]);
            found.extend(reference("Secret", &secret["name"], &secret["key"]));
            found.extend(reference("ConfigMap", &map["name"], &map["key"]));
        }
        for source in items(&container["envFrom"]) {
            found.extend(reference(
                "Secret",
                &source["secretRef"]["name"],
                &Value::Null,
            ));
            found.extend(reference(
                "ConfigMap",
                &source["configMapRef"]["name"],
                &Value::Null,
            ));
        }
    }
    found
}

fn reference(kind: &'static str, name: &Value, key: &Value) -> Option<TemplateReference> {
    Some(TemplateReference {
        kind,
        name: name.as_str()?.to_owned(),
        key: key.as_str().map(str::to_owned),
    })
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Hashes everything but the images, and the marks of a controller and of `kubectl rollout restart`.
fn shape(mut template: Value) -> u64 {
    for list in CONTAINERS {
        let containers = template["spec"][list].as_array_mut();
        for container in containers.into_iter().flatten() {
            remove(container, "image");
        }
    }
    remove(&mut template["metadata"], "creationTimestamp");
    remove(&mut template["metadata"]["labels"], "pod-template-hash");
    let annotations = &mut template["metadata"]["annotations"];
    remove(annotations, "kubectl.kubernetes.io/restartedAt");
    if annotations
        .as_object()
        .is_some_and(serde_json::Map::is_empty)
    {
        *annotations = Value::Null;
    }
    let mut hasher = DefaultHasher::new();
    template.to_string().hash(&mut hasher);
    hasher.finish()
}

fn remove(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(image: &str, hash: &str, env: &Value) -> Value {
        json!({
            "metadata": { "labels": { "app": "dex", "pod-template-hash": hash } },
            "spec": { "containers": [{ "name": "dex", "image": image, "env": env }] },
        })
    }

    fn sketch(template: Value) -> TemplateSketch {
        serde_json::from_value(template).unwrap()
    }

    #[test]
    fn images_and_marks_do_not_change_the_shape() {
        let before = sketch(template("dex:v1", "a", &json!([])));
        let mut restarted = template("dex:v2", "b", &json!([]));
        restarted["metadata"]["annotations"] =
            json!({ "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" });
        assert_eq!(before.shape, sketch(restarted).shape);
        let other = template("dex:v1", "a", &json!([{ "name": "A", "value": "b" }]));
        assert_ne!(before.shape, sketch(other).shape);
    }

    #[test]
    fn objects_that_have_to_exist_are_known() {
        let env = json!([
            { "name": "A", "value": "b" },
            { "name": "URL", "valueFrom": { "secretKeyRef": { "name": "db", "key": "url" } } },
            { "name": "L", "valueFrom": { "configMapKeyRef": { "name": "dex", "key": "level" } } },
        ]);
        let mut template = template("dex:v1", "a", &env);
        template["spec"]["serviceAccountName"] = json!("dex");
        template["spec"]["initContainers"] =
            json!([{ "envFrom": [{ "secretRef": { "name": "all" } }] }]);
        let found = sketch(template).references;
        let found: Vec<(&str, &str, Option<&str>)> = found
            .iter()
            .map(|found| (found.kind, found.name.as_str(), found.key.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("ServiceAccount", "dex", None),
                ("Secret", "all", None),
                ("Secret", "db", Some("url")),
                ("ConfigMap", "dex", Some("level")),
            ]
        );
    }
}
