//! Reads the images out of rendered manifests.

use serde_json::Value;

/// Returns the images of all containers, wherever a manifest has the template of a pod.
pub(super) fn container_images(manifests: &[Value]) -> Vec<String> {
    let mut images = Vec::new();
    for manifest in manifests {
        collect(manifest, &mut images);
    }
    images
}

fn collect(value: &Value, images: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "containers" | "initContainers") {
                    let containers = value.as_array().into_iter().flatten();
                    let found = containers.filter_map(|container| container["image"].as_str());
                    images.extend(found.map(str::to_owned));
                } else {
                    collect(value, images);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, images)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_found_in_any_template() {
        let template = json!({
            "initContainers": [{ "image": "a:1" }],
            "containers": [{ "image": "b:2" }, { "name": "c" }],
        });
        let job = json!({ "spec": { "template": { "spec": template } } });
        let manifests = [
            json!({ "kind": "CronJob", "spec": { "jobTemplate": job } }),
            json!({ "kind": "ConfigMap", "data": { "image": "c:3" } }),
        ];
        let mut images = container_images(&manifests);
        images.sort_unstable();
        assert_eq!(images, ["a:1", "b:2"]);
    }
}
