//! One commit on a branch of a remote, without a checkout: through git, or through GitHub's API.

use std::path::Path;

use branch::{Branch, BranchError, Decision, Edit, Name, Outcome, Rejection, Snapshot};
use contract::{Commit, Failure, Report, World};
use git::Git;
use github::{GitHub, RepositoryName, Unsupported};

use crate::{
    edits::Edits,
    guards::{Findings, Guards},
    proposal,
    request::{PullRequest, Request},
    say::{self, Place},
};

/// Commits the image onto the branch, however often somebody else is faster.
pub(crate) async fn bump(request: &Request, name: &Name, world: &World) -> Result<Report, Failure> {
    match target(request, world).await? {
        Target::GitHub(repository) => through_the_api(request, name, repository, world).await,
        Target::Git(url) => {
            only_through_git(request)?;
            through_git(request, name, &url, world).await
        }
    }
}

/// Some things only GitHub's API has.
fn only_through_git(request: &Request) -> Result<(), Failure> {
    let error = match (request.require_verified, request.pull_request) {
        (true, _) => anyhow::anyhow!("`--require-verified` is about commits that GitHub's API makes"),
        (_, PullRequest::Never) => return Ok(()),
        _ => anyhow::anyhow!("`--pull-request` needs GitHub's API"),
    };
    Err(Failure::usage(error).hinted("pass `--repository OWNER/NAME`, and a token"))
}

/// Where to write.
enum Target {
    Git(String),
    GitHub(RepositoryName),
}

/// Returns the remote: the one named, that of the workflow, or that of the checkout.
async fn target(request: &Request, world: &World) -> Result<Target, Failure> {
    if let Some(repository) = &request.repository {
        return Ok(Target::GitHub(repository.clone()));
    }
    if let Some(remote) = &request.remote {
        return Ok(Target::Git(remote.clone()));
    }
    if world.var("GITHUB_ACTIONS").as_deref() == Some("true")
        && let Some(repository) = world.var("GITHUB_REPOSITORY")
    {
        return Ok(match repository.parse() {
            Ok(repository) if github::is_at_hand(world)? => Target::GitHub(repository),
            _ => Target::Git(format!("{}/{repository}", git::server(world))),
        });
    }
    git::origin(world).await?.map(Target::Git).ok_or_else(|| {
        let error = anyhow::anyhow!("there is no `--remote`, and no `origin` here to take instead");
        Failure::usage(error).hinted("pass `--remote URL`, or run it within a checkout that has an `origin`")
    })
}

/// The pasts of the overlays and of their source. git tells them, whichever way is written: one fetch of
/// commits knows how all of them stand to one another, where the API has one question for each pair.
pub(crate) struct Pasts<'w> {
    overlays: Git<'w>,
    /// If it is in another repository.
    source: Option<Git<'w>>,
}

impl<'w> Pasts<'w> {
    /// Describes both; nothing is asked yet.
    fn new(request: &Request, name: &Name, url: &str, world: &'w World) -> Result<Self, Failure> {
        let source = source_repository(request, world).map(|url| Git::new(world, &url, name.clone()));
        Ok(Self { overlays: Git::new(world, url, name.clone())?, source: source.transpose()? })
    }

    fn guards<'a>(&'a self, request: &'a Request, world: &'a World) -> Guards<'a, Git<'w>, Git<'w>> {
        let sources = self.source.as_ref().unwrap_or(&self.overlays);
        Guards { request, overlays: &self.overlays, sources, world, name: self.overlays.name() }
    }
}

/// Returns where the source is, if not where the overlays are.
fn source_repository(request: &Request, world: &World) -> Option<String> {
    let given = request.source_repository.as_ref()?;
    let is_path = given.contains(':') || given.starts_with(['.', '/']) || given.matches('/').count() != 1;
    let exists = || world.kind(Path::new(given)).is_ok_and(|kind| kind.is_some());
    Some(if is_path || exists() { given.clone() } else { format!("{}/{given}", git::server(world)) })
}

