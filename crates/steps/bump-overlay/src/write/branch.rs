//! One commit on a branch of a remote, without a checkout.

use branch::{CommitRequest, Name, Snapshot};
use contract::{Failure, Report, World};
use remote::{
    BranchRead, Decision, PullRequest, RemoteBranch, RemoteWriter, WriteOutcome, WritePlan,
};

use crate::{
    Facts,
    edits::Edits,
    guards::{Findings, Guards},
    request::Request,
    say::{self, Place},
};

/// Commits the image onto the branch, however often somebody else is faster.
pub(crate) async fn bump(request: &Request, name: &Name, world: &World) -> Result<Report, Failure> {
    let remote = RemoteWriter::find(
        &request.remote,
        name,
        request.source_repository.as_deref(),
        world,
    )
    .await?;
    let guards = Guards {
        request,
        overlays: remote.branch(),
        sources: remote.source(),
        world,
        name,
    };
    let mut bump = Bump {
        guards,
        edits: Edits(Vec::new()),
    };
    if request.dry_run {
        return dry_run(&mut bump, &remote).await;
    }
    let outcome = remote.write(&mut bump).await?;
    let edits = bump.edits;
    match outcome {
        WriteOutcome::Landed(commit) => Ok(say::committed(request, &edits, name, &commit)),
        WriteOutcome::Merged(pull, commit) => {
            Ok(say::merged(request, &edits, name, &pull, &commit))
        }
        WriteOutcome::Unchanged(tip) => {
            Ok(say::unchanged(request, &edits, &Place::Branch(name, &tip)))
        }
        WriteOutcome::Refused(report) => Ok(*report),
        WriteOutcome::Failed(problem) => say::failed(request, &edits, name, &problem),
    }
}

/// What is to be written, and what it was at the last tip.
struct Bump<'a, 'w> {
    guards: Guards<'a, RemoteBranch<'w>, RemoteBranch<'w>>,
    edits: Edits,
}

impl WritePlan for Bump<'_, '_> {
    type Refused = Box<Report>;

    fn paths(&self) -> Vec<String> {
        self.guards.request.paths()
    }

    fn directories(&self) -> Vec<String> {
        self.guards.request.directories()
    }

    async fn decide(&mut self, snapshot: &Snapshot) -> Result<Decision<Box<Report>>, Failure> {
        let request = self.guards.request;
        self.edits = Edits::of(request, &snapshot.entries);
        self.guards.world.learn(&self.edits.facts_before(request));
        Ok(decide(&self.guards, &mut self.edits, snapshot).await?.0)
    }

    fn proposed(&self, pull: &PullRequest) {
        let before = self.edits.facts_before(self.guards.request);
        self.guards.world.learn(&Facts {
            pull_request: pull.url.clone(),
            ..before
        });
    }
}

/// Decides what becomes of the files as they are now.
async fn decide(
    guards: &Guards<'_, RemoteBranch<'_>, RemoteBranch<'_>>,
    edits: &mut Edits,
    snapshot: &Snapshot,
) -> Result<(Decision<Box<Report>>, Findings), Failure> {
    let (request, name, tip) = (guards.request, guards.name, &snapshot.tip);
    if edits.is_refused() {
        let report = say::refused(request, edits, &Place::Branch(name, tip));
        return Ok((Decision::Refuse(Box::new(report)), Findings::default()));
    }
    if edits.changed().next().is_none() {
        return Ok((Decision::Nothing, Findings::default()));
    }
    let findings = guards.look(edits, tip).await?;
    findings
        .same()
        .for_each(|(path, why)| edits.keep(path, why));
    if findings.stop() {
        let report = say::stopped(request, edits, &findings, name, tip);
        return Ok((Decision::Refuse(Box::new(report)), findings));
    }
    let files = edits.file_changes();
    let decision = match files.is_empty() {
        true => Decision::Nothing,
        false => Decision::Write(CommitRequest {
            files,
            message: edits.message(request),
        }),
    };
    Ok((decision, findings))
}

async fn dry_run(bump: &mut Bump<'_, '_>, remote: &RemoteWriter<'_>) -> Result<Report, Failure> {
    let (request, name) = (bump.guards.request, bump.guards.name);
    let snapshot = match remote.read(&request.paths()).await? {
        BranchRead::Found(snapshot) => snapshot,
        BranchRead::Missing(problem) => return say::failed(request, &bump.edits, name, &problem),
    };
    let mut edits = Edits::of(request, &snapshot.entries);
    let (decision, findings) = decide(&bump.guards, &mut edits, &snapshot).await?;
    let place = Place::Branch(name, &snapshot.tip);
    Ok(match decision {
        Decision::Refuse(report) => say::why_not(*report, &findings),
        Decision::Nothing => say::why_not(say::unchanged(request, &edits, &place), &findings),
        Decision::Write(edit) => match remote.against(&snapshot, &edit) {
            Some(problem) => say::failed(request, &edits, name, &problem)?,
            None => say::dry_run(request, &edits, &place, &findings),
        },
    })
}
