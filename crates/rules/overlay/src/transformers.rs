//! Transformers of a kustomization that change images after `images` has.

use crate::ImageUpdate;
use crate::document::{YamlDocument, YamlNode};
use crate::locate::is_pattern;
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::replacements::{items, setting_images};

/// Built-in transformers that set no image.
const HARMLESS: [&str; 9] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PrefixTransformer",
    "PrefixSuffixTransformer",
    "ReplicaCountTransformer",
    "SortOrderTransformer",
    "SuffixTransformer",
];

/// Built-in transformers that set an image only where their text says so.
const PATCHES: [&str; 3] = [
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
];

/// Refuses an update of an image that an inline transformer sets: kustomize applies `transformers`
/// after `images` (`runTransformers` in its `api/internal/target`), so the entry would have no
/// effect.
pub(crate) fn overrides_none(
    document: &YamlDocument<'_>,
    updates: &[ImageUpdate],
) -> Result<(), EditRefusal> {
    let Some(transformers) = document
        .root
        .as_ref()
        .and_then(|root| root.get("transformers"))
    else {
        return Ok(());
    };
    for item in items(transformers) {
        let Some(image) = item.scalar().and_then(image_of) else {
            continue;
        };
        if let Some(update) = updates
            .iter()
            .find(|update| update.names_repository(&image))
        {
            return Err(overridden(item, update, &image));
        }
    }
    Ok(())
}

/// Returns the image that an inline `ImageTagTransformer` sets; `None` for another transformer, and
/// for the path of one.
fn image_of(transformer: &str) -> Option<String> {
    let document = YamlDocument::parse(transformer.as_bytes()).ok()?;
    let root = document.root?;
    let is_image = root.get("kind")?.scalar()? == "ImageTagTransformer";
    let name = root.get("imageTag")?.get("name")?.scalar()?;
    is_image.then(|| name.to_owned())
}

/// Returns a notice for everything that may set an image after `images` has, as far as the text
/// alone shows: whether a file of transformers does is in that file.
pub(crate) fn notices(document: &YamlDocument<'_>) -> Vec<String> {
    let Some(root) = &document.root else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(replacements) = root.get("replacements") {
        found.extend(setting_images(replacements));
    }
    for item in root.get("transformers").into_iter().flat_map(items) {
        let setter = item.scalar().and_then(setter);
        found.extend(setter.map(|setter| (item.line, setter)));
    }
    let notice = |(line, setter)| {
        format!("line {line}: the image may also be set by {setter}, after `images`")
    };
    found.into_iter().map(notice).collect()
}

/// Returns what may set an image, in the words of a notice: the path of a transformer, or an inline
/// one.
fn setter(transformer: &str) -> Option<String> {
    let is_inline = transformer.contains(": ") || transformer.contains(":\n");
    if !is_inline {
        return Some(format!("the transformer `{}`", transformer.trim()));
    }
    let inline = || Some("this transformer".to_owned());
    let Some(root) = YamlDocument::parse(transformer.as_bytes())
        .ok()
        .and_then(|document| document.root)
    else {
        return inline();
    };
    let kind = root.get("kind").and_then(YamlNode::scalar);
    let kind = kind.unwrap_or_default();
    match kind {
        // An image of this very name is refused, and one of another name has its own version.
        "ImageTagTransformer" => image_of(transformer)
            .filter(|name| is_pattern(name))
            .and_then(|_| inline()),
        "ReplacementTransformer" => {
            let replacements = root.get("replacements");
            let set = replacements.is_some_and(|list| !setting_images(list).is_empty());
            if set { inline() } else { None }
        }
        kind if HARMLESS.contains(&kind) => None,
        kind if PATCHES.contains(&kind) => {
            let has_file = root.get("path").is_some() || root.get("paths").is_some();
            let names_image = transformer.contains("image");
            if has_file || names_image {
                inline()
            } else {
                None
            }
        }
        _ => inline(),
    }
}

