//! Transformers of a kustomization that change images after `images` has.

use crate::ImageUpdate;
use crate::document::{NodeKind, YamlDocument, YamlNode};
use crate::refusal::{EditRefusal, EditRefusalKind};

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
    let NodeKind::Sequence { items, .. } = &transformers.kind else {
        return Ok(());
    };
    for item in items {
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
