//! The files at the tip of a branch that may freeze its overlays.

use std::time::SystemTime;

use branch::{BranchName, TreeEntries, TreeEntry};

use crate::{
    FREEZE_PATH, Freezes, InvalidFile, PATH, environment::default_overlay, tree::TreeNode,
};

/// The files at the tip of a branch that may freeze its overlays, as they are read: at the tip that a
/// commit replaces, so that no bump lands after the commit of a freeze.
#[derive(Debug, Clone)]
pub struct FreezeFiles {
    freezes: TreeEntry,
    runbook: TreeEntry,
}

/// Why a freeze forbids to write a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreezeFinding {
    /// A freeze holds; in its own words.
    Frozen(String),
    /// The files cannot be understood, so a freeze may hold: "not frozen" has to be known.
    Invalid(String),
}

impl FreezeFiles {
    /// Returns the paths to read.
    pub fn paths() -> [String; 2] {
        [FREEZE_PATH, PATH].map(str::to_owned)
    }

    /// Picks the files from entries that were read at [`paths`](Self::paths).
    pub fn of(entries: &TreeEntries) -> Self {
        let entry = |path| entries.get(path).cloned().unwrap_or(TreeEntry::Missing);
        Self {
            freezes: entry(FREEZE_PATH),
            runbook: entry(PATH),
        }
    }

    /// Returns why a file of a branch must not be written now by an account.
    ///
    /// `folder` is the environment's name by convention. That of `.github/runbook.yaml` counts as
    /// well.
    pub fn check(
        &self,
        path: &str,
        folder: &str,
        branch: &BranchName,
        now: SystemTime,
        account: Option<&str>,
    ) -> Option<FreezeFinding> {
        let freezes = match self.freezes() {
            Ok(freezes) => freezes?,
            Err(text) => return Some(FreezeFinding::Invalid(text)),
        };
        let names = match self.names(path, branch) {
            Ok(names) => names,
            Err(text) => return Some(FreezeFinding::Invalid(text)),
        };
        let names = names.iter().map(String::as_str).chain([folder]);
        let mut frozen = names.filter_map(|name| Some((freezes.of(name, now, account)?, name)));
        let (freeze, name) = frozen.next()?;
        Some(FreezeFinding::Frozen(format!("{name} is frozen: {freeze}")))
    }

    fn freezes(&self) -> Result<Option<Freezes>, String> {
        let Some(text) = text(&self.freezes, FREEZE_PATH)? else {
            return Ok(None);
        };
        let freezes = text.parse::<Freezes>();
        let freezes = freezes.map_err(|error| format!("`{FREEZE_PATH}` is invalid: {error}"))?;
        Ok((!freezes.is_empty()).then_some(freezes))
    }

    /// Returns the names of the environments that a file belongs to.
    fn names(&self, path: &str, branch: &BranchName) -> Result<Vec<String>, String> {
        let Some(text) = text(&self.runbook, PATH)? else {
            return Ok(Vec::new());
        };
        names_in(text, path, branch).map_err(|error| {
            format!("`{PATH}` is invalid, so it does not tell what is frozen: {error}")
        })
    }
}

/// Returns the names of the environments of a branch whose overlay a file belongs to. The rest of
/// `.github/runbook.yaml` does not matter here.
fn names_in(text: &str, path: &str, branch: &BranchName) -> Result<Vec<String>, InvalidFile> {
    let runbook = TreeNode::read(text)?;
    let mut names = Vec::new();
    for environment in runbook.get("environments")?.list()? {
        let name = environment.get("name")?.text()?;
        let overlay = environment
            .find("overlay")?
            .map(TreeNode::text)
            .transpose()?;
        let overlay = overlay.map_or_else(|| default_overlay(name), str::to_owned);
        let is_of_path = path
            .strip_prefix(overlay.trim_end_matches('/'))
            .is_some_and(|rest| rest.starts_with('/'));
        if is_of_path && environment.get("branch")?.text()? == branch.as_str() {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn text<'e>(entry: &'e TreeEntry, path: &str) -> Result<Option<&'e str>, String> {
    match entry {
        TreeEntry::Missing => Ok(None),
        TreeEntry::File { content, .. } => std::str::from_utf8(content)
            .map(Some)
            .map_err(|_| format!("`{path}` is not UTF-8 text")),
        _ => Err(format!("`{path}` is not an ordinary file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREEZE: &str = "\
freezes:
- { environments: [prod], reason: holidays, by: ops, until: '2026-12-27T09:00Z', exempt: [bot] }
";
    const RUNBOOK: &str = "\
image: ghcr.io/acme/app
tag: '{sha}'
environments:
- { name: prod, branch: main, overlay: deploy/live }
- { name: live, branch: other, overlay: deploy/prod }
";

    fn file(text: &str) -> TreeEntry {
        TreeEntry::File {
            content: text.as_bytes().to_vec(),
            executable: false,
        }
    }

    fn check(freezes: TreeEntry, runbook: TreeEntry, folder: &str) -> Option<FreezeFinding> {
        let entries = [(FREEZE_PATH, freezes), (PATH, runbook)];
        let entries = entries.map(|(path, entry)| (path.to_owned(), entry));
        let (path, branch) = (
            format!("deploy/{folder}/kustomization.yaml"),
            "main".parse().unwrap(),
        );
        FreezeFiles::of(&entries.into_iter().collect()).check(
            &path,
            folder,
            &branch,
            SystemTime::UNIX_EPOCH,
            None,
        )
    }

    #[test]
    fn an_environment_is_known_by_its_folder_and_by_the_runbook() {
        let frozen = FreezeFinding::Frozen(
            "prod is frozen: holidays (by ops, until 2026-12-27T09:00Z)".to_owned(),
        );
        for (runbook, folder, expected) in [
            (TreeEntry::Missing, "prod", Some(&frozen)),
            (TreeEntry::Missing, "live", None),
            (file(RUNBOOK), "live", Some(&frozen)),
            // Another branch's environment has this folder, and the folder is called so.
            (file(RUNBOOK), "prod", Some(&frozen)),
            (file(RUNBOOK), "stage", None),
        ] {
            let found = check(file(FREEZE), runbook, folder);
            assert_eq!(found.as_ref(), expected, "{folder}");
        }
        assert_eq!(check(TreeEntry::Missing, file(RUNBOOK), "prod"), None);
        assert_eq!(check(file("freezes: []\n"), file("x"), "prod"), None);
    }

    #[test]
    fn a_file_that_is_not_understood_freezes() {
        for freezes in [
            file("freezes"),
            file(""),
            TreeEntry::Directory,
            TreeEntry::TooLarge,
            TreeEntry::File {
                content: vec![0xff],
                executable: false,
            },
        ] {
            let found = check(freezes, TreeEntry::Missing, "stage");
            assert!(
                matches!(found, Some(FreezeFinding::Invalid(_))),
                "{found:?}"
            );
        }
        let found = check(file(FREEZE), file("environments"), "stage");
        assert!(
            matches!(found, Some(FreezeFinding::Invalid(_))),
            "{found:?}"
        );
    }
}
