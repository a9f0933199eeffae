//! The history of a branch is the same in every way to read it: git by a path, a URL and over HTTP,
//! and GitHub's API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use branch::{
    Ancestry, BranchName, CommitAncestry, CommitName, FileHistory, History as _, Revision,
};
use contract::{Commit, Vars, World};
use git::Git;
use github::GitHub;
use lab::{GitRemote, repo::TreeChange};
use remote::RemoteBranch;

const PATH: &str = "overlays/prod/kustomization.yaml";

/// Checks a claim for every way to read a repository.
async fn every_way(remote: &GitRemote, claim: impl AsyncFn(&RemoteBranch<'_>)) {
    let main: BranchName = "main".parse().unwrap();
    let limit = Duration::from_secs(60);
    let http = remote.http_open();
    for url in [
        remote.path().display().to_string(),
        remote.url(),
        http.url(),
    ] {
        let world = World::for_tests(limit);
        claim(&RemoteBranch::Git(
            Git::new(&world, &url, main.clone()).unwrap(),
        ))
        .await;
    }
    let server = lab::FakeGitHub::new(remote);
    let (url, token) = (server.api_url(), server.token_with(&["contents: read"]));
    let vars: Vars = [("GITHUB_API_URL", url.as_str()), ("GITHUB_TOKEN", &token)]
        .into_iter()
        .collect();
    let world = World::for_tests_with(limit, vars);
    claim(&RemoteBranch::GitHub(
        GitHub::new(&world, "example/dex".parse().unwrap(), main).unwrap(),
    ))
    .await;
}

fn set(remote: &GitRemote, content: &str) -> String {
    set_on(remote, "main", content)
}

/// Sets the file on a branch, which is created at the tip of `main` if it is missing.
fn set_on(remote: &GitRemote, branch: &str, content: &str) -> String {
    remote.commit(
        branch,
        &[(PATH, content, false)],
        &format!("set {content}\n"),
    )
}

async fn changes(branch: &RemoteBranch<'_>, remote: &GitRemote, most: usize) -> FileHistory {
    let tip = remote.tip("main").parse().unwrap();
    branch
        .file_histories(&tip, &[PATH.to_owned()], most)
        .await
        .unwrap()
        .remove(PATH)
        .unwrap()
}

fn contents(changes: &FileHistory) -> Vec<String> {
    changes.revisions.iter().map(content).collect()
}

/// The content of the file, `-` for a deletion.
fn content(revision: &Revision) -> String {
    match &revision.content {
        Some(content) => String::from_utf8_lossy(content).into_owned(),
        None => "-".to_owned(),
    }
}

/// The commits of the changes, each with its message.
fn messages(changes: &FileHistory) -> Vec<(&str, &str)> {
    changes
        .revisions
        .iter()
        .map(|change| (change.commit.as_str(), change.message.trim()))
        .collect()
}

fn name(text: &str) -> CommitName {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_change_of_the_file_is_found() {
    let remote = GitRemote::new();
    remote.pad(1);
    let first = set(&remote, "one");
    remote.pad(260);
    let second = set(&remote, "two");
    remote.pad(3);
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        assert_eq!(
            (contents(&all), all.is_complete),
            (vec!["two".to_owned(), "one".to_owned()], true)
        );
        assert_eq!(
            messages(&all),
            [(&*second, "set two"), (&*first, "set one")]
        );
        assert_eq!(
            all.revisions[0].parent.as_ref().unwrap().as_str(),
            remote.log("main")[4].id
        );
        assert_eq!(all.revisions[1].date, 1_735_689_600 + 60);
        let newest = changes(branch, &remote, 1).await;
        assert_eq!(
            (contents(&newest), newest.is_complete),
            (vec!["two".to_owned()], false)
        );
    })
    .await;
}

/// The contents of the revisions; a star marks those that came by a merge.
fn shape(history: &FileHistory) -> String {
    let revisions = history.revisions.iter().map(|revision| {
        let mark = if revision.is_merged { "*" } else { "" };
        format!("{}{mark}", content(revision).replace('\n', ""))
    });
    revisions.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_file_that_was_away_is_followed() {
    let remote = GitRemote::new();
    set(&remote, "lost");
    remote.change("main", &[TreeChange::delete(PATH)], "chore: gone\n");
    set(&remote, "one");
    remote.change(
        "main",
        &[TreeChange::executable(PATH, "one")],
        "chore: mode alone\n",
    );
    set(&remote, "two");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        assert_eq!(
            (shape(&all), all.is_complete),
            ("two one - lost".to_owned(), true)
        );
    })
    .await;
    remote.change("main", &[TreeChange::delete(PATH)], "chore: gone again\n");
    every_way(&remote, async |branch| {
        assert_eq!(
            shape(&changes(branch, &remote, 100).await),
            "- two one - lost"
        );
    })
    .await;
}

