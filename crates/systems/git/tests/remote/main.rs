//! A branch through git, against real remotes: by path, by `file://`, over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod secrets;

use std::time::Duration;

use branch::{
    Branch as _, BranchError, CommitRequest, FileContent, PushResult, RejectionKind, Snapshot,
    TreeEntry,
};
use contract::{Commit, Failure, Vars, Verdict, World, asking};
use git::Git;
use lab::{Faulty, GitRemote, ScriptedReply, repo::TreeChange};

const PATH: &str = "overlays/prod/kustomization.yaml";

fn remote() -> GitRemote {
    let remote = GitRemote::new();
    remote.commit(
        "main",
        &[(PATH, "one\n", true), ("README.md", "# dex\n", false)],
        "feat: start\n",
    );
    remote
}

fn world(vars: &[(&str, &str)]) -> World {
    let people = [
        ("GIT_AUTHOR_NAME", "The <Author>"),
        ("GIT_AUTHOR_EMAIL", "author@example.com"),
        ("GIT_COMMITTER_NAME", "Committer"),
        ("GIT_COMMITTER_EMAIL", "committer@example.com"),
    ];
    let vars: Vars = people.iter().chain(vars).copied().collect();
    World::for_tests_with(Duration::from_secs(60), vars)
}

fn git<'w>(world: &'w World, url: &str) -> Git<'w> {
    Git::new(world, url, "main".parse().unwrap()).unwrap()
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

async fn read(git: &Git<'_>) -> Snapshot {
    git.read(&paths(&[PATH])).await.unwrap()
}

fn content(snapshot: &Snapshot) -> &[u8] {
    match &snapshot.entries[PATH] {
        TreeEntry::File { content, .. } => content,
        other => panic!("{other:?}"),
    }
}