async fn through_git(request: &Request, name: &Name, url: &str, world: &World) -> Result<Report, Failure> {
    let pasts = Pasts::new(request, name, url, world)?;
    let git = &pasts.overlays;
    match write(request, git, git.shown(), |_, _| Ok(()), &pasts, world).await? {
        Ended::Said(report) => Ok(*report),
        Ended::Landed { commit, edits } => Ok(say::committed(request, &edits, name, &commit)),
        Ended::Rejected(rejection) => say::rejected(request, name, &rejection),
        Ended::Unsupported(unsupported) => Err(Failure::internal(unsupported)),
    }
}

async fn through_the_api(
    request: &Request,
    name: &Name,
    repository: RepositoryName,
    world: &World,
) -> Result<Report, Failure> {
    let github = GitHub::new(world, repository, name.clone())?;
    let shown = github.repository().to_string();
    let url = format!("{}/{shown}", git::server(world));
    let pasts = Pasts::new(request, name, &url, world)?;
    if request.pull_request == PullRequest::Always {
        return proposal::propose(request, &github, &pasts, world).await;
    }
    let supports = |onto: &Snapshot, edit: &Edit| github.supports(onto, edit);
    match write(request, &github, &shown, supports, &pasts, world).await? {
        Ended::Said(report) => Ok(*report),
        Ended::Landed { commit, edits } => landed(request, &github, &edits, &commit, world).await,
        Ended::Rejected(rejection) if proposal::is_for(request, &rejection) => {
            let notice =
                format!("`{name}` is protected, so it went through a pull request: {}", rejection.said());
            proposal::propose(request, &github, &pasts, world).await.map(|report| report.noticed(notice))
        }
        Ended::Rejected(rejection) => say::rejected(request, name, &rejection),
        Ended::Unsupported(unsupported) if request.require_verified => {
            Ok(say::never_verified(request, &unsupported))
        }
        Ended::Unsupported(unsupported) => {
            world.notice(format!("{unsupported}, so it went through git"));
            through_git(request, name, &url, world).await
        }
    }
}

async fn landed(
    request: &Request,
    github: &GitHub<'_>,
    edits: &Edits,
    commit: &Commit,
    world: &World,
) -> Result<Report, Failure> {
    let name = github.name();
    if request.pull_request == PullRequest::Fallback {
        proposal::withdraw(request, github, commit, world).await;
    }
    let report = unverified(request, github, edits, commit).await?;
    Ok(report.unwrap_or_else(|| say::committed(request, edits, name, commit)))
}

/// Returns what is wrong with a commit, if it has to be verified and is not.
pub(crate) async fn unverified(
    request: &Request,
    github: &GitHub<'_>,
    edits: &Edits,
    commit: &Commit,
) -> Result<Option<Report>, Failure> {
    if !request.require_verified {
        return Ok(None);
    }
    let signature = github.signature(commit).await?;
    let is_valid = signature.as_ref().is_some_and(|signature| signature.is_valid);
    Ok((!is_valid).then(|| say::unverified(request, edits, github.name(), commit, signature.as_ref())))
}

/// How writing ended.
pub(crate) enum Ended {
    /// With everything said.
    Said(Box<Report>),
    /// With a commit on the branch.
    Landed { commit: Commit, edits: Edits },
    /// With a rule that is against it.
    Rejected(Rejection),
    /// Before it began: it cannot be written this way.
    Unsupported(Unsupported),
}

fn said(report: Report) -> Ended {
    Ended::Said(Box::new(report))
}

/// Why nothing is to be written.
enum Stop {
    Said(Box<Report>),
    Unsupported(Unsupported),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Said(report) => Self::Said(report),
            Stop::Unsupported(unsupported) => Self::Unsupported(unsupported),
        }
    }
}

