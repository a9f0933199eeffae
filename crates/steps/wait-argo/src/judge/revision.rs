//! Whether the application's revision contains the commit.

use argocd::{Application, ApplicationSource, HydratedCommit};
use branch::Ancestry;
use contract::Commit;

use crate::{
    judge::{
        message::short,
        source::{is_pinned, sources, tracked_branch},
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
    NotAsked(AskedRevision),
}

/// A revision about which git was not asked yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AskedRevision {
    pub(super) revision: String,
    /// The branch that its source tracks; `None` for the default branch.
    pub(super) branch: Option<String>,
    /// The commit that it has to contain, if that is not the one of the request.
    pub(super) hydrated: Option<Commit>,
}

/// A revision without the commit, and git's answer about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LackingRevision {
    /// Empty before the first comparison.
    pub(super) revision: String,
    /// The branch that its source tracks; `None` for the default branch.
    pub(super) branch: Option<String>,
    pub(super) in_branch: Option<bool>,
    /// The error, if git could not be asked.
    pub(super) error: Option<String>,
    /// Whether its source tracks something that is no branch.
    pub(super) is_of_tag: bool,
    /// Whether its source names this very commit.
    pub(super) is_pinned: bool,
    /// Whether the revision is one of the hydrated branch, which lacks the hydrated commit.
    pub(super) is_hydrated: bool,
}

/// Returns whether the application's revisions contain the commit: that of each source that can,
/// must.
pub(super) fn containment(request: &Request, observation: &Observation) -> Containment {
    let revisions = revisions(request, &observation.app);
    let mut lacking = None;
    let mut contains = false;
    for (source, revision) in &revisions {
        match source_containment(request, observation, source, revision) {
            Containment::Contains => contains = true,
            // It tracks a tag, so it does not move: what the other sources have decides.
            Containment::Lacks(lacks) if lacks.is_of_tag && revisions.len() > 1 => {
                lacking.get_or_insert(lacks);
            }
            other => return other,
        }
    }
    if contains {
        hydrated_containment(request, observation)
    } else {
        Containment::Lacks(lacking.unwrap_or_default())
    }
}

fn source_containment(
    request: &Request,
    observation: &Observation,
    source: &ApplicationSource,
    revision: &str,
) -> Containment {
    if revision == request.commit.as_str() {
        return Containment::Contains;
    }
    match observation.ancestry.get(revision) {
        Some(answer) if answer.ancestry.contains_other() => Containment::Contains,
        Some(answer) => {
            let is_unknown = answer.ancestry == Ancestry::Unknown;
            Containment::Lacks(LackingRevision {
                revision: revision.to_owned(),
                branch: tracked_branch(source).map(str::to_owned),
                in_branch: answer.in_branch,
                error: answer.error.clone().filter(|_| is_unknown),
                is_of_tag: answer.in_branch.is_none() && answer.error.is_none(),
                is_pinned: is_pinned(source) && !is_unknown,
                is_hydrated: false,
            })
        }
        None if revision.parse::<Commit>().is_ok() => Containment::NotAsked(AskedRevision {
            revision: revision.to_owned(),
            branch: tracked_branch(source).map(str::to_owned),
            hydrated: None,
        }),
        // Before the first comparison, and after one that failed, it is the name of a branch.
        None => Containment::Lacks(LackingRevision::default()),
    }
}

/// Returns whether the revision that was compared contains the commit that Argo CD rendered from
/// the dry one: it is that commit, or a later one of that branch.
fn hydrated_containment(request: &Request, observation: &Observation) -> Containment {
    let app = &observation.app;
    let Some(last) = last_hydrated(app) else {
        return Containment::Contains;
    };
    let compared = app.status.sync.revision.as_str();
    if compared == last.hydrated || compared == request.commit.as_str() {
        return Containment::Contains;
    }
    let lacks = |error| {
        Containment::Lacks(LackingRevision {
            revision: compared.to_owned(),
            error,
            is_hydrated: true,
            ..LackingRevision::default()
        })
    };
    let key = (last.hydrated.clone(), compared.to_owned());
    match observation.hydrated_ancestry.get(&key) {
        Some(answer) if answer.ancestry.contains_other() => Containment::Contains,
        Some(answer) => lacks(answer.error.clone()),
        None => match (last.hydrated.parse(), compared.parse::<Commit>()) {
            (Ok(hydrated), Ok(_)) => Containment::NotAsked(AskedRevision {
                revision: compared.to_owned(),
                branch: sync_branch(app),
                hydrated: Some(hydrated),
            }),
            _ => lacks(None),
        },
    }
}