async fn failure(git: &Git<'_>) -> Failure {
    match git.read(&paths(&[PATH])).await {
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
async fn a_commit_lands_with_mode_message_and_people() {
    let served = remote();
    let http = served.http_open();
    for (remote, url) in [(remote(), None), (served.clone(), Some(http.url()))] {
        let before = remote.tip("main");
        for url in [url.unwrap_or_else(|| remote.path().display().to_string())] {
            let world = world(&[]);
            let git = git(&world, &url);
            let snapshot = read(&git).await;
            assert_eq!(
                (snapshot.tip.as_str(), content(&snapshot)),
                (before.as_str(), &b"one\n"[..])
            );
            let commit = landed(git.commit(&snapshot, &edit("two\n")).await.unwrap());
            let log = remote.log("main");
            assert_eq!(
                (log[0].id.as_str(), &log[0].parents),
                (commit.as_str(), &vec![before.clone()])
            );
            assert_eq!(
                log[0].message,
                "deploy(prod): two — v2\n\nRunbook-Image: two\n"
            );
            assert_eq!(log[0].author, "The Author <author@example.com>");
            assert_eq!(log[0].committer, "Committer <committer@example.com>");
            assert_eq!(remote.mode("main", PATH).as_deref(), Some("100755"));
            assert!(
                remote
                    .diff(commit.as_str())
                    .ends_with("@@ -1 +1 @@\n-one\n+two\n")
            );
            assert_eq!(remote.file("main", "README.md").as_deref(), Some("# dex\n"));
            remote.fsck();
        }
    }
}

#[tokio::test]
async fn file_urls_and_servers_without_filters_work() {
    let remote = remote();
    remote.git(&["config", "uploadpack.allowFilter", "false"]);
    let world = world(&[]);
    let git = git(&world, &remote.url());
    let snapshot = read(&git).await;
    landed(git.commit(&snapshot, &edit("two\n")).await.unwrap());
    assert_eq!(remote.file("main", PATH).as_deref(), Some("two\n"));
}

#[tokio::test]
async fn links_and_submodules_are_named_and_not_followed() {
    let remote = remote();
    let module = remote.tip("main");
    let changes = [
        TreeChange::symlink("link", "overlays"),
        TreeChange::submodule("module", &module),
        TreeChange::file("bytes", [0xff, 0, 0xfe]),
    ];
    remote.change("main", &changes, "chore: odd things");
    let world = world(&[]);
    let asked = [
        "link/prod/x",
        "module/x",
        "overlays",
        "overlays/x",
        "README.md/x",
        "",
        "bytes",
    ];
    let snapshot = git(&world, &remote.url())
        .read(&paths(&asked))
        .await
        .unwrap();
    let found: Vec<&TreeEntry> = asked.iter().map(|path| &snapshot.entries[*path]).collect();
    let expected = [
        TreeEntry::Link {
            at: "link".to_owned(),
        },
        TreeEntry::Submodule {
            at: "module".to_owned(),
        },
        TreeEntry::Directory,
        TreeEntry::Missing,
        TreeEntry::Missing,
        TreeEntry::Directory,
        TreeEntry::File {
            content: vec![0xff, 0, 0xfe],
            executable: false,
        },
    ];
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_missing_branch_is_not_an_outage() {
    let remote = remote();
    let world = world(&[]);
    let git = Git::new(&world, &remote.url(), "nope".parse().unwrap()).unwrap();
    assert!(matches!(
        git.read(&paths(&[PATH])).await,
        Err(BranchError::Missing)
    ));
}

#[tokio::test]
async fn a_tag_with_the_branch_name_is_ignored() {
    let remote = remote();
    let old = remote.tip("main");
    remote.commit("main", &[(PATH, "newer\n", false)], "feat: newer\n");
    remote.tag("main", &old);
    let world = world(&[]);
    let git = git(&world, &remote.url());
    let snapshot = read(&git).await;
    assert_eq!(content(&snapshot), b"newer\n");
    landed(git.commit(&snapshot, &edit("two\n")).await.unwrap());
    assert_eq!(remote.log("main").len(), 3);
    assert_eq!(remote.git(&["rev-parse", "refs/tags/main"]).trim(), old);
}

#[tokio::test]
async fn after_a_lost_race_the_winner_is_read() {
    let remote = remote();
    let world = world(&[]);
    let git = git(&world, &remote.url());
    let snapshot = read(&git).await;
    let race = remote.on_next_push(|remote| {
        remote.commit("main", &[("human.txt", "me first\n", false)], "docs: human");
    });
    assert!(matches!(
        git.commit(&snapshot, &edit("two\n")).await.unwrap(),
        PushResult::Moved
    ));
    assert!(race.is_over());
    let again = read(&git).await;
    assert_eq!(again.tip.as_str(), remote.tip("main"));
    landed(git.commit(&again, &edit("two\n")).await.unwrap());
    assert_eq!(
        remote.file("main", "human.txt").as_deref(),
        Some("me first\n")
    );
    assert!(matches!(
        git.commit(&snapshot, &edit("old\n")).await.unwrap(),
        PushResult::Moved
    ));
    remote.fsck();
}

#[tokio::test]
async fn a_branch_deleted_meanwhile_is_not_recreated() {
    let remote = remote();
    remote.commit("other", &[("x", "x", false)], "feat: other");
    let world = world(&[]);
    let git = Git::new(&world, &remote.url(), "other".parse().unwrap()).unwrap();
    let snapshot = read(&git).await;
    remote.delete_branch("other");
    assert!(matches!(
        git.commit(&snapshot, &edit("two\n")).await.unwrap(),
        PushResult::Moved
    ));
    assert_eq!(remote.branches(), ["main"]);
}

#[tokio::test]
async fn hooks_decline_and_protected_branches_forbid() {
    for (lines, kind, first) in [
        (
            "no deploys on Friday\nask ops",
            RejectionKind::Declined,
            "no deploys on Friday",
        ),
        (
            "error: GH006: Protected branch update failed for refs/heads/main.",
            RejectionKind::Protected,
            "error: GH006: Protected branch update failed for refs/heads/main.",
        ),
    ] {
        let remote = remote();
        remote.reject_with(lines);
        let world = world(&[]);
        let git = git(&world, &remote.url());
        let snapshot = read(&git).await;
        let PushResult::Rejected(rejection) = git.commit(&snapshot, &edit("two\n")).await.unwrap()
        else {
            panic!()
        };
        assert_eq!((rejection.kind, rejection.lines[0].as_str()), (kind, first));
        assert_eq!(
            (rejection.word.as_str(), remote.pushes()),
            ("pre-receive hook declined", 1)
        );
    }
}

#[tokio::test]
async fn a_missing_token_differs_from_a_wrong_one() {
    let remote = remote();
    let http = remote.http("x-access-token", "ghs_right");
    let server = format!("http://{}", http.address());
    let with = |token: &'static str| {
        [
            ("GITHUB_SERVER_URL", server.as_str()),
            ("RUNBOOK_GITHUB_TOKEN", token),
        ]
    };

    let right = world(&with("ghs_right"));
    let right = git(&right, &http.url());
    let snapshot = read(&right).await;
    landed(right.commit(&snapshot, &edit("two\n")).await.unwrap());
    assert!(
        http.authorizations().iter().all(Option::is_some),
        "every request carries the token"
    );

    let wrong = world(&with("ghs_wrong"));
    let wrong = failure(&git(&wrong, &http.url())).await;
    assert_eq!(
        (wrong.verdict, wrong.reason),
        (Verdict::Denied, asking::CREDENTIALS_REJECTED)
    );
    let none = world(&[]);
    let none = failure(&git(&none, &http.url())).await;
    assert_eq!(
        (none.verdict, none.reason),
        (Verdict::Denied, asking::NO_CREDENTIALS)
    );
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let remote = remote();
    let http = remote.http_open();
    let world = world(&[("RUNBOOK_GITHUB_TOKEN", "ghs_secret")]);
    read(&git(&world, &http.url())).await;
    assert!(http.authorizations().iter().all(Option::is_none));
}

#[tokio::test]
async fn a_password_in_the_url_is_never_shown() {
    let remote = remote();
    let http = remote.http("ada", "love/lace");
    let url = http.url().replace("://", "://ada:love%2Flace@");
    let world = world(&[]);
    let git = git(&world, &url);
    read(&git).await;
    http.answer_always(403);
    let failure = failure(&git).await;
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::PERMISSION_MISSING)
    );
    let said = format!("{} {}", failure.summary(), failure.hints.join(" "));
    assert!(
        !world.redact(&said).contains("lace") && said.contains("write to the repository"),
        "{said}"
    );
}

