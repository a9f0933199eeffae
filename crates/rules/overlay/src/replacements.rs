//! Replacements of a kustomization, which copy values into fields after `images` has set them.

use crate::document::{NodeKind, YamlNode};

/// Parts of a manifest that contain the image of a container.
const AROUND_IMAGES: [&str; 6] = [
    "containers",
    "initContainers",
    "ephemeralContainers",
    "spec",
    "template",
    "jobTemplate",
];

/// A list of containers, of which a path names one.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Returns what a list of replacements may set the image with, each with its line: files of
/// replacements, and fields that hold an image.
pub(crate) fn setting_images(replacements: &YamlNode<'_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for replacement in items(replacements) {
        if let Some(path) = replacement.get("path") {
            let path = path.scalar().unwrap_or_default();
            found.push((replacement.line, format!("the replacements of `{path}`")));
        }
        for target in replacement.get("targets").into_iter().flat_map(items) {
            let fields = target.get("fieldPaths").into_iter().flat_map(items);
            let set = fields.filter(|field| field.scalar().is_some_and(may_set_image));
            found.extend(set.map(|field| {
                let path = field.scalar().unwrap_or_default();
                (field.line, format!("the replacement of `{path}`"))
            }));
        }
    }
    found
}

pub(crate) fn items<'n, 't>(node: &'n YamlNode<'t>) -> &'n [YamlNode<'t>] {
    match &node.kind {
        NodeKind::Sequence { items, .. } => items,
        _ => &[],
    }
}

/// Whether the field of a path is an image, or contains one.
fn may_set_image(path: &str) -> bool {
    let mut parts = path.rsplit('.');
    let (last, before) = (parts.next().unwrap_or_default(), parts.next());
    last == "image"
        || AROUND_IMAGES.contains(&last)
        || before.is_some_and(|list| CONTAINERS.contains(&list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_with_an_image_count() {
        for (path, expected) in [
            ("spec.template.spec.containers.[name=app].image", true),
            ("spec.template.spec.containers.*.image", true),
            ("spec.template.spec.initContainers.0", true),
            ("spec.template.spec.containers", true),
            ("spec.template", true),
            (
                "spec.template.spec.containers.[name=app].env.[name=A].value",
                false,
            ),
            (
                "spec.template.spec.containers.[name=app].imagePullPolicy",
                false,
            ),
            ("spec.replicas", false),
            ("metadata.name", false),
            ("data.image_tag", false),
        ] {
            assert_eq!(may_set_image(path), expected, "{path}");
        }
    }
}
