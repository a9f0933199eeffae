//! The history of a branch through GitHub's API, against the lab's GitHub over a real repository: only
//! what the API alone does. The tests of `remote` cover the rest, in every way to ask.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use branch::{Ancestry, Branch as _, CommitName, FileHistory, History as _, TreeEntry};
use contract::{Commit, Failure, Vars, Verdict, World, asking};
use github::GitHub;
use lab::{GitRemote, ScriptedReply, repo::TreeChange};
use serde_json::json;

const PATH: &str = "overlays/prod/kustomization.yaml";

/// A server with `contents: read`, and a world that knows it.
struct ApiHistory {
    server: lab::FakeGitHub,
    world: World,
}

impl ApiHistory {
    fn new(remote: &GitRemote) -> Self {
        let server = lab::FakeGitHub::new(remote);
        let token = server.token_with(&["contents: read"]);
        let url = server.api_url();
        let vars: Vars = [("GITHUB_API_URL", url.as_str()), ("GITHUB_TOKEN", &token)]
            .into_iter()
            .collect();
        Self {
            server,
            world: World::for_tests_with(Duration::from_secs(60), vars),
        }
    }

    fn github(&self) -> GitHub<'_> {
        GitHub::new(
            &self.world,
            "example/dex".parse().unwrap(),
            "main".parse().unwrap(),
        )
        .unwrap()
    }

    async fn history(&self, remote: &GitRemote, most: usize) -> FileHistory {
        let tip = remote.tip("main").parse().unwrap();
        self.github()
            .file_histories(&tip, &[PATH.to_owned()], most)
            .await
            .unwrap()
            .remove(PATH)
            .unwrap()
    }

    async fn ancestry(&self, commit: &str, others: &[&str]) -> branch::CommitAncestry {
        let others: Vec<_> = others.iter().map(|other| name(other)).collect();
        self.github()
            .ancestry(&name(commit), &others)
            .await
            .unwrap()
    }
}

fn set(remote: &GitRemote, content: &str) -> String {
    remote.commit(
        "main",
        &[(PATH, content, false)],
        &format!("set {content}\n"),
    )
}

fn contents(history: &FileHistory) -> Vec<String> {
    history
        .revisions
        .iter()
        .map(|revision| match &revision.content {
            Some(content) => String::from_utf8_lossy(content).into_owned(),
            None => "-".to_owned(),
        })
        .collect()
}

fn name(text: &str) -> CommitName {
    text.parse().unwrap()
}

fn ancestries(found: &branch::CommitAncestry) -> Vec<Ancestry> {
    found.others.iter().map(|other| other.0).collect()
}

#[tokio::test]
async fn a_long_file_history_is_two_requests() {
    let remote = GitRemote::new();
    set(&remote, "one");
    remote.pad(100);
    set(&remote, "two");
    let here = ApiHistory::new(&remote);
    assert_eq!(contents(&here.history(&remote, 100).await), ["two", "one"]);
    assert_eq!(here.server.asked(), ["query History", "query Files"]);
}

/// Merges a branch that has set the file twice.
fn merged(remote: &GitRemote) {
    let checkout = remote.checkout("main");
    checkout.git(&["checkout", "--quiet", "-b", "feature"]);
    for content in ["a", "b"] {
        checkout.write(PATH, content);
        checkout.git(&[
            "commit",
            "--quiet",
            "-am",
            &format!("{content}\n\nRunbook-Run: {content}"),
        ]);
    }
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "feature"]);
    checkout.git(&["push", "--quiet", "origin", "main"]);
}

#[tokio::test]
async fn merged_commits_replace_an_old_merge() {
    let remote = GitRemote::new();
    set(&remote, "one");
    merged(&remote);
    remote.pad(101);
    assert_eq!(
        contents(&ApiHistory::new(&remote).history(&remote, 100).await),
        ["b", "a", "one"]
    );
}

