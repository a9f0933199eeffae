//! What refusals of GitHub mean, and answers that are not GitHub's.

use github::TOO_LARGE;
use lab::{FakeGitHub, Faulty};
use serde_json::Value;

use super::*;

/// Returns an answer of GraphQL to a change that reports an error.
fn refusal(kind: &str, message: &str) -> ScriptedReply {
    let error = json!({ "type": kind, "message": message, "path": ["createCommitOnBranch"] });
    let data = json!({ "createCommitOnBranch": null });
    ScriptedReply::json(200, &json!({ "data": data, "errors": [error] }))
}

/// Commits while the next change gets this reply.
async fn committed(reply: ScriptedReply) -> Result<PushResult, BranchError> {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    let snapshot = read(&github).await;
    server.answer_next_change(reply);
    let result = github.commit(&snapshot, &edit("two\n")).await;
    assert_eq!(remote.log("main").len(), 1);
    result
}

fn failed(result: Result<PushResult, BranchError>) -> Failure {
    match result {
        Err(BranchError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

const LIMITS: [(&str, &str); 4] = [
    (
        "RATE_LIMIT",
        "API rate limit already exceeded for site ID installation.",
    ),
    (
        "RATE_LIMITED",
        "API rate limit exceeded for installation ID 1.",
    ),
    (
        "",
        "You have exceeded a secondary rate limit. Please wait a few minutes.",
    ),
    (
        "UNPROCESSABLE",
        "was submitted too quickly (createPullRequest)",
    ),
];

#[tokio::test]
async fn a_limit_in_status_200_is_a_limit() {
    for (kind, message) in LIMITS {
        let failure = failed(committed(refusal(kind, message)).await);
        assert_eq!(
            (failure.verdict, failure.reason),
            (Verdict::Unavailable, asking::RATE_LIMITED),
            "{message}"
        );
        assert!(failure.summary().contains("60 s"), "{}", failure.summary());
    }
    let limits = LIMITS.map(|(kind, message)| {
        (
            graphql_error(kind, message),
            Verdict::Unavailable,
            asking::RATE_LIMITED,
        )
    });
    assert_failures(limits).await;
}

#[tokio::test]
async fn a_question_that_is_too_large_is_asked_once() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let world = world(&server);
    for kind in ["RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"] {
        server.answer_next([graphql_error(
            kind,
            "Resource limits for this query exceeded.",
        )]);
        assert_eq!(
            failure(&on(&world, "main")).await.reason,
            TOO_LARGE,
            "{kind}"
        );
    }
    let error = json!({ "extensions": { "code": "undefinedField" }, "message": "no such field" });
    server.answer_next([ScriptedReply::json(200, &json!({ "errors": [error] }))]);
    assert_eq!(
        failure(&on(&world, "main")).await.reason,
        asking::NOT_THE_API
    );
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_slow_answer_is_asked_for_once_more() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let world = world(&server);
    let slow = json!({ "message": "We couldn't respond to your request in time." });
    let slow = || ScriptedReply::json(504, &slow);
    server.answer_next([slow(), slow(), slow()]);
    let failure = failure(&on(&world, "main")).await;
    assert_eq!(failure.reason, asking::SERVER_ERROR);
    assert!(
        failure.summary().contains("1A2B:3C4D"),
        "{}",
        failure.summary()
    );
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_tip_that_github_does_not_know_yet_has_moved() {
    let message = "No commit exists with specified expectedHeadOid 'x'.";
    let result = committed(refusal("NOT_FOUND", message)).await;
    assert!(matches!(result, Ok(PushResult::Moved)), "{result:?}");
}

#[tokio::test]
async fn a_branch_that_was_gone_for_a_moment_is_no_permission() {
    let message = "Could not resolve to a Ref with the name 'main'.";
    let result = committed(refusal("NOT_FOUND", message)).await;
    assert!(matches!(result, Ok(PushResult::Moved)), "{result:?}");
}

#[tokio::test]
async fn rules_about_content_are_not_about_the_account() {
    let prefix = "Repository rule violations found\n\n";
    for (text, kind) in [
        (
            "3 of 3 required status checks are expected.",
            RejectionKind::Protected,
        ),
        ("Secret detected in content", RejectionKind::Declined),
        (
            "Commit message must match a given regex pattern",
            RejectionKind::Declined,
        ),
    ] {
        match committed(refusal("FORBIDDEN", &format!("{prefix}{text}\n\n"))).await {
            Ok(PushResult::Rejected(rejection)) => assert_eq!(rejection.kind, kind, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refusal_has_the_hint_that_helps() {
    let saml = json!({ "type": "FORBIDDEN", "message": "Resource not accessible",
        "path": ["createCommitOnBranch"], "extensions": { "saml_failure": true } });
    let saml = ScriptedReply::json(200, &json!({ "data": null, "errors": [saml] }));
    let archived = json!({ "message": "Repository was archived so is read-only." });
    for (reply, hint) in [
        (saml, "single sign-on"),
        (ScriptedReply::json(403, &archived), "its owner"),
        (
            refusal("FORBIDDEN", "Resource not accessible by integration"),
            "`contents: write`",
        ),
    ] {
        let failure = failed(committed(reply).await);
        assert_eq!(failure.reason, asking::PERMISSION_MISSING);
        assert!(failure.hints.join(" ").contains(hint), "{failure:?}");
    }
}

/// Asks a server that is not GitHub.
async fn asked(reply: ScriptedReply) -> Failure {
    let server = Faulty::new([reply]);
    let url = format!("{}/api/v3", server.url());
    let vars: Vars = [("GITHUB_API_URL", url.as_str()), ("GITHUB_TOKEN", "ghs_x")]
        .into_iter()
        .collect();
    let world = World::for_tests_with(Duration::from_secs(60), vars);
    failure(&on(&world, "main")).await
}

#[tokio::test]
async fn a_firewalls_answer_is_not_githubs() {
    let json = |status, body: Value| ScriptedReply::json(status, &body);
    for reply in [
        ScriptedReply::html(401),
        ScriptedReply::html(403),
        ScriptedReply::html(404),
        ScriptedReply::status(403),
        json(401, json!({ "message": "Unauthorized" })),
        json(403, json!({ "message": "Forbidden" })),
        json(403, json!({ "error": "blocked by policy" })),
        json(200, json!({})),
        json(200, json!({ "message": "welcome" })),
    ] {
        let shown = format!("{reply:?}");
        let failure = asked(reply).await;
        assert_eq!(
            (failure.verdict, failure.reason),
            (Verdict::Unavailable, asking::NOT_THE_API),
            "{shown}"
        );
    }
    let docs = "https://docs.github.com/rest";
    let own = json!({ "message": "Bad credentials", "documentation_url": docs });
    let failure = asked(json(401, own)).await;
    assert_eq!(failure.reason, asking::CREDENTIALS_REJECTED);
}

#[tokio::test]
async fn the_hint_names_the_missing_write_permission() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world_with(&server, &server.token_with(&["contents: read"]));
    let github = on(&world, "main");
    let snapshot = read(&github).await;
    let Err(BranchError::Failed(failure)) = github.commit(&snapshot, &edit("two\n")).await else {
        panic!()
    };
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::PERMISSION_MISSING)
    );
    assert!(
        failure.hints.join(" ").contains("`contents: write`"),
        "{failure:?}"
    );
}

/// Long messages are cut; what is left of a secret there is still one.
#[tokio::test]
async fn an_error_is_redacted_before_it_is_cut() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let token = server.token_with(&SETTINGS);
    let world = world_with(&server, &token);
    let long = format!("{}{token}", "x".repeat(1990));
    let rest = ScriptedReply::json(403, &json!({ "message": long, "status": "403" }));
    for reply in [graphql_error("INTERNAL", &long), rest] {
        server.answer_next([reply]);
        let said = failure(&on(&world, "main")).await.summary();
        assert!(
            said.contains("xx***") && !said.contains(&token[..8]),
            "{said}"
        );
        assert!(said.len() < 3000, "{} bytes", said.len());
    }
}
