//! The past of a branch through git, against real remotes: what only git has. The rest is told in every
//! way, by the tests of `remote`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use branch::{Ancestry, Branch as _, CommitName, FileHistory, HISTORY_CUT, History as _};
use contract::World;
use git::Git;
use lab::{Remote, repo::Change};

const PATH: &str = "overlays/prod/kustomization.yaml";

fn world() -> World {
    World::for_tests(Duration::from_secs(60))
}

fn git<'w>(world: &'w World, url: &str) -> Git<'w> {
    Git::new(world, url, "main".parse().unwrap()).unwrap()
}

fn set(remote: &Remote, content: &str) -> String {
    remote.commit(
        "main",
        &[(PATH, content, false)],
        &format!("set {content}\n"),
    )
}

async fn changes(git: &Git<'_>, remote: &Remote, most: usize) -> FileHistory {
    let tip = remote.tip("main").parse().unwrap();
    git.file_histories(&tip, &[PATH.to_owned()], most)
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

fn name(text: &str) -> CommitName {
    text.parse().unwrap()
}

/// The commits of the changes, each with what is said of it.
fn said(changes: &FileHistory) -> Vec<(&str, &str)> {
    changes
        .revisions
        .iter()
        .map(|change| (change.commit.as_str(), change.message.trim()))
        .collect()
}

#[tokio::test]
async fn a_file_that_was_moved_as_it_was_is_followed() {
    let remote = Remote::new();
    let move_to = |from: &str, to: &str, content: &str| {
        let changes = [Change::delete(from), Change::file(to, content)];
        remote.change("main", &changes, "refactor: move\n")
    };
    let [old, older] = ["deploy/prod/kustomization.yaml", "prod.yaml"];
    remote.commit(
        "main",
        &[(older, "one", false), ("base.yaml", "two", false)],
        "set one\n",
    );
    remote.commit("main", &[(older, "two", false)], "set two\n");
    move_to(older, old, "two");
    remote.commit("main", &[(old, "three", false)], "set three\n");
    move_to(old, PATH, "three");
    set(&remote, "four");
    let (world, all) = (world(), ["four", "three", "two", "one"]);
    let found = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(
        (contents(&found), found.is_complete),
        (all.map(str::to_owned).to_vec(), true)
    );
    assert!(
        found
            .revisions
            .iter()
            .all(|change| change.message.starts_with("set "))
    );
    // What was changed on the way is not known to be the same file, nor is one of two.
    move_to(PATH, old, "five");
    move_to(old, PATH, "five");
    let found = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(
        (contents(&found), found.is_complete),
        (vec!["five".to_owned()], true)
    );
    remote.commit("main", &[("twin", "five", false)], "chore: twin\n");
    let both = [
        Change::delete(PATH),
        Change::delete("twin"),
        Change::file(old, "five"),
    ];
    let moved = remote.change("main", &both, "refactor: move\n");
    move_to(old, PATH, "five");
    let found = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(
        (said(&found), found.is_complete),
        (vec![(&*moved, "refactor: move")], true)
    );
}

#[tokio::test]
async fn the_end_of_a_shallow_remote_is_not_taken_for_the_beginning() {
    let remote = Remote::new();
    set(&remote, "one");
    remote.pad(3);
    remote.commit("aside", &[("x", "x", false)], "feat: aside\n");
    remote.commit("main", &[("x", "y", false)], "feat: main\n");
    let folder = tempfile::tempdir().unwrap();
    let shallow = folder.path().join("shallow.git").display().to_string();
    let clone = [
        "clone",
        "--quiet",
        "--bare",
        "--depth=2",
        "--no-single-branch",
    ];
    remote.git(&[&clone[..], &[&remote.url(), &shallow]].concat());
    let world = world();
    let git = git(&world, &shallow);
    let tip = remote.tip("main").parse().unwrap();
    let failure = git
        .file_histories(&tip, &[PATH.to_owned()], 100)
        .await
        .unwrap_err();
    assert_eq!(failure.reason, HISTORY_CUT, "{}", failure.summary());
    let (newest, parent) = (name(tip.as_str()), name(&remote.log("main")[1].id));
    let found = git
        .ancestry(&newest, std::slice::from_ref(&parent))
        .await
        .unwrap();
    assert_eq!(
        found.others[0].0,
        Ancestry::Descendant,
        "what is found is certain"
    );
    let failure = git
        .ancestry(&newest, &[name(&remote.tip("aside"))])
        .await
        .unwrap_err();
    assert_eq!(failure.reason, HISTORY_CUT, "{}", failure.summary());
}

#[tokio::test]
async fn a_commit_can_still_be_pushed_when_the_past_was_asked() {
    let remote = Remote::new();
    set(&remote, "one");
    remote.pad(2);
    set(&remote, "two");
    let world = world();
    let git = git(&world, &remote.url());
    for content in ["three", "four"] {
        let snapshot = git.read(&[PATH.to_owned()]).await.unwrap();
        changes(&git, &remote, 100).await;
        let root = remote.log("main").last().unwrap().id.parse().unwrap();
        git.differences(&root, &snapshot.tip, 100).await.unwrap();
        let files = vec![branch::FileContent {
            path: PATH.to_owned(),
            content: content.as_bytes().to_vec(),
        }];
        let edit = branch::CommitRequest {
            files,
            message: "set\n".to_owned(),
        };
        let pushed = git.commit(&snapshot, &edit).await.unwrap();
        assert!(
            matches!(pushed, branch::PushResult::Landed { .. }),
            "{pushed:?}"
        );
    }
    assert_eq!(remote.log("main").len(), 6);
    remote.fsck();
}