fn sync_branch(app: &Application) -> Option<String> {
    let hydrator = app.spec.source_hydrator.as_ref()?;
    Some(hydrator.sync_source.target_branch.clone())
}

/// Returns the last dry commit that Argo CD rendered, if the application is a hydrated one.
fn last_hydrated(app: &Application) -> Option<&HydratedCommit> {
    app.spec.source_hydrator.as_ref()?;
    let status = app.status.source_hydrator.as_ref()?;
    status.last_successful_operation.as_ref()
}

/// Returns the sources that can contain the commit, with their revisions; of a hydrated
/// application, that is the dry commit from which Argo CD rendered last.
fn revisions<'a>(request: &Request, app: &'a Application) -> Vec<(&'a ApplicationSource, &'a str)> {
    let sources = sources(request, app).into_iter();
    if app.spec.source_hydrator.is_some() {
        // The request may also name the rendered commit.
        let compared = app.status.sync.revision.as_str();
        let is_compared = compared == request.commit.as_str();
        let dry = last_hydrated(app).map(|last| last.dry.as_str());
        let dry = if is_compared { Some(compared) } else { dry };
        let dry = dry.filter(|dry| !dry.is_empty());
        return sources
            .filter_map(|(_, source)| Some((source, dry?)))
            .collect();
    }
    let all = app.revisions();
    sources
        .filter_map(|(index, source)| Some((source, *all.get(index)?)))
        .collect()
}

/// Returns the revision to report.
pub(crate) fn first_revision(request: &Request, app: &Application) -> Option<String> {
    let revisions = revisions(request, app);
    revisions.first().map(|(_, first)| (*first).to_owned())
}

/// Returns the application's revision if none is the commit itself.
fn other_revision<'a>(request: &Request, app: &'a Application) -> Option<&'a str> {
    let revisions = revisions(request, app);
    let commit = request.commit.as_str();
    let is_at_commit = revisions.iter().any(|(_, revision)| *revision == commit);
    let mut others = revisions.into_iter().map(|(_, revision)| revision);
    others.next().filter(|_| !is_at_commit)
}

/// Returns whether an application whose revision contains the commit is at a descendant of it.
pub(super) fn is_descendant(request: &Request, app: &Application) -> bool {
    other_revision(request, app).is_some()
}

/// Returns `1a2b3c4d`, `5e6f7a8b, a descendant of 1a2b3c4d`, or `1a2b3c4d (hydrated 9c8d7e6f)`.
pub(super) fn describe(request: &Request, app: &Application) -> String {
    let commit = request.commit.short();
    let at = match other_revision(request, app) {
        Some(revision) => format!("{}, a descendant of {commit}", short(revision)),
        None => commit.to_owned(),
    };
    let compared = app.status.sync.revision.as_str();
    if app.spec.source_hydrator.is_some() && compared != request.commit.as_str() {
        format!("{at} (hydrated {})", short(compared))
    } else {
        at
    }
}

/// Returns the question to git about a revision.
pub(super) fn ask_ancestry(
    request: &Request,
    app: &Application,
    asked: AskedRevision,
) -> Option<FollowUp> {
    let sources = sources(request, app);
    let (_, source) = sources.first()?;
    let remote = request.remote.as_ref().unwrap_or(&source.repo_url);
    Some(FollowUp::Ancestry {
        remote: remote.clone(),
        branch: asked
            .branch
            .filter(|branch| branch.parse::<Commit>().is_err()),
        revision: asked.revision,
        hydrated: asked.hydrated,
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
