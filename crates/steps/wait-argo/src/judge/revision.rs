//! Whether the application's revision contains the commit.

use argocd::Application;
use branch::Ancestry;
use contract::Commit;

use crate::{
    judge::{
        message::short,
        source::{sources, tracked_branch},
    },
    observe::{FollowUp, Observation},
    request::Request,
};

/// Whether the application's revision contains the commit.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Containment {
    Contains,
    /// It does not, as far as is known.
    Lacks(LackingRevision),
    /// Git was not asked about this revision yet.
    NotAsked(String),
}

/// A revision without the commit, and git's answer about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LackingRevision {
    /// Empty before the first comparison.
    pub(super) revision: String,
    pub(super) in_branch: Option<bool>,
    /// The error, if git could not be asked.
    pub(super) error: Option<String>,
}

/// Returns whether the application's revisions contain the commit: that of each source that can,
/// must.
pub(super) fn containment(request: &Request, observation: &Observation) -> Containment {
    let revisions = revisions(request, &observation.app);
    if revisions.is_empty() {
        return Containment::Lacks(LackingRevision::default());
    }
    for revision in revisions {
        if revision == request.commit.as_str() {
            continue;
        }
        match observation.ancestry.get(revision) {
            Some(answer) if answer.ancestry.contains_other() => {}
            Some(answer) => {
                let is_unknown = answer.ancestry == Ancestry::Unknown;
                return Containment::Lacks(LackingRevision {
                    revision: revision.to_owned(),
                    in_branch: answer.in_branch,
                    error: answer.error.clone().filter(|_| is_unknown),
                });
            }
            None if revision.parse::<Commit>().is_ok() => {
                return Containment::NotAsked(revision.to_owned());
            }
            // Before the first comparison, and after one that failed, it is the name of a branch.
            None => return Containment::Lacks(LackingRevision::default()),
        }
    }
    Containment::Contains
}

/// Returns the revisions of the sources that can contain the commit.
fn revisions<'a>(request: &Request, app: &'a Application) -> Vec<&'a str> {
    let all = app.revisions();
    let sources = sources(request, app).into_iter();
    sources
        .filter_map(|(index, _)| all.get(index).copied())
        .collect()
}

/// Returns the revision to report.
pub(crate) fn first_revision(request: &Request, app: &Application) -> Option<String> {
    revisions(request, app)
        .first()
        .map(|&first| first.to_owned())
}

/// Returns the application's revision if it is not the commit itself.
fn other_revision<'a>(request: &Request, app: &'a Application) -> Option<&'a str> {
    revisions(request, app)
        .into_iter()
        .find(|revision| *revision != request.commit.as_str())
}

/// Returns whether an application whose revision contains the commit is at a descendant of it.
pub(super) fn is_descendant(request: &Request, app: &Application) -> bool {
    other_revision(request, app).is_some()
}

/// Returns `1a2b3c4d`, or `5e6f7a8b, a descendant of 1a2b3c4d`.
pub(super) fn describe(request: &Request, app: &Application) -> String {
    let commit = request.commit.short();
    match other_revision(request, app) {
        Some(revision) => format!("{}, a descendant of {commit}", short(revision)),
        None => commit.to_owned(),
    }
}

/// Returns the question to git about a revision.
pub(super) fn ask_ancestry(
    request: &Request,
    app: &Application,
    revision: &str,
) -> Option<FollowUp> {
    let sources = sources(request, app);
    let (_, source) = sources.first()?;
    let remote = request.remote.as_ref().unwrap_or(&source.repo_url);
    Some(FollowUp::Ancestry {
        remote: remote.clone(),
        branch: tracked_branch(source).map(str::to_owned),
        revision: revision.to_owned(),
    })
}

/// Returns the remark that git could not tell whether the last revision contains the commit.
pub(super) fn notice(request: &Request, observation: &Observation) -> Option<String> {
    let Containment::Lacks(lacking) = containment(request, observation) else {
        return None;
    };
    let (revision, commit) = (short(&lacking.revision), request.commit.short());
    let error = lacking.error.as_ref()?;
    Some(format!(
        "only {commit} itself counted, since git could not tell whether {revision} contains it: \
         {error}"
    ))
}
