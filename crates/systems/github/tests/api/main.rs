//! A branch through GitHub's API, against the lab's GitHub over a real repository.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod proposals;
mod refusals;

use std::time::{Duration, Instant};

use branch::{
    Branch as _, BranchError, CommitRequest, FileContent, PushResult, RejectionKind, Snapshot,
    TreeEntry,
};
use contract::{Commit, Failure, Vars, Verdict, World, asking};
use github::GitHub;
use lab::{GitRemote, ScriptedReply, github::Protection, repo::TreeChange};
use serde_json::json;

const PATH: &str = "overlays/prod/kustomization.yaml";
const SETTINGS: [&str; 1] = ["contents: write"];

fn remote() -> GitRemote {
    let remote = GitRemote::new();
    remote.commit(
        "main",
        &[(PATH, "one\n", false), ("README.md", "# dex\n", false)],
        "feat: start\n",
    );
    remote
}

fn world_with(server: &lab::FakeGitHub, token: &str) -> World {
    let (url, timeout) = (server.api_url(), Duration::from_secs(60));
    let vars: Vars = [("GITHUB_API_URL", url.as_str()), ("GITHUB_TOKEN", token)]
        .into_iter()
        .collect();
    World::for_tests_with(timeout, vars)
}

fn world(server: &lab::FakeGitHub) -> World {
    world_with(server, &server.token_with(&SETTINGS))
}

fn on<'w>(world: &'w World, branch: &str) -> GitHub<'w> {
    GitHub::new(
        world,
        "example/dex".parse().unwrap(),
        branch.parse().unwrap(),
    )
    .unwrap()
}