#[tokio::test]
async fn a_move_that_github_does_not_show_is_incomplete() {
    let remote = GitRemote::new();
    let old = "old/kustomization.yaml";
    for (files, is_complete) in [(20, true), (320, false)] {
        let first = remote.commit("main", &[(old, "a: 1\n", false)], "feat: a\n");
        let mut changes: Vec<TreeChange> = (0..files)
            .map(|number| TreeChange::file(&format!("a/{files}/{number}"), number.to_string()))
            .collect();
        changes.extend([TreeChange::delete(old), TreeChange::file(PATH, "a: 1\n")]);
        remote.change("main", &changes, "refactor: move\n");
        let history = ApiHistory::new(&remote).history(&remote, 100).await;
        assert_eq!(history.is_complete, is_complete, "{files}");
        let oldest = history.revisions.last().unwrap();
        assert_eq!(oldest.commit.as_str() == first, is_complete, "{files}");
        remote.change("main", &[TreeChange::delete(PATH)], "chore: gone\n");
    }
}

#[tokio::test]
async fn merges_among_older_commits_are_incomplete() {
    let remote = GitRemote::new();
    set(&remote, "one");
    merged(&remote);
    let is_complete = async || {
        let api = ApiHistory::new(&remote);
        api.history(&remote, 100).await.is_complete
    };
    assert!(is_complete().await);
    // Now a merge is among the newest commits, and others may be among the older ones.
    remote.pad(101);
    merged(&remote);
    assert!(!is_complete().await);
}

#[tokio::test]
async fn binary_and_large_revisions_are_complete() {
    let remote = GitRemote::new();
    remote.change(
        "main",
        &[TreeChange::file(PATH, [0xff, 0xfe, 0])],
        "feat: bytes\n",
    );
    let large = "#".repeat(3 << 20);
    remote.commit("main", &[(PATH, &large, false)], "feat: large\n");
    remote.commit(
        "main",
        &[(PATH, &format!("{large}#"), false)],
        "feat: larger\n",
    );
    let here = ApiHistory::new(&remote);
    let all = here.history(&remote, 100).await;
    let sizes: Vec<usize> = all
        .revisions
        .iter()
        .map(|revision| revision.content.as_ref().unwrap().len())
        .collect();
    assert_eq!(sizes, [large.len() + 1, large.len(), 3]);
    assert_eq!(
        all.revisions[2].content.as_deref(),
        Some(&[0xff, 0xfe, 0][..])
    );
}

#[tokio::test]
async fn too_large_files_are_never_read() {
    let remote = GitRemote::new();
    set(&remote, "small");
    remote.commit(
        "main",
        &[(PATH, &"#".repeat(5 << 20), false)],
        "feat: huge\n",
    );
    let here = ApiHistory::new(&remote);
    let contents: Vec<bool> = here
        .history(&remote, 100)
        .await
        .revisions
        .iter()
        .map(|revision| revision.content.is_some())
        .collect();
    assert_eq!(contents, [false, true]);
    let snapshot = here.github().read(&[PATH.to_owned()]).await.unwrap();
    assert_eq!(snapshot.entries[PATH], TreeEntry::TooLarge);
    assert!(
        here.server
            .asked()
            .iter()
            .all(|asked| asked.starts_with("query ")),
        "no blob is fetched"
    );
}

#[tokio::test]
async fn sources_close_together_are_one_request() {
    let remote = GitRemote::new();
    let mut sources = Vec::new();
    for number in 0..15 {
        sources.push(set(&remote, &number.to_string()));
        remote.pad(8);
    }
    let here = ApiHistory::new(&remote);
    let newest = sources.pop().unwrap();
    let others: Vec<&str> = sources.iter().rev().map(String::as_str).collect();
    assert!(
        ancestries(&here.ancestry(&newest, &others).await)
            .iter()
            .all(|ancestry| *ancestry == Ancestry::Descendant)
    );
    assert_eq!(here.server.asked(), ["query Ancestry"]);
}

#[tokio::test]
async fn a_branch_name_is_not_a_commit() {
    let remote = GitRemote::new();
    let tip = set(&remote, "one");
    remote.git(&["branch", "abcdef1", &tip]);
    let found = ApiHistory::new(&remote).ancestry("abcdef1", &[&tip]).await;
    assert_eq!((found.commit, found.others[0].0), (None, Ancestry::Unknown));
}

#[tokio::test]
async fn commits_without_a_common_ancestor_have_diverged() {
    let remote = GitRemote::new();
    let one = set(&remote, "one");
    let other = remote.commit("orphan", &[("x", "x", false)], "feat: another beginning\n");
    let tree = remote.git(&["rev-parse", &format!("{other}^{{tree}}")]);
    let orphan = remote.git(&["commit-tree", "-m", "alone", tree.trim()]);
    let found = ApiHistory::new(&remote)
        .ancestry(orphan.trim(), &[&one])
        .await;
    assert_eq!(ancestries(&found), [Ancestry::Diverged]);
}

