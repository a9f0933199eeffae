//! The branch of a branch is the same whichever way it is asked: git by a path, a URL and over HTTP, and
//! GitHub's API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use branch::{Ancestry, BranchName, CommitName, FileHistory, History as _};
use contract::{Vars, World};
use git::Git;
use github::GitHub;
use lab::{Remote, repo::Change};
use remote::RemoteBranch;

const PATH: &str = "overlays/prod/kustomization.yaml";

/// Has a claim hold of every way to a repository.
async fn every_way(remote: &Remote, claim: impl AsyncFn(&RemoteBranch<'_>)) {
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
    let server = lab::GitHub::new(remote);
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

fn set(remote: &Remote, content: &str) -> String {
    set_on(remote, "main", content)
}

/// Sets the file on a branch, which is made at the tip of `main` if it is not there.
fn set_on(remote: &Remote, branch: &str, content: &str) -> String {
    remote.commit(
        branch,
        &[(PATH, content, false)],
        &format!("set {content}\n"),
    )
}

async fn changes(branch: &RemoteBranch<'_>, remote: &Remote, most: usize) -> FileHistory {
    let tip = remote.tip("main").parse().unwrap();
    branch
        .file_histories(&tip, &[PATH.to_owned()], most)
        .await
        .unwrap()
        .remove(PATH)
        .unwrap()
}

fn contents(changes: &FileHistory) -> Vec<String> {
    let content = |content: &Option<Vec<u8>>| {
        content
            .as_ref()
            .map(|it| String::from_utf8_lossy(it).into_owned())
    };
    changes
        .revisions
        .iter()
        .map(|change| content(&change.content).unwrap_or_else(|| "-".to_owned()))
        .collect()
}

/// The commits of the changes, each with what is said of it.
fn said(changes: &FileHistory) -> Vec<(&str, &str)> {
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
async fn every_change_of_the_file_is_told_however_far_back() {
    let remote = Remote::new();
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
        assert_eq!(said(&all), [(&*second, "set two"), (&*first, "set one")]);
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

#[tokio::test]
async fn a_file_begins_where_it_came_last_and_a_deletion_is_a_change() {
    let remote = Remote::new();
    set(&remote, "lost");
    remote.change("main", &[Change::delete(PATH)], "chore: gone\n");
    set(&remote, "one");
    remote.change(
        "main",
        &[Change::executable(PATH, "one")],
        "chore: mode alone\n",
    );
    set(&remote, "two");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        assert_eq!(
            (contents(&all), all.is_complete),
            (vec!["two".to_owned(), "one".to_owned()], true)
        );
    })
    .await;
    remote.change("main", &[Change::delete(PATH)], "chore: gone again\n");
    every_way(&remote, async |branch| {
        assert_eq!(
            contents(&changes(branch, &remote, 100).await),
            ["-", "two", "one"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_merge_is_one_change_with_what_it_brought() {
    let remote = Remote::new();
    let one = set(&remote, "one");
    set_on(&remote, "feature", "a");
    set_on(&remote, "feature", "b");
    remote.commit("feature", &[("n", "n", false)], "chore: other\n");
    let merge = remote.merge("feature", "main", "Merge pull request #7");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        assert_eq!(contents(&all), ["b", "one"], "`a` was never on the branch");
        assert_eq!(said(&all), [(&*merge, "set b"), (&*one, "set one")]);
        assert_eq!(all.revisions[0].parent.as_ref().unwrap().as_str(), one);
    })
    .await;
}

#[tokio::test]
async fn what_a_merge_brought_is_said_where_it_was_set_however_it_came_there() {
    let remote = Remote::new();
    let one = set(&remote, "one");
    // By a merge that was merged, while `main` went on elsewhere, and further back than is asked for first.
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
        assert_eq!(
            said(&changes(branch, &remote, 100).await),
            [(&*two, "set two"), (&*one, "set one")]
        );
    })
    .await;
}

#[tokio::test]
async fn a_merge_that_made_the_file_itself_speaks_for_itself() {
    let remote = Remote::new();
    let lines = |first: &str, last: &str| format!("{first}\n{}{last}\n", "-\n".repeat(20));
    let start = set(&remote, &lines("a", "a"));
    set_on(&remote, "feature", &lines("b", "a"));
    let ours = set(&remote, &lines("a", "b"));
    let merge = remote.merge("feature", "main", "Merge pull request #7");
    // One that brings nothing new is no change at all.
    remote.commit("old", &[("x", "x", false)], "chore: x\n");
    remote.merge("old", "main", "Merge pull request #8");
    every_way(&remote, async |branch| {
        let all = changes(branch, &remote, 100).await;
        let commits: Vec<&str> = said(&all).into_iter().map(|(commit, _)| commit).collect();
        assert_eq!(
            (commits, said(&all)[0].1),
            (vec![&*merge, &*ours, &*start], "Merge pull request #7")
        );
    })
    .await;
}

#[tokio::test]
async fn every_way_tells_the_same_ancestry() {
    let remote = Remote::new();
    let old = set(&remote, "old");
    remote.pad(300);
    let new = set(&remote, "new");
    let aside = remote.commit("aside", &[("x", "x", false)], "feat: aside\n");
    remote.commit("aside", &[("x", "y", false)], "feat: aside again\n");
    let apart = set(&remote, "newest");
    let gone = "0".repeat(40);
    every_way(&remote, async |branch| {
        let ask = async |commit: &str, others: &[&str]| {
            let others: Vec<_> = others.iter().map(|other| name(other)).collect();
            branch.ancestry(&name(commit), &others).await.unwrap()
        };
        let ancestries = |found: branch::CommitAncestry| {
            found
                .others
                .iter()
                .map(|(ancestry, _)| *ancestry)
                .collect::<Vec<_>>()
        };
        use Ancestry::{Ancestor, Descendant, Diverged, Same, Unknown};
        assert_eq!(
            ancestries(ask(&new, &[&old, &new]).await),
            [Descendant, Same]
        );
        assert_eq!(
            ancestries(ask(&old, &[&new, &gone]).await),
            [Ancestor, Unknown]
        );
        assert_eq!(
            ancestries(ask(&apart, &[&aside, &old, &gone]).await),
            [Diverged, Descendant, Unknown]
        );
        // By the digits that a tag has.
        let found = ask(&old[..8], &[&new[..8], &apart, "0000000"]).await;
        assert_eq!(found.commit.as_ref().unwrap().as_str(), old);
        assert_eq!(found.others[0].1.as_ref().unwrap().as_str(), new);
        assert_eq!(ancestries(found), [Ancestor, Ancestor, Unknown]);
        // Many that are gone do not hide one that is there.
        let gone_ones = (0..20).map(|number| format!("{number:040x}"));
        let many: Vec<String> = gone_ones.chain([apart.clone()]).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = ancestries(ask(&new, &many).await);
        assert_eq!(
            (found[0], found[19], found[20]),
            (Unknown, Unknown, Ancestor)
        );
        let nobody = ask(&gone, &[&new]).await;
        assert_eq!(
            (nobody.commit.as_ref(), ancestries(nobody.clone())),
            (None, vec![Unknown])
        );
    })
    .await;
}

#[tokio::test]
async fn two_commits_differ_where_their_trees_do() {
    let remote = Remote::new();
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
        Change::delete("src/b.rs"),
        Change::executable("src/a.rs", "a"),
        Change::file("new/deep/file", "x"),
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