/// Edits what is on the branch, and writes it, however often somebody else is faster.
pub(crate) async fn write<B: Branch>(
    request: &Request,
    branch: &B,
    shown: &str,
    supports: impl Fn(&Snapshot, &Edit) -> Result<(), Unsupported>,
    pasts: &Pasts<'_>,
    world: &World,
) -> Result<Ended, Failure> {
    let (name, paths, guards) = (branch.name(), request.paths(), pasts.guards(request, world));
    if request.dry_run {
        return dry_run(&guards, branch, shown, supports).await;
    }
    let mut last = None;
    let outcome = branch::update(world, branch, &paths, async |snapshot: &Snapshot| {
        let mut edits = Edits::of(request, &snapshot.entries);
        world.learn(&edits.facts_before(request));
        let (decision, _) = decide(&guards, &mut edits, snapshot, &supports).await?;
        last = Some(edits);
        Ok(decision)
    });
    let outcome = outcome.await?;
    let edits = last.unwrap_or_else(|| Edits(Vec::new()));
    Ok(match outcome {
        Outcome::Landed { commit, said: lines } => {
            branch::bypassed(world, &lines);
            Ended::Landed { commit, edits }
        }
        Outcome::Unchanged(tip) => said(say::unchanged(request, &edits, &Place::Branch(name, &tip))),
        Outcome::Refused(stop) => stop.into(),
        Outcome::Rejected(rejection) => Ended::Rejected(rejection),
        Outcome::Missing => said(say::nowhere(request, branch::missing(name, shown))),
    })
}

/// Decides what becomes of the files as they are now.
async fn decide(
    guards: &Guards<'_, Git<'_>, Git<'_>>,
    edits: &mut Edits,
    snapshot: &Snapshot,
    supports: impl Fn(&Snapshot, &Edit) -> Result<(), Unsupported>,
) -> Result<(Decision<Stop>, Findings), Failure> {
    let (request, name, tip) = (guards.request, guards.name, &snapshot.tip);
    if edits.is_refused() {
        return Ok((stop(say::refused(request, edits, &Place::Branch(name, tip))), Findings::default()));
    }
    if edits.changed().next().is_none() {
        return Ok((Decision::Nothing, Findings::default()));
    }
    let findings = guards.look(edits, tip).await?;
    findings.same().for_each(|(path, why)| edits.keep(path, why));
    if findings.stop() {
        return Ok((stop(say::stopped(request, edits, &findings, name, tip)), findings));
    }
    let files = edits.file_changes();
    if files.is_empty() {
        return Ok((Decision::Nothing, findings));
    }
    let edit = Edit { files, message: edits.message(request) };
    let decision = match supports(snapshot, &edit) {
        Ok(()) => Decision::Write(edit),
        Err(unsupported) => Decision::Refuse(Stop::Unsupported(unsupported)),
    };
    Ok((decision, findings))
}

fn stop(report: Report) -> Decision<Stop> {
    Decision::Refuse(Stop::Said(Box::new(report)))
}

async fn dry_run<B: Branch>(
    guards: &Guards<'_, Git<'_>, Git<'_>>,
    branch: &B,
    shown: &str,
    supports: impl Fn(&Snapshot, &Edit) -> Result<(), Unsupported>,
) -> Result<Ended, Failure> {
    let (request, name) = (guards.request, guards.name);
    let snapshot = match branch::read(guards.world, branch, &request.paths()).await {
        Ok(snapshot) => snapshot,
        Err(BranchError::Missing) => return Ok(said(say::nowhere(request, branch::missing(name, shown)))),
        Err(BranchError::Failed(failure)) => return Err(failure),
    };
    let mut edits = Edits::of(request, &snapshot.entries);
    let place = Place::Branch(name, &snapshot.tip);
    let (decision, findings) = decide(guards, &mut edits, &snapshot, supports).await?;
    Ok(match decision {
        Decision::Refuse(Stop::Said(report)) => said(say::why_not(*report, &findings)),
        Decision::Refuse(stop) => stop.into(),
        Decision::Nothing => said(say::why_not(say::unchanged(request, &edits, &place), &findings)),
        Decision::Write(_) => said(say::dry_run(request, &edits, &place, &findings)),
    })
}
