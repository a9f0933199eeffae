//! Argo CD's own overrides of an overlay, which win over its `images`.

use branch::{TreeEntries, TreeEntry};

use crate::overlays::Overlay;

/// The file whose settings Argo CD lays over those of the application, in the same directory.
///
/// A file for one application, `.argocd-source-APP.yaml`, does the same; only a list of the directory
/// shows it.
const FILE: &str = ".argocd-source.yaml";

impl Overlay {
    /// Returns the path of the file with Argo CD's overrides; `None` for an overlay without a path.
    pub fn argocd_source(&self) -> Option<String> {
        let directory = self.directory()?;
        Some(match directory {
            "" => FILE.to_owned(),
            directory => format!("{directory}/{FILE}"),
        })
    }

    /// Returns a sentence about Argo CD's overrides if they name one of these images.
    pub fn argocd_notice<'n>(
        &self,
        entries: &TreeEntries,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        let path = self.argocd_source()?;
        let Some(TreeEntry::File { content, .. }) = entries.get(&path) else {
            return None;
        };
        let text = String::from_utf8_lossy(content);
        let is_named = |name: &str| text.lines().any(|line| names_image(line, name));
        let name = names.into_iter().find(|name| is_named(name))?;
        Some(format!(
            "`{path}` names `{name}`, too: Argo CD takes the image from there, whatever this overlay says"
        ))
    }
}

/// Returns whether an item of a list of images names this one: `NAME:TAG`, `NAME@DIGEST`, or
/// `NAME=OTHER:TAG`.
fn names_image(line: &str, name: &str) -> bool {
    let item = line.trim_start().strip_prefix('-').unwrap_or_default();
    let item = item.trim_start().trim_start_matches(['"', '\'']);
    let rest = item.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with([':', '@', '=']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(overlay: &str, path: &str, text: &str) -> Option<String> {
        let content = text.as_bytes().to_vec();
        let file = TreeEntry::File {
            content,
            executable: false,
        };
        let entries = TreeEntries::from([(path.to_owned(), file)]);
        let overlay = Overlay::all(&[overlay.to_owned()]).remove(0);
        overlay.argocd_notice(&entries, ["ghcr.io/acme/app"])
    }

    #[test]
    fn overrides_of_argo_cd_are_named_where_they_name_the_image() {
        let text = |item: &str| format!("kustomize:\n  images:\n  - {item}\n");
        for (item, is_named) in [
            ("ghcr.io/acme/app:v1", true),
            ("\"ghcr.io/acme/app@sha256:0\"", true),
            ("ghcr.io/acme/app=ghcr.io/acme/fork:v1", true),
            ("ghcr.io/acme/app-worker:v1", false),
            ("ghcr.io/acme/other:v1", false),
        ] {
            let notice = notice("prod", "prod/.argocd-source.yaml", &text(item));
            assert_eq!(notice.is_some(), is_named, "{item}");
        }
    }

    #[test]
    fn overrides_lie_next_to_the_kustomization() {
        let text = "kustomize:\n  images:\n    - ghcr.io/acme/app:v1\n";
        for (overlay, path) in [
            ("prod/kustomization.yaml", "prod/.argocd-source.yaml"),
            (".", ".argocd-source.yaml"),
        ] {
            let notice = notice(overlay, path, text).unwrap();
            assert!(notice.contains(path), "{notice}");
        }
        assert_eq!(notice("prod", "dev/.argocd-source.yaml", text), None);
    }
}