#[tokio::test]
async fn every_server_error_has_its_reason() {
    let remote = remote();
    let http = remote.http_open();
    let world = world(&[]);
    let git = git(&world, &http.url());
    for (status, kind, reason) in [
        (403, Verdict::Denied, asking::PERMISSION_MISSING),
        (404, Verdict::Denied, asking::NO_CREDENTIALS),
        (429, Verdict::Unavailable, asking::RATE_LIMITED),
        (500, Verdict::Unavailable, asking::SERVER_ERROR),
        (502, Verdict::Unavailable, asking::SERVER_ERROR),
    ] {
        http.answer_next([status]);
        let failure = failure(&git).await;
        assert_eq!(
            (failure.verdict, failure.reason),
            (kind, reason),
            "{status}: {}",
            failure.summary()
        );
    }
}

#[tokio::test]
async fn a_read_only_token_lacks_a_permission() {
    let remote = remote();
    let http = remote.http_open();
    http.refuse_pushes(403, "Write access to repository not granted.\n");
    let world = world(&[]);
    let git = git(&world, &http.url());
    let snapshot = read(&git).await;
    let Err(BranchError::Failed(failure)) = git.commit(&snapshot, &edit("two\n")).await else {
        panic!()
    };
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::PERMISSION_MISSING)
    );
}

