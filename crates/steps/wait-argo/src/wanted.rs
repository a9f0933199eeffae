//! What is wanted, checked; and whether an application comes from there.

use std::time::Duration;

use argocd::{Application, Source};
use contract::Commit;
use pods::image::ImageMatcher as Image;

/// Whose health counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum HealthScope {
    /// That of the whole application.
    #[default]
    App,
    /// Only that of what runs pods: an Ingress without an address is no harm.
    Workloads,
}

/// Everything that is wanted of each application.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) commit: Commit,
    pub(crate) image: Option<Image>,
    pub(crate) repository: Option<String>,
    pub(crate) branch: Option<String>,
    /// The remote that knows its history, if that is not the application's own repository.
    pub(crate) remote: Option<String>,
    pub(crate) overlays: Vec<String>,
    pub(crate) scope: HealthScope,
    pub(crate) degraded_grace: Duration,
    pub(crate) sync: bool,
    pub(crate) wait_window: bool,
    /// The largest number of lines to show of a log.
    pub(crate) log_lines: usize,
}

impl Wanted {
    /// Returns the sources that the commit can be in, with their places: those of the repository, or
    /// all from git where none was given. A chart's revision is a version.
    pub(crate) fn sources<'a>(&self, app: &'a Application) -> Vec<(usize, &'a Source)> {
        let all = app
            .sources()
            .iter()
            .enumerate()
            .filter(|(_, source)| source.chart.is_empty());
        let ours = all.filter(|(_, source)| {
            self.repository
                .as_ref()
                .is_none_or(|repository| is_same_repository(repository, &source.repo_url))
        });
        ours.collect()
    }

    /// Returns why the commit can never reach the application, if it cannot, and what helps.
    pub(crate) fn wrong_source(&self, app: &Application) -> Option<(String, &'static str)> {
        const HINT: &str =
            "wait for the application of this branch and overlay, or correct its `spec.source`";

        let ours = self.sources(app);
        let Some((_, source)) = ours.first() else {
            let repository = self.repository.as_deref().unwrap_or("a git repository");
            let tracked: Vec<&str> = app
                .sources()
                .iter()
                .map(|source| source.repo_url.as_str())
                .collect();
            return Some((
                format!(
                    "it comes from {}, not from {repository}",
                    tracked.join(", ")
                ),
                HINT,
            ));
        };
        if ours
            .iter()
            .any(|(_, it)| !is_same_repository(&it.repo_url, &source.repo_url))
        {
            let why = "it comes from several repositories, and in which of them the commit is, is not said";
            return Some((why.to_owned(), "pass `--repository`"));
        }
        let on_branch = |source: &Source| match (self.branch.as_deref(), branch_of(source)) {
            (Some(pushed), Some(tracked)) => pushed == tracked,
            // `HEAD` is whatever the remote's default branch is.
            _ => true,
        };
        if !ours.iter().any(|(_, source)| on_branch(source)) {
            let pushed = self.branch.as_deref().unwrap_or_default();
            return Some((
                format!("it tracks {}, pushed was {pushed}", source.target_revision),
                HINT,
            ));
        }
        let listed = |source: &Source| {
            self.overlays
                .iter()
                .any(|overlay| folder(overlay) == folder(&source.path))
        };
        if !self.overlays.is_empty() && !ours.iter().any(|(_, source)| listed(source)) {
            let written = self.overlays.join(", ");
            return Some((
                format!("its path is {}, written was {written}", source.path),
                HINT,
            ));
        }
        None
    }
}

/// Returns the branch that a source tracks; `None` for `HEAD`.
pub(crate) fn branch_of(source: &Source) -> Option<&str> {
    let tracked = source.target_revision.as_str();
    let tracked = tracked.strip_prefix("refs/heads/").unwrap_or(tracked);
    Some(tracked).filter(|tracked| !tracked.is_empty() && *tracked != "HEAD")
}

fn folder(path: &str) -> &str {
    let path = path.trim_start_matches("./");
    let file = [
        "/kustomization.yaml",
        "/kustomization.yml",
        "/Kustomization",
    ];
    let path = file
        .iter()
        .find_map(|file| path.strip_suffix(file))
        .unwrap_or(path);
    path.trim_matches('/')
}

/// `OWNER/NAME` is that repository on any forge; anything else is compared as git's addresses are:
/// whatever the scheme and the user.
fn is_same_repository(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (tidy(wanted), tidy(found));
    let bare = wanted.split('/').count() == 2 && !wanted.starts_with('/');
    wanted == found || (bare && found.ends_with(&format!("/{wanted}")))
}

/// `git@github.com:Owner/Name.git` and `https://github.com/owner/name` are `github.com/owner/name`.
fn tidy(address: &str) -> String {
    let text = address.trim().to_lowercase();
    let (text, has_scheme) = match text.split_once("://") {
        Some((_, rest)) => (rest, true),
        None => (text.as_str(), false),
    };
    let host_end = text.find('/').unwrap_or(text.len());
    let text = text[..host_end]
        .rfind('@')
        .map_or(text, |at| &text[at + 1..]);
    let text = if has_scheme {
        text.to_owned()
    } else {
        text.replacen(':', "/", 1)
    };
    let text = text.trim_end_matches('/');
    text.strip_suffix(".git").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_the_same_by_any_of_its_addresses() {
        let same = is_same_repository;
        assert!(same(
            "data-literate/dex",
            "https://github.com/Data-Literate/DEX.git"
        ));
        assert!(same(
            "data-literate/dex",
            "git@github.com:data-literate/dex.git"
        ));
        assert!(same(
            "https://github.com/a/b",
            "ssh://git@github.com/a/b.git"
        ));
        assert!(same("file:///srv/remote.git", "file:///srv/remote.git"));
        assert!(!same(
            "data-literate/dex",
            "https://github.com/evil-data-literate/dex"
        ));
        assert!(!same("a/b", "https://github.com/a/bc"));
        assert!(!same("https://github.com/a/b", "https://example.org/a/b"));
    }

    #[test]
    fn an_overlay_is_its_folder() {
        assert_eq!(
            folder("./infra/prod/kustomization.yaml"),
            folder("infra/prod/")
        );
    }
}
