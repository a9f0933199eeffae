//! Rules and refusals that meet the branches of pull requests after the change itself is proposed.

use lab::{FakeGitHub, ScriptedReply};
use serde_json::json;

use super::*;

/// Proposes stage, and then stage and prod, which closes the first pull request; the changes from
/// `nth` on lose their answers.
fn replacing(nth: usize) -> (FakeGitHub, lab::ProgramRun) {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let error = json!({ "type": "FORBIDDEN", "message": "Resource not accessible by integration" });
    let reply =
        json!({ "data": { "updateRefs": null, "updatePullRequest": null }, "errors": [error] });
    server.lose_answer(nth, ScriptedReply::json(200, &reply));
    let run = proposing(&server, &token, NEW, &["stage", "prod"])
        .args(["--timeout", "0"])
        .run();
    (server, run)
}

#[test]
fn a_smaller_pull_request_that_stays_is_a_notice() {
    // The changes are: branch, commit, pull request, closing the smaller one, and its branch.
    for (nth, said) in [
        (
            4,
            "pull request #1 may still be open, although #2 replaces it",
        ),
        (5, "of the closed pull request #1 may still exist"),
    ] {
        let (_server, run) = replacing(nth);
        run.expect_code(11);
        let report = run.json();
        assert_eq!(report["reason"], "not-merged", "{run}");
        assert_eq!(
            report["facts"]["pull_request"],
            "https://github.com/example/dex/pull/2"
        );
        let notices = report["notices"].to_string();
        assert!(notices.contains(said), "{nth}: {notices}");
        assert!(notices.contains("Resource not accessible"), "{notices}");
    }
}

#[test]
fn a_branch_without_force_pushes_is_said() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    server.forbid_force_pushes();
    let run = proposing(&server, &token, NEWER, &["stage"])
        .args(["--timeout", "0"])
        .run();
    run.expect_code(11);
    let notices = run.json()["notices"].to_string();
    assert!(notices.contains("force pushes to `runbook/main/"), "{run}");
    let head = heads(&remote).remove(0);
    assert_eq!((remote.log(&head).len(), server.pulls().len()), (3, 1));
    assert_eq!(
        remote.file(&head, STAGE),
        Some(overlays::stage("sha-7d3f0a11"))
    );
}
