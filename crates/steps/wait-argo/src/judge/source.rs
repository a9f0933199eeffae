//! Whether an application comes from the place of the commit.

use argocd::{Application, ApplicationSource};
use contract::Commit;
use overlay::directory_of;

use crate::{
    judge::{decision::Conclusion, repository::is_same_repository},
    reasons::WRONG_SOURCE,
    request::Request,
};

const HINT: &str =
    "wait for the application of this branch and overlay, or correct its `spec.source`";

/// Returns the sources that have to contain the commit, with their indexes: those in git that are
/// of the repository, track the branch and have the overlay, as far as the request names these. If
/// no source has all of that, those that are of the repository.
pub(super) fn sources<'a>(
    request: &Request,
    app: &'a Application,
) -> Vec<(usize, &'a ApplicationSource)> {
    let of_repository = of_repository(request, app);
    let matching: Vec<(usize, &ApplicationSource)> = of_repository
        .iter()
        .copied()
        .filter(|(_, source)| {
            is_of_branch(request, app, source) && is_of_overlay(request, app, source)
        })
        .collect();
    let candidates = if matching.is_empty() {
        of_repository
    } else {
        matching
    };
    // A source that is pinned to a commit never moves, so it says nothing about the others.
    let moving: Vec<(usize, &ApplicationSource)> = candidates
        .iter()
        .copied()
        .filter(|(_, source)| !is_pinned(source))
        .collect();
    if moving.is_empty() {
        candidates
    } else {
        moving
    }
}

fn of_repository<'a>(
    request: &Request,
    app: &'a Application,
) -> Vec<(usize, &'a ApplicationSource)> {
    let in_git = app
        .sources()
        .iter()
        .enumerate()
        .filter(|(_, source)| is_in_git(source));
    in_git
        .filter(|(_, source)| match &request.repository {
            Some(repository) => is_same_repository(repository, &source.repo_url),
            None => true,
        })
        .collect()
}

/// The revision of a Helm chart is a version, and that of an OCI artifact a tag or a digest.
fn is_in_git(source: &ApplicationSource) -> bool {
    source.chart.is_empty() && !source.repo_url.trim().starts_with("oci://")
}

/// Refuses an application that can never contain the commit.
pub(super) fn judge(request: &Request, app: &Application) -> Option<Conclusion> {
    if !app.sources().iter().any(is_in_git) {
        return Some(without_git(app));
    }
    let sources: Vec<&ApplicationSource> = of_repository(request, app)
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
        && !sources
            .iter()
            .any(|source| is_of_branch(request, app, source))
    {
        let why = format!("it tracks {}, pushed was {branch}", first.target_revision);
        return Some(refused(&why, HINT));
    }
    let is_found = |source: &&ApplicationSource| is_of_overlay(request, app, source);
    if !sources.iter().any(is_found) {
        let written = request.overlays.join(", ");
        let why = format!("its path is {}, written was {written}", first.path);
        return Some(refused(&why, HINT));
    }
    None
}

/// Refuses an application without a source in git: no revision of it will ever be a commit.
fn without_git(app: &Application) -> Conclusion {
    let Some(source) = app.sources().first() else {
        return refused("it has no source", "set its `spec.source`");
    };
    let url = &source.repo_url;
    let what = if source.chart.is_empty() {
        format!("the OCI artifact {url}, whose revision is a tag or a digest")
    } else {
        format!(
            "version {} of the Helm chart {} of {url}",
            source.target_revision, source.chart
        )
    };
    let why = format!("it comes from {what}, not from a git repository");
    refused(
        &why,
        "wait for the application whose source is in git; for this one, `verify-pods` shows what \
         its pods run",
    )
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

fn is_of_branch(request: &Request, app: &Application, source: &ApplicationSource) -> bool {
    let Some(branch) = &request.branch else {
        return true;
    };
    // The request may name the branch into which Argo CD renders.
    let hydrator = app.spec.source_hydrator.as_ref();
    if hydrator.is_some_and(|hydrator| hydrator.sync_source.target_branch == *branch) {
        return true;
    }
    // `HEAD` is the default branch of the remote, whose name is not known here. A pipeline may set
    // the commit itself.
    tracked_branch(source)
        .is_none_or(|tracked| tracked == branch || tracked == request.commit.as_str())
}

fn is_of_overlay(request: &Request, app: &Application, source: &ApplicationSource) -> bool {
    // Other sources use the files of a source with a `ref` but without a path, wherever they are.
    let is_anywhere = source.path.is_empty() && !source.reference.is_empty();
    let hydrator = app.spec.source_hydrator.as_ref();
    let rendered = hydrator.map(|hydrator| hydrator.sync_source.path.as_str());
    let paths = [Some(source.path.as_str()), rendered];
    let is_listed = |path: &str| {
        let mut overlays = request.overlays.iter();
        overlays.any(|overlay| directory_of(overlay) == directory_of(path))
    };
    request.overlays.is_empty() || is_anywhere || paths.into_iter().flatten().any(is_listed)
}

/// Returns whether a source names a commit, and so never moves by itself.
pub(super) fn is_pinned(source: &ApplicationSource) -> bool {
    source.target_revision.parse::<Commit>().is_ok()
}

/// Returns the branch that a source tracks; `None` for `HEAD`.
pub(super) fn tracked_branch(source: &ApplicationSource) -> Option<&str> {
    let tracked = source.target_revision.as_str();
    let tracked = tracked.strip_prefix("refs/heads/").unwrap_or(tracked);
    Some(tracked).filter(|tracked| !tracked.is_empty() && *tracked != "HEAD")
}
