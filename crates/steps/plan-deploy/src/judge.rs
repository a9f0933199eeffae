//! Decides whether the commit deploys anything.

use branch::ChangedPaths;
use environments::{Environment, Runbook};

use crate::{observe::Observation, request::Request};

/// What the commit deploys.
#[derive(Debug)]
pub(crate) enum Judgement<'o> {
    /// These environments.
    Deploys(&'o [Environment]),
    /// Nothing: it changes only these overlays.
    OnlyOverlays(Vec<&'o str>),
    /// No environment deploys its branch.
    NoEnvironment,
    /// The source does not have the commit.
    CommitMissing,
    /// The branch of the environments does not have the commit.
    NotOnBranch,
    /// The source does not have the branch.
    BranchMissing,
}

pub(crate) fn judge<'o>(_request: &Request, observation: &'o Observation) -> Judgement<'o> {
    let Observation::Found {
        runbook,
        selected,
        changed,
        is_on_branch,
        ..
    } = observation
    else {
        return Judgement::BranchMissing;
    };
    if selected.is_empty() {
        return Judgement::NoEnvironment;
    }
    let Some(changed) = changed else {
        return Judgement::CommitMissing;
    };
    if !is_on_branch {
        return Judgement::NotOnBranch;
    }
    match only_overlays(runbook, changed) {
        Some(overlays) => Judgement::OnlyOverlays(overlays),
        None => Judgement::Deploys(selected),
    }
}

/// Returns the overlays that the commit changes, if it changes nothing else.
///
/// A commit that changes no path at all deploys: people push an empty commit to start a pipeline. So
/// does one with more paths than the source lists.
fn only_overlays<'o>(runbook: &'o Runbook, changed: &ChangedPaths) -> Option<Vec<&'o str>> {
    if !changed.is_complete || changed.paths.is_empty() {
        return None;
    }
    let mut overlays: Vec<&str> = Vec::new();
    for path in &changed.paths {
        let overlay = overlay_of(runbook, path)?;
        if !overlays.contains(&overlay) {
            overlays.push(overlay);
        }
    }
    Some(overlays)
}

/// Returns the overlay that a path belongs to.
fn overlay_of<'o>(runbook: &'o Runbook, path: &str) -> Option<&'o str> {
    let mut overlays = runbook.environments.iter().map(|one| one.overlay.as_str());
    overlays.find(|overlay| {
        path.strip_prefix(overlay)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNBOOK: &str = "\
image: ghcr.io/data-literate/dex
tag: sha-{sha:8}
environments:
  - { name: dev, branch: dev }
  - { name: stage, branch: main }
  - { name: prod, branch: main, overlay: deploy/prod }
";

    fn judged(paths: Option<&[&str]>, is_complete: bool, count: usize) -> String {
        let runbook: Runbook = RUNBOOK.parse().unwrap();
        let selected = runbook.environments[..count].to_vec();
        let changed = paths.map(|paths| ChangedPaths {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            is_complete,
        });
        let observation = Observation::Found {
            image: "ghcr.io/data-literate/dex:v1".parse().unwrap(),
            runbook: Box::new(runbook),
            selected,
            shown: "o/r".to_owned(),
            changed,
            is_on_branch: true,
        };
        let request = Request {
            commit: "1".repeat(40).parse().unwrap(),
            branch: None,
            names: Vec::new(),
            source_repository: None,
            config: None,
        };
        match judge(&request, &observation) {
            Judgement::Deploys(environments) => format!("deploys {}", environments.len()),
            Judgement::OnlyOverlays(overlays) => format!("only {}", overlays.join(" ")),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_commit_that_changes_only_overlays_deploys_nothing() {
        let stage = "infra/argocd/overlays/stage";
        let file = format!("{stage}/kustomization.yaml");
        for (paths, expected) in [
            (vec![file.as_str()], format!("only {stage}")),
            (
                vec![&file, "deploy/prod/a/b.yaml"],
                format!("only {stage} deploy/prod"),
            ),
            // Another environment's overlay is an overlay too.
            (
                vec!["infra/argocd/overlays/dev/x"],
                "only infra/argocd/overlays/dev".to_owned(),
            ),
            (vec![&file, "src/main.rs"], "deploys 2".to_owned()),
            (vec!["deploy/production/x"], "deploys 2".to_owned()),
            (vec!["deploy/prod"], "deploys 2".to_owned()),
            (vec![], "deploys 2".to_owned()),
        ] {
            assert_eq!(judged(Some(&paths), true, 2), expected, "{paths:?}");
        }
        assert_eq!(judged(Some(&[&file]), false, 2), "deploys 2");
    }

    #[test]
    fn an_empty_plan_is_no_pass() {
        assert_eq!(judged(Some(&["src/main.rs"]), true, 0), "NoEnvironment");
        assert_eq!(judged(None, true, 2), "CommitMissing");
    }
}