fn overridden(item: &YamlNode<'_>, update: &ImageUpdate, image: &str) -> EditRefusal {
    let message = format!(
        "the ImageTagTransformer for `{image}` runs after `images`, so no entry for `{}` has an \
         effect",
        update.entry_name()
    );
    EditRefusalKind::Shadowed
        .because(message)
        .at(item.line)
        .hint("remove the transformer, and let an entry of `images` set the version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EditOptions, edit};

    fn edited(transformers: &str, create: bool) -> Result<String, EditRefusal> {
        let images = if create {
            ""
        } else {
            "images:\n- name: ghcr.io/acme/app\n  newTag: v1\n"
        };
        let text = format!("resources: [../base]\n{images}{transformers}");
        let update = ImageUpdate {
            names: vec!["ghcr.io/acme/app".to_owned()],
            tag: Some("v2".to_owned()),
            ..ImageUpdate::default()
        };
        let options = EditOptions {
            create,
            ..EditOptions::default()
        };
        let result = edit(text.as_bytes(), &[update], &options)?;
        Ok(String::from_utf8(result.text).unwrap())
    }

    fn inline(kind: &str, image: &str) -> String {
        format!(
            "transformers:\n- labels.yaml\n- |-\n  apiVersion: builtin\n  kind: {kind}\n  \
             metadata: {{name: x}}\n  imageTag:\n    name: {image}\n    newTag: v1\n"
        )
    }

    #[test]
    fn an_entry_without_effect_is_refused() {
        for create in [true, false] {
            let refusal = edited(&inline("ImageTagTransformer", "ghcr.io/acme/app"), create);
            let refusal = refusal.unwrap_err();
            assert_eq!(refusal.kind, EditRefusalKind::Shadowed);
            assert!(!refusal.hint.unwrap().contains("--create"));
        }
        let missing = edited(&inline("ImageTagTransformer", "ghcr.io/acme/app"), false);
        assert!(missing.unwrap_err().line.is_some());
    }

    fn said(rest: &str) -> Vec<String> {
        let text = format!("images:\n- name: ghcr.io/acme/app\n  newTag: v1\n{rest}");
        let update = |tag: &str| ImageUpdate {
            names: vec!["ghcr.io/acme/app".to_owned()],
            tag: Some(tag.to_owned()),
            ..ImageUpdate::default()
        };
        let edited = |tag| edit(text.as_bytes(), &[update(tag)], &EditOptions::default()).unwrap();
        assert!(
            edited("v1").entries[0].notices.is_empty(),
            "nothing is written"
        );
        edited("v2").entries.remove(0).notices
    }

    fn replacement(field: &str) -> String {
        format!(
            "replacements:\n- source: {{kind: ConfigMap, name: x, fieldPath: data.image}}\n  \
             targets:\n  - select: {{kind: Deployment}}\n    fieldPaths:\n    - {field}\n"
        )
    }

    fn transformer(kind: &str, rest: &str) -> String {
        format!(
            "transformers:\n- |-\n  apiVersion: builtin\n  kind: {kind}\n  \
             metadata: {{name: x}}\n  {rest}\n"
        )
    }

    #[test]
    fn what_may_set_the_image_later_is_said() {
        let url = "https://example.com/x//y?ref=v1";
        let container = "spec.template.spec.containers.[name=app].image";
        let patch = "patch: '[{op: replace, path: /spec/image, value: a}]'";
        for (text, line, setter) in [
            (
                "transformers: [tag.yaml]\n".to_owned(),
                4,
                "the transformer `tag.yaml`".to_owned(),
            ),
            (
                format!("transformers:\n- {url}\n"),
                5,
                format!("the transformer `{url}`"),
            ),
            (
                "replacements:\n- path: r.yaml\n".to_owned(),
                5,
                "the replacements of `r.yaml`".to_owned(),
            ),
            (
                replacement(container),
                9,
                format!("the replacement of `{container}`"),
            ),
        ] {
            let expected =
                format!("line {line}: the image may also be set by {setter}, after `images`");
            assert_eq!(said(&text), [expected], "{text}");
        }
        for text in [
            transformer("PatchTransformer", "path: p.yaml"),
            transformer("PatchTransformer", patch),
            transformer("SetImages", "value: x"),
            transformer("ImageTagTransformer", "imageTag: {name: ghcr.io/.*}"),
        ] {
            let notices = said(&text).join("\n");
            assert!(
                notices.contains("line 6: ") && notices.contains("this transformer"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_sets_no_image_is_not_said() {
        for text in [
            replacement("spec.template.metadata.labels.app"),
            transformer(
                "PatchTransformer",
                "patch: '[{op: add, path: /spec/replicas, value: 2}]'",
            ),
            transformer("LabelTransformer", "labels: {image: x}"),
            transformer(
                "ImageTagTransformer",
                "imageTag: {name: ghcr.io/acme/other}",
            ),
            "replacements: []\ntransformers:\n".to_owned(),
        ] {
            assert!(said(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn other_transformers_do_not_matter() {
        for (kind, image) in [
            ("ImageTagTransformer", "ghcr.io/acme/other"),
            ("LabelTransformer", "ghcr.io/acme/app"),
        ] {
            assert!(edited(&inline(kind, image), true).is_ok(), "{kind} {image}");
        }
        assert!(edited("transformers: [labels.yaml]\n", false).is_ok());
        assert!(edited("transformers:\n", false).is_ok());
    }
}