#[tokio::test]
async fn a_file_that_moved_is_followed() {
    const OLD: &str = "deploy/prod/kustomization.yaml";
    let lines = |last: &str| format!("{}{last}\n", "-\n".repeat(20));
    let remote = GitRemote::new();
    remote.pad(1);
    remote.commit("main", &[(OLD, &lines("one"), false)], "set one\n");
    remote.commit("main", &[(OLD, &lines("two"), false)], "set two\n");
    let moves = [
        TreeChange::delete(OLD),
        TreeChange::file(PATH, lines("three")),
    ];
    remote.change("main", &moves, "move, and set three\n");
    set(&remote, &lines("four"));
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        let shape = shape(&all).replace('-', "");
        assert_eq!(
            (shape.as_str(), all.is_complete),
            ("four three two one", true)
        );
    })
    .await;
}

#[tokio::test]
async fn a_merge_and_the_merged_changes_are_found() {
    let remote = GitRemote::new();
    let one = set(&remote, "one");
    set_on(&remote, "feature", "a");
    let b = set_on(&remote, "feature", "b");
    remote.commit("feature", &[("n", "n", false)], "chore: other\n");
    let merge = remote.merge("feature", "main", "Merge pull request #7");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        assert_eq!(shape(&all), "b b* a* one", "`a` was never on the branch");
        let newest = &all.revisions[0];
        assert_eq!(
            (
                newest.commit.as_str(),
                newest.parent.as_ref().unwrap().as_str()
            ),
            (&*merge, &*one)
        );
        assert!(newest.is_merge && newest.follows[0].as_str() == b);
    })
    .await;
}

#[tokio::test]
async fn a_merge_far_back_is_followed() {
    let remote = GitRemote::new();
    set(&remote, "one");
    // Through a merged merge, while `main` advances, and further back than the first request
    // reaches.
    set_on(&remote, "fix", "two");
    remote.commit("release", &[("r", "r", false)], "chore: release\n");
    remote.merge("fix", "release", "Merge pull request #8");
    for number in 0..260 {
        remote.commit(
            "release",
            &[("n", &number.to_string(), false)],
            "chore: other\n",
        );
    }
    remote.commit("main", &[("m", "m", false)], "chore: main\n");
    let two = remote.merge("release", "main", "Merge pull request #9");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        assert_eq!(shape(&all), "two two* one");
        assert_eq!(messages(&all)[0], (&*two, "Merge pull request #9"));
        assert_eq!(messages(&all)[1].1, "set two");
    })
    .await;
}

#[tokio::test]
async fn both_sides_of_a_textual_merge_are_followed() {
    let remote = GitRemote::new();
    let lines = |first: &str, last: &str| format!("{first}\n{}{last}\n", "-\n".repeat(20));
    let start = set(&remote, &lines("a", "a"));
    let theirs = set_on(&remote, "feature", &lines("b", "a"));
    let ours = set(&remote, &lines("a", "b"));
    let merge = remote.merge("feature", "main", "Merge pull request #7");
    // A merge that changes nothing is not a revision.
    remote.commit("old", &[("x", "x", false)], "chore: x\n");
    remote.merge("old", "main", "Merge pull request #8");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        let mut commits: Vec<&str> = messages(&all)
            .into_iter()
            .map(|(commit, _)| commit)
            .collect();
        assert_eq!((commits[0], commits[3]), (&*merge, &*start));
        commits[1..3].sort_unstable();
        let mut sides = [&*ours, &*theirs];
        sides.sort_unstable();
        assert_eq!(commits[1..3], sides);
        let follows: Vec<&str> = all.revisions[0]
            .follows
            .iter()
            .map(|commit| commit.as_str())
            .collect();
        assert_eq!(follows, [&*ours, &*theirs]);
    })
    .await;
}

/// How a commit relates to others, without their full ids.
async fn relations(branch: &RemoteBranch<'_>, commit: &str, others: &[&str]) -> Vec<Ancestry> {
    let found = ancestry(branch, commit, others).await;
    found.others.iter().map(|(ancestry, _)| *ancestry).collect()
}

async fn ancestry(branch: &RemoteBranch<'_>, commit: &str, others: &[&str]) -> CommitAncestry {
    let others: Vec<_> = others.iter().map(|other| name(other)).collect();
    branch.ancestry(&name(commit), &others).await.unwrap()
}

/// Two branches: `main` with 300 commits between the first two of these, and `aside`.
struct Fork {
    remote: GitRemote,
    old: String,
    new: String,
    aside: String,
    newest: String,
}

fn fork() -> Fork {
    let remote = GitRemote::new();
    let old = set(&remote, "old");
    remote.pad(300);
    let new = set(&remote, "new");
    let aside = remote.commit("aside", &[("x", "x", false)], "feat: aside\n");
    remote.commit("aside", &[("x", "y", false)], "feat: aside again\n");
    let newest = set(&remote, "newest");
    Fork {
        remote,
        old,
        new,
        aside,
        newest,
    }
}

