//! Reports the plan: the environments and the image in words, and as facts.

mod planned;

use contract::{Report, Subject};
use environments::{Environment, PATH, Runbook};

pub use self::planned::PlannedEnvironment;
use crate::{
    Facts,
    judge::Judgement,
    observe::Observation,
    reasons::{COMMIT_MISSING, COMMIT_NOT_ON_BRANCH, NO_ENVIRONMENT},
    request::Request,
};

pub(crate) fn report(
    request: &Request,
    observation: &Observation,
    judgement: &Judgement<'_>,
) -> Report {
    let commit = request.commit.short();
    let branch = branch(request, observation);
    match (observation, judgement) {
        (Observation::NoBranch { shown, .. }, _) => {
            let summary = format!("`{shown}` has no branch `{branch}`");
            Report::refused(branch::BRANCH_MISSING, summary)
                .hinted("check `--source-branch`, or the branch of the environment")
        }
        (Observation::Found { runbook, image, .. }, Judgement::Deploys(environments)) => {
            deploys(commit, &image.to_string(), runbook, environments)
        }
        (Observation::Found { .. }, Judgement::OnlyOverlays(overlays)) => {
            let overlays = overlays.join(", ");
            Report::unchanged(format!(
                "{commit} changes only {overlays}: nothing to deploy"
            ))
            .with_facts(&Facts {
                skip: Some(true),
                ..Facts::default()
            })
        }
        (Observation::Found { shown, .. }, Judgement::CommitMissing | Judgement::BranchMissing) => {
            Report::refused(COMMIT_MISSING, format!("`{shown}` has no commit {commit}")).hinted(
                "push the commit, or pass the repository of the code as `--source-repository`",
            )
        }
        (Observation::Found { shown, .. }, Judgement::NotOnBranch) => {
            let summary = format!("{commit} is not on branch `{branch}` of `{shown}`");
            Report::refused(COMMIT_NOT_ON_BRANCH, summary).hinted(
                "plan commits of this branch only: the event of a workflow also names commits and \
                 branches of forks",
            )
        }
        (Observation::Found { runbook, .. }, Judgement::NoEnvironment) => {
            let deploying: Vec<String> = runbook
                .environments
                .iter()
                .map(|one| format!("{} deploys from `{}`", one.name, one.branch))
                .collect();
            let summary = format!("no environment deploys from branch `{branch}`");
            Report::refused(NO_ENVIRONMENT, summary).hinted(format!(
                "`{PATH}` says: {}; run this step for these branches only",
                deploying.join(", ")
            ))
        }
    }
}

/// Returns the name of the branch whose environments are planned.
fn branch<'r>(request: &'r Request, observation: &'r Observation) -> &'r str {
    let of_environment = match observation {
        Observation::Found { selected, .. } => selected.first().map(|one| &one.branch),
        Observation::NoBranch { branch, .. } => Some(branch),
    };
    let branch = of_environment.or(request.branch.as_ref());
    branch.map_or("", |branch| branch.as_str())
}

fn deploys(commit: &str, image: &str, runbook: &Runbook, environments: &[Environment]) -> Report {
    let names: Vec<String> = environments.iter().map(|one| one.name.clone()).collect();
    let branch = environments.first().map(|one| one.branch.to_string());
    let summary = format!("{commit} deploys {} with {image}", names.join(", "));
    let facts = Facts {
        skip: Some(false),
        image: Some(image.to_owned()),
        branch,
        repository: runbook.repository.clone(),
        names: Some(names),
        overlays: Some(environments.iter().map(|one| one.overlay.clone()).collect()),
        environments: Some(environments.iter().map(PlannedEnvironment::from).collect()),
    };
    let subjects = environments.iter().map(|one| {
        let text = format!(
            "{} on branch {}, application {}",
            one.overlay, one.branch, one.app
        );
        Subject::passed(one.name.clone(), text)
    });
    let report = Report::passed(summary).with_facts(&facts).with_value(image);
    Report {
        subjects: subjects.collect(),
        ..report
    }
}
