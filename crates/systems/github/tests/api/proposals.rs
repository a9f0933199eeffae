//! Pull requests, as people and other runs treat them.

use branch::BranchName;
use github::{Proposal, PullRequestState};
use lab::FakeGitHub;

use super::*;

const HEAD: &str = "runbook/main/prod-1";

struct Proposed {
    remote: GitRemote,
    server: FakeGitHub,
    world: World,
}

impl Proposed {
    fn new() -> Self {
        let remote = remote();
        let server = FakeGitHub::new(&remote);
        let world = world_with(&server, &server.token());
        Self {
            remote,
            server,
            world,
        }
    }

    fn github(&self) -> GitHub<'_> {
        on(&self.world, "main")
    }
}

fn proposal<'g, 'w>(github: &'g GitHub<'w>) -> Proposal<'g, 'w> {
    let head = |_: &BranchName, _: &[String]| HEAD.to_owned();
    Proposal::new(github, github, head, paths(&["overlays/prod"])).unwrap()
}

async fn propose(proposal: &Proposal<'_, '_>, content: &str) -> Commit {
    let snapshot = proposal.read(&paths(&[PATH])).await.unwrap();
    let mut request = edit(content);
    request.message = format!("deploy(prod): {content}");
    landed(proposal.commit(&snapshot, &request).await.unwrap())
}

#[tokio::test]
async fn a_merge_is_known_without_its_commit_in_rest() {
    let proposed = Proposed::new();
    proposed.server.hide_merge_commits();
    let github = proposed.github();
    let proposal = proposal(&github);
    let commit = propose(&proposal, "two\n").await;
    assert_eq!(
        proposal.outcome(&commit).await.unwrap(),
        PullRequestState::Open
    );
    let merge: Commit = proposed.server.merge(1).parse().unwrap();
    let outcome = proposal.outcome(&commit).await.unwrap();
    assert_eq!(outcome, PullRequestState::Merged(merge));
}

#[tokio::test]
async fn a_rebased_pull_request_is_still_the_same() {
    let proposed = Proposed::new();
    let github = proposed.github();
    let proposal = proposal(&github);
    let commit = propose(&proposal, "two\n").await;
    proposed
        .remote
        .commit("main", &[("human.txt", "x\n", false)], "docs: x");
    proposed.server.update_by_rebase(1);
    assert_eq!(
        proposal.outcome(&commit).await.unwrap(),
        PullRequestState::Open
    );
    let merge: Commit = proposed.server.merge_by_rebase(1).parse().unwrap();
    let outcome = proposal.outcome(&commit).await.unwrap();
    assert_eq!(outcome, PullRequestState::Merged(merge.clone()));
    assert!(github.signature(&merge).await.unwrap().is_none());
}

#[tokio::test]
async fn another_change_in_the_pull_request_replaces_ours() {
    let proposed = Proposed::new();
    let github = proposed.github();
    let (ours, theirs) = (proposal(&github), proposal(&github));
    let commit = propose(&ours, "two\n").await;
    propose(&theirs, "three\n").await;
    assert_eq!(
        ours.outcome(&commit).await.unwrap(),
        PullRequestState::Superseded
    );
    proposed.server.merge(1);
    assert_eq!(
        ours.outcome(&commit).await.unwrap(),
        PullRequestState::Superseded
    );
}

#[tokio::test]
async fn a_rule_against_deletions_keeps_no_pull_request_old() {
    let proposed = Proposed::new();
    let github = proposed.github();
    let proposal = proposal(&github);
    propose(&proposal, "two\n").await;
    proposed.server.forbid_deletions();
    for content in ["three\n", "four\n"] {
        let commit = propose(&proposal, content).await;
        assert_eq!(proposed.remote.tip(HEAD), commit.as_str());
        assert_eq!(
            proposal.outcome(&commit).await.unwrap(),
            PullRequestState::Open
        );
    }
}

#[tokio::test]
async fn a_rule_against_force_pushes_keeps_no_pull_request_old() {
    for is_ruled in [true, false] {
        let proposed = Proposed::new();
        let github = proposed.github();
        let proposal = proposal(&github);
        propose(&proposal, "two\n").await;
        proposed.server.forbid_deletions();
        if is_ruled {
            proposed.server.forbid_force_pushes();
        } else {
            proposed.server.block_force_pushes();
        }
        let on_the_same_tip = propose(&proposal, "three\n").await;
        assert_eq!(proposed.remote.log(HEAD)[0].parents.len(), 1);
        // The base moves, too, at the same line.
        proposed
            .remote
            .commit("main", &[(PATH, "zero\n", false)], "revert: zero");
        for content in ["four\n", "five\n"] {
            let commit = propose(&proposal, content).await;
            assert_eq!(proposed.remote.tip(HEAD), commit.as_str());
            let outcome = proposal.outcome(&commit).await.unwrap();
            assert_eq!(outcome, PullRequestState::Open);
        }
        let log = proposed.remote.log(HEAD);
        assert!(log[1].parents.contains(&proposed.remote.tip("main")));
        assert!(log[0].parents.len() == 1 && log[1].parents.len() == 2);
        assert!(
            log.iter()
                .any(|commit| commit.id == on_the_same_tip.as_str())
        );
        proposed.server.merge(1);
        let merged = proposed.remote.file("main", PATH);
        assert_eq!(merged.as_deref(), Some("five\n"));
    }
}

#[tokio::test]
async fn what_another_run_does_to_branches_is_no_permission() {
    let proposed = Proposed::new();
    let github = proposed.github();
    let proposal = proposal(&github);
    propose(&proposal, "two\n").await;
    let aside = format!("{HEAD}-next");
    let snapshot = proposal.read(&paths(&[PATH])).await.unwrap();
    proposed
        .server
        .on_next_commit(move |remote| remote.delete_branch(&aside));
    let result = proposal.commit(&snapshot, &edit("three\n")).await;
    assert!(matches!(result, Ok(PushResult::Moved)), "{result:?}");
}