#[tokio::test]
async fn two_commits_differ_where_either_changed_a_file() {
    let remote = GitRemote::new();
    remote.commit(
        "main",
        &[
            ("src/a.rs", "a\n", false),
            ("src/b.rs", "b\n", false),
            (PATH, "1", false),
        ],
        "one\n",
    );
    let one: Commit = remote.tip("main").parse().unwrap();
    set(&remote, "2");
    let bump: Commit = remote.tip("main").parse().unwrap();
    let moved = [
        TreeChange::delete("src/b.rs"),
        TreeChange::file("src/c.rs", "b\n"),
        TreeChange::file("new/file", "x"),
    ];
    remote.change("main", &moved, "two\n");
    let two: Commit = remote.tip("main").parse().unwrap();
    remote.git(&["branch", "side", bump.as_str()]);
    let side: Commit = remote
        .commit("side", &[("src/d.rs", "d", false)], "side\n")
        .parse()
        .unwrap();
    let here = ApiHistory::new(&remote);
    let github = here.github();
    assert_eq!(github.differences(&one, &bump, 100).await.unwrap(), [PATH]);
    assert_eq!(github.differences(&bump, &one, 100).await.unwrap(), [PATH]);
    assert_eq!(
        github.differences(&bump, &two, 100).await.unwrap(),
        ["new/file", "src/b.rs", "src/c.rs"]
    );
    let both = ["new/file", "src/b.rs", "src/c.rs", "src/d.rs"];
    assert_eq!(github.differences(&side, &two, 100).await.unwrap(), both);
    assert_eq!(github.differences(&bump, &two, 1).await.unwrap().len(), 1);
    assert!(
        github
            .differences(&two, &two, 100)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_refused_question_is_an_error() {
    let remote = GitRemote::new();
    let tip = set(&remote, "one");
    let here = ApiHistory::new(&remote);
    let ask = async || -> Failure { here.github().ancestry(&name(&tip), &[]).await.unwrap_err() };
    here.server.answer_next([ScriptedReply::status(403)]);
    assert_eq!(ask().await.verdict, Verdict::Unavailable);
    let token = here.server.token_with(&[]);
    let url = here.server.api_url();
    let vars: Vars = [("GITHUB_API_URL", url.as_str()), ("GITHUB_TOKEN", &token)]
        .into_iter()
        .collect();
    let world = World::for_tests_with(Duration::from_secs(60), vars);
    let github = GitHub::new(
        &world,
        "example/dex".parse().unwrap(),
        "main".parse().unwrap(),
    )
    .unwrap();
    let failure = github
        .file_histories(&tip.parse().unwrap(), &[PATH.to_owned()], 9)
        .await
        .unwrap_err();
    assert_eq!(
        failure.reason,
        asking::PERMISSION_MISSING,
        "{}",
        failure.summary()
    );
    assert!(
        failure.hints.join(" ").contains("`contents: read`"),
        "{failure:?}"
    );
    let gone = "0".repeat(40).parse().unwrap();
    let failure = here
        .github()
        .file_histories(&gone, &[PATH.to_owned()], 9)
        .await
        .unwrap_err();
    assert!(
        failure.summary().contains("no longer has"),
        "{}",
        failure.summary()
    );
}

#[tokio::test]
async fn a_history_that_takes_too_long_is_asked_for_in_parts() {
    let remote = GitRemote::new();
    for content in ["one\n", "two\n"] {
        set(&remote, content);
    }
    let api = ApiHistory::new(&remote);
    let error = json!({ "type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits exceeded",
        "path": ["repository", "object"] });
    let partial = json!({ "data": { "repository": { "object": null } }, "errors": [error] });
    api.server
        .answer_next([ScriptedReply::json(200, &partial), ScriptedReply::html(502)]);
    let history = api.history(&remote, 10).await;
    assert_eq!(contents(&history), ["two\n", "one\n"]);
    let counts = api.server.seen().into_iter().filter_map(|seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).ok()?;
        body["variables"]["count"].as_u64()
    });
    // The second question is asked once more before it is made smaller.
    assert_eq!(counts.collect::<Vec<_>>(), [100, 50, 50]);
}