#[tokio::test]
async fn the_branch_settles_an_uncertain_push() {
    let remote = remote();
    let http = remote.http_open();
    let world = world(&[]);
    let git = git(&world, &http.url());
    let snapshot = read(&git).await;
    http.refuse_pushes(502, "bad gateway\n");
    let PushResult::Uncertain { commit, failure } =
        git.commit(&snapshot, &edit("two\n")).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(failure.reason, asking::SERVER_ERROR);
    assert!(!git.contains(&commit).await.unwrap());
    assert!(git.contains(&snapshot.tip).await.unwrap());
    remote.commit("main", &[("x", "x", false)], "feat: x");
    assert!(
        git.contains(&snapshot.tip).await.unwrap(),
        "it is an ancestor of the tip now"
    );
}

#[tokio::test]
async fn a_closed_port_is_no_usage_error() {
    let world = world(&[]);
    let url = format!("http://{}/a.git", lab::closed_port());
    let failure_there = failure(&git(&world, &url)).await;
    assert_eq!(
        (failure_there.verdict, failure_there.reason),
        (Verdict::Unavailable, asking::UNREACHABLE)
    );
    let failure_here = failure(&git(&world, "/nowhere/a.git")).await;
    assert_eq!(
        failure_here.verdict,
        Verdict::Usage,
        "{}",
        failure_here.summary()
    );
}

#[tokio::test]
async fn a_large_repository_costs_less_than_a_megabyte() {
    let remote = GitRemote::with_files(20_000);
    remote.commit("main", &[(PATH, "one\n", false)], "feat: overlay\n");
    let http = remote.http_open();
    let world = world(&[]);
    let git = git(&world, &http.url());
    let start = std::time::Instant::now();
    let snapshot = read(&git).await;
    landed(git.commit(&snapshot, &edit("two\n")).await.unwrap());
    println!("{} bytes, {:?}", http.bytes_sent(), start.elapsed());
    assert!(http.bytes_sent() < 1 << 20, "{} bytes", http.bytes_sent());
    remote.fsck();
}

#[tokio::test]
async fn a_tip_is_that_of_exactly_this_branch() {
    let remote = remote();
    let old = remote.tip("main");
    let aside = remote.commit("aside/main", &[(PATH, "two\n", false)], "two\n");
    let main = remote.commit("main", &[(PATH, "three\n", false)], "three\n");
    remote.tag("main", &old);
    remote.git(&["update-ref", "refs/x/refs/heads/main", &old]);
    let world = world(&[]);
    let tip = async |name: &str| {
        let git = Git::new(&world, &remote.url(), name.parse().unwrap()).unwrap();
        git.tip().await.unwrap().map(|commit| commit.to_string())
    };
    for (name, expected) in [
        ("main", Some(&main)),
        ("aside/main", Some(&aside)),
        ("HEAD", Some(&main)),
    ] {
        assert_eq!(tip(name).await.as_ref(), expected, "{name}");
    }
    assert_eq!(tip("elsewhere").await, None);
    let nowhere = git(&world, &format!("http://{}/a.git", lab::closed_port()));
    assert_eq!(nowhere.tip().await.unwrap_err().reason, asking::UNREACHABLE);
}

#[tokio::test]
async fn a_page_is_no_git_server() {
    let page = "<!doctype html><html><head><title>Sign in</title></head></html>";
    for (status, kind, body) in [
        (200, "text/html", page),
        (200, "text/html", "<html>\n<body>\n</body>\n</html>\n"),
        (200, "application/json", "{\"message\":\"no\"}"),
        (404, "text/html", page),
        (403, "text/html", page),
        (403, "application/json", "{}"),
        (403, "text/plain", ""),
    ] {
        let reply = ScriptedReply::status(status).header("Content-Type", kind);
        let server = Faulty::new([reply.body(body)]);
        let world = world(&[]);
        let git = git(&world, &format!("{}/a/b", server.url()));
        let failure = failure(&git).await;
        let tip = git.tip().await.unwrap_err();
        for failure in [failure, tip] {
            assert_eq!(
                (failure.verdict, failure.reason),
                (Verdict::Unavailable, asking::NOT_THE_API),
                "{status} {kind}: {}",
                failure.summary()
            );
        }
    }
}
