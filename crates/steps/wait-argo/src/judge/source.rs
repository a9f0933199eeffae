//! Whether an application comes from the place of the commit.

use argocd::{Application, ApplicationSource};
use overlay::directory_of;

use crate::{judge::decision::Conclusion, reasons::WRONG_SOURCE, request::Request};

const HINT: &str =
    "wait for the application of this branch and overlay, or correct its `spec.source`";

/// Returns the sources that can contain the commit, with their indexes: those of the repository, or
/// all in git if the request names none. The revision of a Helm chart is a version, so charts do
/// not count.
pub(super) fn sources<'a>(
    request: &Request,
    app: &'a Application,
) -> Vec<(usize, &'a ApplicationSource)> {
    let in_git = app
        .sources()
        .iter()
        .enumerate()
        .filter(|(_, source)| source.chart.is_empty());
    in_git
        .filter(|(_, source)| match &request.repository {
            Some(repository) => is_same_repository(repository, &source.repo_url),
            None => true,
        })
        .collect()
}

/// Refuses an application that can never contain the commit.
pub(super) fn judge(request: &Request, app: &Application) -> Option<Conclusion> {
    let sources: Vec<&ApplicationSource> = sources(request, app)
        .into_iter()
        .map(|(_, source)| source)
        .collect();
    let Some(first) = sources.first() else {
        return Some(refused(&other_repository(request, app), HINT));
    };
    if !sources
        .iter()
        .all(|source| is_same_repository(&source.repo_url, &first.repo_url))
    {
        let why = "it comes from several repositories, and the request does not name the one \
                   that contains the commit";
        return Some(refused(why, "pass `--repository`"));
    }
    if let Some(branch) = &request.branch
        && !sources.iter().any(|source| may_track(source, branch))
    {
        let why = format!("it tracks {}, pushed was {branch}", first.target_revision);
        return Some(refused(&why, HINT));
    }
    if !request.overlays.is_empty() && !sources.iter().any(|source| is_listed(request, source)) {
        let written = request.overlays.join(", ");
        let why = format!("its path is {}, written was {written}", first.path);
        return Some(refused(&why, HINT));
    }
    None
}

fn refused(why: &str, hint: &str) -> Conclusion {
    Conclusion::refused(WRONG_SOURCE, format!("will not get the commit: {why}")).hinted(hint)
}

fn other_repository(request: &Request, app: &Application) -> String {
    let repository = request.repository.as_deref().unwrap_or("a git repository");
    let sources: Vec<&str> = app
        .sources()
        .iter()
        .map(|source| source.repo_url.as_str())
        .collect();
    format!(
        "it comes from {}, not from {repository}",
        sources.join(", ")
    )
}

fn may_track(source: &ApplicationSource, branch: &str) -> bool {
    // `HEAD` is the default branch of the remote, whose name is not known here.
    tracked_branch(source).is_none_or(|tracked| tracked == branch)
}

fn is_listed(request: &Request, source: &ApplicationSource) -> bool {
    let mut overlays = request.overlays.iter();
    overlays.any(|overlay| directory_of(overlay) == directory_of(&source.path))
}

/// Returns the branch that a source tracks; `None` for `HEAD`.
pub(super) fn tracked_branch(source: &ApplicationSource) -> Option<&str> {
    let tracked = source.target_revision.as_str();
    let tracked = tracked.strip_prefix("refs/heads/").unwrap_or(tracked);
    Some(tracked).filter(|tracked| !tracked.is_empty() && *tracked != "HEAD")
}

/// Returns whether two addresses name the same repository, without regard to scheme and user.
/// `OWNER/NAME` is that repository on any forge.
fn is_same_repository(requested: &str, found: &str) -> bool {
    let (requested, found) = (normalize(requested), normalize(found));
    let is_short = requested.split('/').count() == 2 && !requested.starts_with('/');
    requested == found || (is_short && found.ends_with(&format!("/{requested}")))
}

/// Returns `github.com/owner/name` for `git@github.com:Owner/Name.git` and for
/// `https://github.com/owner/name`.
fn normalize(address: &str) -> String {
    let text = address.trim().to_lowercase();
    let (text, has_scheme) = match text.split_once("://") {
        Some((_, rest)) => (rest, true),
        None => (text.as_str(), false),
    };
    let host_end = text.find('/').unwrap_or(text.len());
    let text = match text[..host_end].rfind('@') {
        Some(at) => &text[at + 1..],
        None => text,
    };
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
    fn any_address_of_a_repository_names_it() {
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
}