fn paths(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn edit(content: impl AsRef<[u8]>) -> CommitRequest {
    let files = vec![FileContent {
        path: PATH.to_owned(),
        content: content.as_ref().to_vec(),
    }];
    CommitRequest {
        files,
        message: "deploy(prod): two — v2\n\nRunbook-Image: two\n".to_owned(),
    }
}

async fn read(github: &GitHub<'_>) -> Snapshot {
    github.read(&paths(&[PATH])).await.unwrap()
}

async fn failure(github: &GitHub<'_>) -> Failure {
    match github.read(&paths(&[PATH])).await {
        Err(BranchError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn landed(pushed: PushResult) -> Commit {
    match pushed {
        PushResult::Landed { commit, .. } => commit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_verified_commit_is_two_requests() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    let before = remote.tip("main");
    let snapshot = read(&github).await;
    assert_eq!(snapshot.tip.as_str(), before);
    let commit = landed(github.commit(&snapshot, &edit("two\n")).await.unwrap());
    assert!(github.signature(&commit).await.unwrap().unwrap().is_valid);
    assert_eq!(server.asked(), ["query Read", "mutation Commit"]);
    let log = remote.log("main");
    assert_eq!(
        (log[0].id.as_str(), &log[0].parents),
        (commit.as_str(), &vec![before])
    );
    assert_eq!(
        log[0].message.trim_end(),
        "deploy(prod): two — v2\n\nRunbook-Image: two"
    );
    assert_eq!(remote.file("main", PATH).as_deref(), Some("two\n"));
    assert!(
        github.contains(&commit).await.unwrap() && github.contains(&snapshot.tip).await.unwrap()
    );
    assert!(
        !github
            .contains(&"a".repeat(40).parse().unwrap())
            .await
            .unwrap()
    );
    remote.fsck();
}

#[tokio::test]
async fn every_kind_of_entry_is_recognized() {
    let remote = remote();
    let changes = [
        TreeChange::symlink("link", "overlays"),
        TreeChange::submodule("module", &remote.tip("main")),
        TreeChange::executable("run.sh", "#!/bin/sh\n"),
        TreeChange::file("empty", ""),
    ];
    remote.change("main", &changes, "chore: odd things\n");
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let file = |content: &str, executable| TreeEntry::File {
        content: content.as_bytes().to_vec(),
        executable,
    };
    let at = |at: &str| at.to_owned();
    let expected = [
        ("", TreeEntry::Directory),
        ("overlays/prod", TreeEntry::Directory),
        (PATH, file("one\n", false)),
        ("run.sh", file("#!/bin/sh\n", true)),
        ("empty", file("", false)),
        ("nowhere", TreeEntry::Missing),
        ("README.md/below", TreeEntry::Missing),
        ("link", TreeEntry::Link { at: at("link") }),
        ("link/prod", TreeEntry::Link { at: at("link") }),
        ("module/a/b", TreeEntry::Submodule { at: at("module") }),
    ];
    let asked = paths(&expected.each_ref().map(|(path, _)| *path));
    let snapshot = on(&world, "main").read(&asked).await.unwrap();
    for (path, entry) in expected {
        assert_eq!(snapshot.entries[path], entry, "{path}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn contents_do_not_depend_on_graphql_text() {
    let contents: [&[u8]; 5] = [
        b"a\0b",
        b"caf\xe9\n",
        b"\xef\xbb\xbfbom\r\n",
        &[b'x'; 9000],
        b"\xff\xfea\0",
    ];
    for content in contents {
        let remote = remote();
        remote.change("main", &[TreeChange::file(PATH, content)], "chore: bytes\n");
        let server = lab::FakeGitHub::new(&remote);
        server.cut_texts_after(5000);
        let world = world(&server);
        let snapshot = read(&on(&world, "main")).await;
        assert_eq!(
            snapshot.entries[PATH],
            TreeEntry::File {
                content: content.to_vec(),
                executable: false
            }
        );
    }
}

#[tokio::test]
async fn a_missing_branch_is_not_an_outage() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    assert!(matches!(
        on(&world, "nope").read(&paths(&[PATH])).await,
        Err(BranchError::Missing)
    ));
}

#[tokio::test]
async fn a_hidden_repository_is_a_missing_permission() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let hidden = GitHub::new(
        &world,
        "example/hidden".parse().unwrap(),
        "main".parse().unwrap(),
    )
    .unwrap();
    let failure = failure(&hidden).await;
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::PERMISSION_MISSING)
    );
    assert!(
        failure.hints.join(" ").contains("--repository"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn after_a_lost_race_the_winner_is_read() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    let snapshot = read(&github).await;
    server.on_next_commit(|remote| {
        remote.commit("main", &[("human.txt", "me first\n", false)], "docs: human");
    });
    assert!(matches!(
        github.commit(&snapshot, &edit("two\n")).await.unwrap(),
        PushResult::Moved
    ));
    let again = read(&github).await;
    landed(github.commit(&again, &edit("two\n")).await.unwrap());
    assert_eq!(
        remote.file("main", "human.txt").as_deref(),
        Some("me first\n")
    );
    assert_eq!(remote.log("main").len(), 3);
}

#[tokio::test]
async fn a_branch_deleted_meanwhile_is_not_recreated() {
    let remote = remote();
    remote.commit("other", &[("x", "x", false)], "feat: other");
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "other");
    let snapshot = read(&github).await;
    server.on_next_commit(|remote| remote.delete_branch("other"));
    assert!(matches!(
        github.commit(&snapshot, &edit("two\n")).await,
        Err(BranchError::Missing)
    ));
    assert_eq!(remote.branches(), ["main"]);
}

#[tokio::test]
async fn branch_protection_differs_from_declined_contents() {
    let cases = [
        (
            Some(Protection {
                classic: true,
                reviews: 1,
                ..Protection::default()
            }),
            "approving review",
        ),
        (Some(Protection::default()), "through a pull request"),
        (None, "secrets"),
    ];
    for (protection, word) in cases {
        let remote = remote();
        let server = lab::FakeGitHub::new(&remote);
        let kind = if protection.is_some() {
            RejectionKind::Protected
        } else {
            RejectionKind::Declined
        };
        match protection {
            Some(protection) => server.protect("main", protection),
            None => {
                server.decline_with("Push cannot contain secrets\n\n- GitHub Personal Access Token")
            }
        }
        let world = world(&server);
        let github = on(&world, "main");
        let snapshot = read(&github).await;
        let PushResult::Rejected(rejection) =
            github.commit(&snapshot, &edit("two\n")).await.unwrap()
        else {
            panic!("{word}")
        };
        let said = format!("{} {}", rejection.word, rejection.lines.join(" "));
        assert!(
            rejection.kind == kind && said.contains(word),
            "{rejection:?}"
        );
        assert_eq!(remote.log("main").len(), 1);
    }
}

#[tokio::test]
async fn a_file_with_the_run_bit_needs_git() {
    let remote = remote();
    remote.change(
        "main",
        &[TreeChange::executable(PATH, "one\n")],
        "chore: run\n",
    );
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    let snapshot = read(&github).await;
    let unsupported = github.supports(&snapshot, &edit("two\n")).unwrap_err();
    assert_eq!(unsupported.path, PATH);
    assert!(github.commit(&snapshot, &edit("two\n")).await.is_err());
    assert_eq!(remote.mode("main", PATH).as_deref(), Some("100755"));
}

/// Returns an answer of GraphQL that reports an error.
fn graphql_error(kind: &str, message: &str) -> ScriptedReply {
    let error = json!({ "type": kind, "message": message, "path": ["repository"] });
    ScriptedReply::json(
        200,
        &json!({ "data": { "repository": null }, "errors": [error] }),
    )
}

async fn assert_failures(
    cases: impl IntoIterator<Item = (ScriptedReply, Verdict, contract::Reason)>,
) {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    for (reply, verdict, reason) in cases {
        server.answer_next([reply]);
        let failure = failure(&github).await;
        assert_eq!(
            (failure.verdict, failure.reason),
            (verdict, reason),
            "{}",
            failure.summary()
        );
    }
}

#[tokio::test]
async fn rejected_tokens_and_missing_permissions_are_denied() {
    let saml = "Resource protected by organization SAML enforcement.";
    let cases = [
        (
            ScriptedReply::json(401, &json!({ "message": "Bad credentials" })),
            asking::CREDENTIALS_REJECTED,
        ),
        (
            graphql_error("FORBIDDEN", "Resource not accessible"),
            asking::PERMISSION_MISSING,
        ),
        (
            graphql_error("INSUFFICIENT_SCOPES", "scopes"),
            asking::PERMISSION_MISSING,
        ),
        (
            ScriptedReply::json(403, &json!({ "message": saml })),
            asking::PERMISSION_MISSING,
        ),
    ];
    assert_failures(cases.map(|(reply, reason)| (reply, Verdict::Denied, reason))).await;
}

#[tokio::test]
async fn rate_limits_and_invalid_answers_are_unavailable() {
    let limited = graphql_error("RATE_LIMITED", "API rate limit exceeded")
        .header("X-RateLimit-Remaining", "0")
        .header("X-RateLimit-Reset", "99999999999");
    let secondary = json!({ "message": "You have exceeded a secondary rate limit." });
    let cases = [
        (limited, asking::RATE_LIMITED),
        (
            ScriptedReply::json(403, &secondary).retry_after(3600),
            asking::RATE_LIMITED,
        ),
        (
            graphql_error("", "Something went wrong while executing your query"),
            asking::SERVER_ERROR,
        ),
        (ScriptedReply::html(200), asking::NOT_THE_API),
        (ScriptedReply::json(200, &json!([])), asking::NOT_THE_API),
        (ScriptedReply::status(404), asking::NOT_THE_API),
    ];
    assert_failures(cases.map(|(reply, reason)| (reply, Verdict::Unavailable, reason))).await;
}

#[tokio::test]
async fn transient_errors_are_retried() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    server.answer_next([ScriptedReply::html(502), ScriptedReply::hang_up()]);
    read(&on(&world, "main")).await;
    assert_eq!(server.asked(), ["query Read", "query Read", "query Read"]);
}

#[tokio::test]
async fn a_short_rate_limit_is_waited_for() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    let snapshot = read(&github).await;
    let message = json!({ "message": "You have exceeded a secondary rate limit." });
    server.answer_next_change(ScriptedReply::json(403, &message).retry_after(1));
    let start = Instant::now();
    landed(github.commit(&snapshot, &edit("two\n")).await.unwrap());
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_commit_without_answer_is_found_by_history() {
    for reply in [ScriptedReply::hang_up(), ScriptedReply::html(502)] {
        let remote = remote();
        let server = lab::FakeGitHub::new(&remote);
        let world = world(&server);
        let github = on(&world, "main");
        let snapshot = read(&github).await;
        server.lose_answer(1, reply);
        let meanwhile = remote.clone();
        let person = std::thread::spawn(move || {
            lab::wait::until("the commit", || meanwhile.log("main").len() == 2);
            meanwhile.commit("main", &[("human.txt", "me too\n", false)], "docs: human");
        });
        let commit = landed(github.commit(&snapshot, &edit("two\n")).await.unwrap());
        person.join().unwrap();
        let titles: Vec<_> = remote
            .log("main")
            .iter()
            .map(|commit| commit.title().to_owned())
            .collect();
        assert_eq!(
            titles,
            ["docs: human", "deploy(prod): two — v2", "feat: start"]
        );
        assert_eq!(remote.log("main")[1].id, commit.as_str());
        assert!(
            github.signature(&commit).await.unwrap().unwrap().is_valid,
            "the signature is asked for"
        );
    }
}

#[tokio::test]
async fn a_failed_commit_is_not_taken_for_landed() {
    let remote = remote();
    let server = lab::FakeGitHub::new(&remote);
    let world = world(&server);
    let github = on(&world, "main");
    let snapshot = read(&github).await;
    server.answer_next_change(ScriptedReply::html(502));
    let Err(BranchError::Failed(failure)) = github.commit(&snapshot, &edit("two\n")).await else {
        panic!()
    };
    assert_eq!(failure.reason, asking::SERVER_ERROR);
    assert_eq!(remote.log("main").len(), 1);
    server.answer_next_change(ScriptedReply::hang_up());
    remote.commit("main", &[("human.txt", "me first\n", false)], "docs: human");
    assert!(matches!(
        github.commit(&snapshot, &edit("two\n")).await.unwrap(),
        PushResult::Moved
    ));
}

#[tokio::test]
async fn without_a_token_no_request_is_sent() {
    let world = World::for_tests(Duration::from_secs(1));
    let failure = GitHub::new(
        &world,
        "example/dex".parse().unwrap(),
        "main".parse().unwrap(),
    )
    .err()
    .unwrap();
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::NO_CREDENTIALS)
    );
}