#[tokio::test]
async fn every_way_finds_the_same_ancestry() {
    use Ancestry::{Ancestor, Descendant, Diverged, Same, Unknown};
    let fork = fork();
    let (old, new, missing) = (&*fork.old, &*fork.new, &*"0".repeat(40));
    every_way(&fork.remote, async |branch| {
        assert_eq!(
            relations(branch, new, &[old, new]).await,
            [Descendant, Same]
        );
        assert_eq!(
            relations(branch, old, &[new, missing]).await,
            [Ancestor, Unknown]
        );
        assert_eq!(
            relations(branch, &fork.newest, &[&fork.aside, old, missing]).await,
            [Diverged, Descendant, Unknown]
        );
        assert_eq!(relations(branch, missing, &[new]).await, [Unknown]);
        let found = ancestry(branch, missing, &[new]).await;
        assert_eq!(found.commit, None);
    })
    .await;
}

#[tokio::test]
async fn the_digits_of_a_tag_name_a_commit() {
    let fork = fork();
    let (old, new) = (&*fork.old, &*fork.new);
    every_way(&fork.remote, async |branch| {
        let found = ancestry(branch, &old[..8], &[&new[..8], &fork.newest, "0000000"]).await;
        assert_eq!(found.commit.as_ref().unwrap().as_str(), old);
        assert_eq!(found.others[0].1.as_ref().unwrap().as_str(), new);
        let relations: Vec<_> = found.others.iter().map(|(ancestry, _)| *ancestry).collect();
        assert_eq!(
            relations,
            [Ancestry::Ancestor, Ancestry::Ancestor, Ancestry::Unknown]
        );
    })
    .await;
}

#[tokio::test]
async fn many_missing_commits_do_not_hide_one() {
    let fork = fork();
    let missing = (0..20).map(|number| format!("{number:040x}"));
    let others: Vec<String> = missing.chain([fork.newest.clone()]).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    every_way(&fork.remote, async |branch| {
        let found = relations(branch, &fork.new, &others).await;
        assert_eq!(
            (found[0], found[19], found[20]),
            (Ancestry::Unknown, Ancestry::Unknown, Ancestry::Ancestor)
        );
    })
    .await;
}

#[tokio::test]
async fn two_commits_differ_where_their_trees_do() {
    let remote = GitRemote::new();
    remote.commit(
        "main",
        &[
            ("src/a.rs", "a", false),
            ("src/b.rs", "b", false),
            (PATH, "1", false),
        ],
        "one\n",
    );
    let one = remote.tip("main").parse().unwrap();
    set(&remote, "2");
    let bump = remote.tip("main").parse().unwrap();
    let changes = [
        TreeChange::delete("src/b.rs"),
        TreeChange::executable("src/a.rs", "a"),
        TreeChange::file("new/deep/file", "x"),
    ];
    remote.change("main", &changes, "two\n");
    let two = remote.tip("main").parse().unwrap();
    every_way(&remote, async |branch| {
        for (one, other) in [(&one, &bump), (&bump, &one)] {
            assert_eq!(branch.differences(one, other, 100).await.unwrap(), [PATH]);
        }
        let all = branch.differences(&bump, &two, 100).await.unwrap();
        assert_eq!(all, ["new/deep/file", "src/a.rs", "src/b.rs"]);
        assert_eq!(branch.differences(&bump, &two, 1).await.unwrap().len(), 1);
        assert!(
            branch
                .differences(&two, &two, 100)
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn a_commit_changes_paths_against_its_first_parent() {
    let remote = GitRemote::new();
    let files = [("src/a.rs", "a\n", false), (PATH, "1", false)];
    let first: Commit = remote.commit("main", &files, "one\n").parse().unwrap();
    let bump: Commit = set(&remote, "2").parse().unwrap();
    let changes = [
        TreeChange::delete("src/a.rs"),
        TreeChange::file("src/b.rs", "a\n"),
    ];
    let side: Commit = remote.change("side", &changes, "side\n").parse().unwrap();
    let merge: Commit = remote.merge("side", "main", "merge\n").parse().unwrap();
    let absent: Commit = "1".repeat(40).parse().unwrap();
    every_way(&remote, async |branch| {
        for (commit, paths) in [
            (&first, &[PATH, "src/a.rs"][..]),
            (&bump, &[PATH]),
            (&side, &["src/a.rs", "src/b.rs"]),
            (&merge, &["src/a.rs", "src/b.rs"]),
        ] {
            let mut changed = branch.changed_paths(commit).await.unwrap().unwrap();
            changed.paths.sort();
            assert_eq!((changed.paths, changed.is_complete), (texts(paths), true));
        }
        assert_eq!(branch.changed_paths(&absent).await.unwrap(), None);
    })
    .await;
}

fn texts(given: &[&str]) -> Vec<String> {
    given.iter().map(|text| (*text).to_owned()).collect()
}
