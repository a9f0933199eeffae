//! Which file an overlay is: the only place that knows the names of a kustomization.

use std::collections::BTreeSet;

use branch::{MAX_FILE_SIZE, TreeEntries, TreeEntry};
use contract::Reason;

use crate::{
    EditRefusal,
    reasons::{AMBIGUOUS, OVERLAY_MISSING, UNSUPPORTED_YAML},
};

/// The names that a kustomization may have; two of them in one directory are an error.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Why an overlay is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayRefusal {
    /// The word for reports.
    pub reason: Reason,
    /// What is there, file and line included where they are known.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl OverlayRefusal {
    /// Refuses without a hint.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            hint: None,
        }
    }

    /// Says of which file the editor refused an edit.
    pub fn of_edit(path: &str, refusal: &EditRefusal) -> Self {
        Self {
            reason: refusal.kind.reason(),
            message: format!("`{path}`: {refusal}"),
            hint: refusal.hint.clone(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An overlay as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// As given.
    pub name: String,
    /// Its path from the root, or why it has none.
    path: Result<String, &'static str>,
}

impl Overlay {
    /// Returns the overlays in the order given, each once.
    pub fn all(given: &[String]) -> Vec<Self> {
        let mut overlays: Vec<Self> = Vec::new();
        for name in given {
            let overlay = Self {
                name: name.clone(),
                path: normal(name),
            };
            let known = overlays
                .iter()
                .any(|other| other.path.is_ok() && other.path == overlay.path);
            if !known {
                overlays.push(overlay);
            }
        }
        overlays
    }

    /// Returns their directories, each once, in the order of the alphabet.
    pub fn directories(overlays: &[Self]) -> Vec<String> {
        let directories: BTreeSet<&str> = overlays.iter().filter_map(Self::directory).collect();
        directories.into_iter().map(str::to_owned).collect()
    }

    /// Returns every path that may be its file: itself, and the names that kustomize knows.
    pub fn paths(&self) -> Vec<String> {
        let Ok(path) = &self.path else {
            return Vec::new();
        };
        let inside = KUSTOMIZATIONS.map(|name| join(path, name));
        [path.clone()].into_iter().chain(inside).collect()
    }

    /// Returns its directory, however it was named; `None` when it has no path.
    pub fn directory(&self) -> Option<&str> {
        self.path.as_deref().ok().map(without_file)
    }

    /// Returns its file and what is in there.
    ///
    /// # Errors
    /// When there is none, or more than one could be meant.
    pub fn file<'e>(&self, entries: &'e TreeEntries) -> Result<(String, &'e [u8]), OverlayRefusal> {
        let path = self
            .path
            .as_ref()
            .map_err(|why| missing(*why).hint(FROM_THE_ROOT))?;
        let entry = |path: &str| entries.get(path).unwrap_or(&TreeEntry::Missing);
        match entry(path) {
            TreeEntry::Directory => {
                let names = KUSTOMIZATIONS.into_iter();
                let there: Vec<&str> = names
                    .filter(|name| *entry(&join(path, name)) != TreeEntry::Missing)
                    .collect();
                let name = only(&there)?;
                let path = join(path, name);
                content(&path, entry(&path)).map(|content| (path, content))
            }
            found => content(path, found).map(|content| (path.clone(), content)),
        }
    }
}

const FROM_THE_ROOT: &str =
    "pass `--overlay` from the root of the repository, such as `infra/argocd/overlays/prod`";

/// Returns the path without `./` and double slashes.
fn normal(given: &str) -> Result<String, &'static str> {
    if given.starts_with('/') {
        return Err("it is an absolute path");
    }
    if given.split('/').any(|part| part == "..") {
        return Err("it leads out of where it starts, by `..`");
    }
    Ok(simplified(given))
}

fn simplified(path: &str) -> String {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

fn without_file(path: &str) -> &str {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    if is_kustomization(name) {
        directory
    } else {
        path
    }
}

/// Returns the directory that a path names, itself or by its kustomization, without `./`, double slashes
/// and slashes at either end: two paths of one repository with the same directory are the same overlay.
pub fn directory_of(path: &str) -> String {
    without_file(&simplified(path)).to_owned()
}

/// Returns whether a file of this name is a kustomization.
pub fn is_kustomization(name: &str) -> bool {
    KUSTOMIZATIONS.contains(&name)
}

/// kustomize takes exactly one of its names.
fn only<'n>(there: &[&'n str]) -> Result<&'n str, OverlayRefusal> {
    let names = KUSTOMIZATIONS.join(", ");
    match there {
        [one] => Ok(one),
        [] => Err(missing(format!(
            "the directory has no kustomization ({names})"
        ))),
        several => {
            let message = format!(
                "the directory has {}, kustomize takes only one",
                several.join(" and ")
            );
            Err(OverlayRefusal::new(AMBIGUOUS, message).hint("remove all but one"))
        }
    }
}

