//! The file of an overlay. No other place knows the names of a kustomization.

use std::collections::BTreeSet;

use branch::{MAX_FILE_SIZE, TreeEntries, TreeEntry};
use contract::Reason;

use crate::{
    EditRefusal,
    reasons::{AMBIGUOUS, OVERLAY_MISSING, UNSUPPORTED_YAML},
};

/// The names that a kustomization may have. Two of them in one directory are an error.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Why an overlay stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayRefusal {
    /// The reason of the report.
    pub reason: Reason,
    /// The cause, with file and line where they are known.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

impl OverlayRefusal {
    /// Returns a refusal without a hint.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds the file to a refusal of the editor.
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

/// An overlay as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// The given name.
    pub name: String,
    /// Its path from the root, or why it has none.
    path: Result<String, &'static str>,
}

impl Overlay {
    /// Returns the overlays in the order given, each once.
    pub fn all(given: &[String]) -> Vec<Self> {
        let mut overlays: Vec<Self> = Vec::new();
        for name in given {
            let path = normal(name);
            let is_known = path.is_ok() && overlays.iter().any(|other| other.path == path);
            if !is_known {
                let name = name.clone();
                overlays.push(Self { name, path });
            }
        }
        overlays
    }

    /// Returns their directories, each once, in alphabetical order.
    pub fn directories(overlays: &[Self]) -> Vec<String> {
        let directories: BTreeSet<&str> = overlays.iter().filter_map(Self::directory).collect();
        directories.into_iter().map(str::to_owned).collect()
    }

    /// Returns every path that may be its file: the path itself, and kustomize's names below it.
    pub fn paths(&self) -> Vec<String> {
        let Ok(path) = &self.path else {
            return Vec::new();
        };
        let mut paths = vec![path.clone()];
        paths.extend(KUSTOMIZATIONS.map(|name| join(path, name)));
        paths
    }

    /// Returns its directory, whether the path names that or the file; `None` without a path.
    pub fn directory(&self) -> Option<&str> {
        self.path.as_deref().ok().map(without_file)
    }

    /// Returns the path and the content of its file.
    ///
    /// # Errors
    /// [`OVERLAY_MISSING`] when there is no such file, [`AMBIGUOUS`] when there are several, and
    /// [`UNSUPPORTED_YAML`] for a file that is too large.
    pub fn file<'e>(&self, entries: &'e TreeEntries) -> Result<(String, &'e [u8]), OverlayRefusal> {
        let path = self
            .path
            .as_ref()
            .map_err(|why| missing(*why).hint(PATH_HINT))?;
        let path = match entry_at(entries, path) {
            TreeEntry::Directory => join(path, only_kustomization(entries, path)?),
            _ => path.clone(),
        };
        let content = content(&path, entry_at(entries, &path))?;
        Ok((path, content))
    }
}

const PATH_HINT: &str =
    "pass `--overlay` from the root of the repository, such as `infra/argocd/overlays/prod`";

/// Returns the path without `./` and double slashes.
fn normal(given: &str) -> Result<String, &'static str> {
    if given.starts_with('/') {
        return Err("it is an absolute path");
    }
    if given.split('/').any(|part| part == "..") {
        return Err("it has a `..`");
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

/// Returns the directory of a path, which names the directory or its kustomization.
///
/// The result has no `./`, no double slashes, and no slash at either end: two paths of one
/// repository with the same directory are the same overlay.
pub fn directory_of(path: &str) -> String {
    without_file(&simplified(path)).to_owned()
}

/// Returns whether a file of this name is a kustomization.
pub fn is_kustomization(name: &str) -> bool {
    KUSTOMIZATIONS.contains(&name)
}

fn entry_at<'e>(entries: &'e TreeEntries, path: &str) -> &'e TreeEntry {
    entries.get(path).unwrap_or(&TreeEntry::Missing)
}

/// Returns the name of the only kustomization in a directory; kustomize refuses several.
fn only_kustomization(
    entries: &TreeEntries,
    directory: &str,
) -> Result<&'static str, OverlayRefusal> {
    let mut names = KUSTOMIZATIONS.to_vec();
    names.retain(|name| *entry_at(entries, &join(directory, name)) != TreeEntry::Missing);
    match names[..] {
        [one] => Ok(one),
        [] => {
            let names = KUSTOMIZATIONS.join(", ");
            Err(missing(format!(
                "the directory has no kustomization ({names})"
            )))
        }
        ref several => {
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
                "`{path}`: the file exceeds the limit of {} MiB",
                MAX_FILE_SIZE >> 20
            );
            OverlayRefusal::new(UNSUPPORTED_YAML, message)
                .hint("pass `--overlay` with a kustomization, which has a few kilobytes")
        }
        TreeEntry::Missing => missing("there is no such directory or file").hint(PATH_HINT),
        TreeEntry::Directory => missing("it is a directory where a file should be"),
        TreeEntry::Link { at } => missing(format!(
            "`{at}` is a symbolic link, which this step does not follow"
        ))
        .hint("pass the path that it points to"),
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

/// Returns the environment's name: by convention, the directory of the file.
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
    fn a_directory_stands_for_its_only_kustomization() {
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
    fn a_path_that_leads_elsewhere_is_missing() {
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
    fn a_directory_and_its_file_are_one_overlay() {
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
    fn the_root_is_a_directory() {
        let entries = [("", TreeEntry::Directory), ("Kustomization", file())];
        assert_eq!(found(".", &entries), Ok("Kustomization".to_owned()));
    }

    #[test]
    fn an_overlay_with_two_spellings_counts_once() {
        let names = ["a", "./a/", "b"].map(str::to_owned);
        assert_eq!(Overlay::all(&names).len(), 2);
    }

    #[test]
    fn the_environment_is_the_directory() {
        assert_eq!(
            (
                environment("x/prod/kustomization.yaml"),
                environment("Kustomization")
            ),
            ("prod", "Kustomization")
        );
    }
}
