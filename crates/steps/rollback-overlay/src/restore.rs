//! One commit on a branch of a remote, without a checkout.

use std::collections::BTreeMap;

use branch::{CommitRequest, FileContent, Snapshot};
use contract::{Failure, Report, World};
use overlay::Overlay;
use remote::{BranchRead, Decision, PullRequest, RemoteBranch, RemoteWriter, WriteOutcome};

use crate::{
    Facts, message,
    plan::{Plan, Planner},
    request::Request,
    say,
};

/// Commits the restored images onto the branch, however often somebody else is faster.
pub(crate) async fn restore(request: &Request, world: &World) -> Result<Report, Failure> {
    let remote = RemoteWriter::find(&request.remote, &request.branch, None, world).await?;
    let known = match &request.forge {
        Some(forge) => forge.ask(remote.branch(), world).await?,
        None => BTreeMap::new(),
    };
    let planner = Planner {
        request,
        history: remote.branch(),
        name: &request.branch,
        world,
        known,
        bad: BTreeMap::new(),
        facts: Facts::default(),
    };
    let mut restoring = Restoring {
        planner,
        plan: Plan(Vec::new()),
    };
    if request.dry_run {
        return dry_run(&mut restoring.planner, &remote).await;
    }
    let outcome = remote.write(&mut restoring).await?;
    let plan = &restoring.plan;
    match outcome {
        WriteOutcome::Landed(commit) => Ok(say::restored(request, plan, &commit)),
        WriteOutcome::Merged(pull, commit) => Ok(say::merged(request, plan, &pull, &commit)),
        WriteOutcome::Unchanged(tip) => Ok(say::unchanged(request, plan, &tip)),
        WriteOutcome::Refused(report) => Ok(*report),
        WriteOutcome::Failed(problem) => say::failed(request, plan, &problem),
    }
}

/// What is to be restored, and what it was at the last tip.
struct Restoring<'a, 'w> {
    planner: Planner<'a, RemoteBranch<'w>>,
    plan: Plan,
}

impl remote::WritePlan for Restoring<'_, '_> {
    type Refused = Box<Report>;

    fn paths(&self) -> Vec<String> {
        self.planner.request.paths()
    }

    fn directories(&self) -> Vec<String> {
        Overlay::directories(&self.planner.request.overlays)
    }

    async fn decide(&mut self, snapshot: &Snapshot) -> Result<Decision<Box<Report>>, Failure> {
        self.plan = self.planner.plan(snapshot).await?;
        Ok(decide(self.planner.request, &self.plan, snapshot))
    }

    fn proposed(&self, pull: &PullRequest) {
        let known = self.planner.facts.clone();
        self.planner.world.learn(&Facts {
            pull_request: pull.url.clone(),
            ..known
        });
    }
}

fn decide(request: &Request, plan: &Plan, snapshot: &Snapshot) -> Decision<Box<Report>> {
    if plan.stops() {
        return Decision::Refuse(Box::new(say::stopped(request, plan, &snapshot.tip)));
    }
    let files: Vec<FileContent> = plan
        .restored()
        .map(|(part, restored)| FileContent {
            path: part.path.clone(),
            content: restored.edited.text.clone(),
        })
        .collect();
    if files.is_empty() {
        return Decision::Nothing;
    }
    Decision::Write(CommitRequest {
        files,
        message: message::text(request, plan),
    })
}

async fn dry_run(
    planner: &mut Planner<'_, RemoteBranch<'_>>,
    remote: &RemoteWriter<'_>,
) -> Result<Report, Failure> {
    let request = planner.request;
    let snapshot = match remote.read(&request.paths()).await? {
        BranchRead::Found(snapshot) => snapshot,
        BranchRead::Missing(problem) => return say::failed(request, &Plan(Vec::new()), &problem),
    };
    let plan = planner.plan(&snapshot).await?;
    let report = match decide(request, &plan, &snapshot) {
        Decision::Refuse(report) => *report,
        Decision::Nothing => say::unchanged(request, &plan, &snapshot.tip),
        Decision::Write(edit) => match remote.against(&snapshot, &edit) {
            Some(problem) => say::failed(request, &plan, &problem)?,
            None => say::dry_run(request, &plan, &snapshot.tip),
        },
    };
    Ok(say::with_history(report, &plan))
}