fn content<'e>(path: &str, entry: &'e TreeEntry) -> Result<&'e [u8], OverlayRefusal> {
    Err(match entry {
        TreeEntry::File { content, .. } => return Ok(content),
        TreeEntry::TooLarge => {
            let message = format!(
                "`{path}`: it has more than the {} MiB that are read",
                MAX_FILE_SIZE >> 20
            );
            OverlayRefusal::new(UNSUPPORTED_YAML, message)
                .hint("name a kustomization, which has a few kilobytes")
        }
        TreeEntry::Missing => missing("there is no such directory or file").hint(FROM_THE_ROOT),
        TreeEntry::Directory => missing("it is a directory where a file should be"),
        TreeEntry::Link { at } => {
            missing(format!("`{at}` is a symbolic link, which is not followed"))
                .hint("name the place that it points to")
        }
        TreeEntry::Submodule { at } => missing(format!(
            "`{at}` is a submodule: its files belong to another repository"
        ))
        .hint("name that repository with `--remote`"),
    })
}

fn missing(message: impl Into<String>) -> OverlayRefusal {
    OverlayRefusal::new(OVERLAY_MISSING, message)
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// Returns the environment's name, by custom: the directory that the file is in.
pub fn environment(file: &str) -> &str {
    let mut parts = file.rsplit('/');
    parts.nth(1).unwrap_or(file)
}

/// Returns each item once, in the given order.
pub fn unique<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut unique = Vec::new();
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(given: &str, there: &[(&str, TreeEntry)]) -> Result<String, String> {
        let entries = there
            .iter()
            .map(|(path, entry)| ((*path).to_owned(), entry.clone()))
            .collect();
        let overlay = Overlay::all(&[given.to_owned()]).remove(0);
        overlay
            .file(&entries)
            .map(|(path, _)| path)
            .map_err(|refused| format!("{} {}", refused.reason, refused.message))
    }

    fn file() -> TreeEntry {
        TreeEntry::File {
            content: Vec::new(),
            executable: false,
        }
    }

    #[test]
    fn a_directory_is_its_only_kustomization_whatever_it_is_called() {
        for name in KUSTOMIZATIONS {
            let path = format!("a/b/{name}");
            assert_eq!(
                found("./a//b/", &[("a/b", TreeEntry::Directory), (&path, file())]),
                Ok(path.clone())
            );
            assert_eq!(found(&path, &[(&path, file())]), Ok(path.clone()));
        }
    }

    #[test]
    fn two_kustomizations_are_ambiguous_and_none_is_missing() {
        let two = [
            ("a", TreeEntry::Directory),
            ("a/kustomization.yaml", file()),
            ("a/Kustomization", file()),
        ];
        assert!(
            found("a", &two)
                .unwrap_err()
                .starts_with("ambiguous the directory has kustomization.yaml and Kus")
        );
        assert!(
            found("a", &two[..1])
                .unwrap_err()
                .starts_with("overlay-missing the directory has no kust")
        );
    }

    #[test]
    fn what_leads_elsewhere_is_missing_and_says_what_it_is() {
        for (given, word) in [
            ("../a", "`..`"),
            ("/a", "absolute"),
            ("a/../../b", "`..`"),
            ("b", "no such"),
        ] {
            let refused = found(given, &[]).unwrap_err();
            assert!(
                refused.starts_with("overlay-missing") && refused.contains(word),
                "{refused}"
            );
        }
        let link = [("a/b", TreeEntry::Link { at: "a".to_owned() })];
        assert!(
            found("a/b", &link)
                .unwrap_err()
                .contains("`a` is a symbolic link")
        );
    }

    #[test]
    fn a_directory_and_its_file_are_in_the_same_directory() {
        let directory = |given: &str| {
            Overlay::all(&[given.to_owned()])[0]
                .directory()
                .map(str::to_owned)
        };
        assert_eq!(directory("a/b/"), directory("./a/b/kustomization.yaml"));
        assert_eq!(directory("kustomization.yaml").as_deref(), Some(""));
        assert_eq!(directory("../a"), None);
    }

    #[test]
    fn the_root_is_a_directory_too_and_the_same_overlay_counts_once() {
        assert_eq!(
            found(
                ".",
                &[("", TreeEntry::Directory), ("Kustomization", file())]
            ),
            Ok("Kustomization".to_owned())
        );
        assert_eq!(
            Overlay::all(&["a".to_owned(), "./a/".to_owned(), "b".to_owned()]).len(),
            2
        );
        assert_eq!(
            (
                environment("x/prod/kustomization.yaml"),
                environment("Kustomization")
            ),
            ("prod", "Kustomization")
        );
    }
}
