//! The history of a branch through git, against real remotes: only what git alone can do. The tests
//! of `remote` cover the rest, in every way to ask.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use branch::{Ancestry, Branch as _, CommitName, FileHistory, HISTORY_CUT, History as _};
use contract::World;
use git::Git;
use lab::{GitRemote, repo::TreeChange};

const PATH: &str = "overlays/prod/kustomization.yaml";

fn world() -> World {
    World::for_tests(Duration::from_secs(60))
}

fn git<'w>(world: &'w World, url: &str) -> Git<'w> {
    Git::new(world, url, "main".parse().unwrap()).unwrap()
}

fn set(remote: &GitRemote, content: &str) -> String {
    remote.commit(
        "main",
        &[(PATH, content, false)],
        &format!("set {content}\n"),
    )
}

async fn history(git: &Git<'_>, remote: &GitRemote, most: usize) -> FileHistory {
    let tip = remote.tip("main").parse().unwrap();
    git.file_histories(&tip, &[PATH.to_owned()], most)
        .await
        .unwrap()
        .remove(PATH)
        .unwrap()
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

/// The commits of the revisions, each with its message.
fn messages(history: &FileHistory) -> Vec<(&str, &str)> {
    history
        .revisions
        .iter()
        .map(|revision| (revision.commit.as_str(), revision.message.trim()))
        .collect()
}

const OLD_PATH: &str = "deploy/prod/kustomization.yaml";

/// Moves a file, and gives it this content.
fn move_file(remote: &GitRemote, from: &str, to: &str, content: &str) {
    let changes = [TreeChange::delete(from), TreeChange::file(to, content)];
    remote.change("main", &changes, "refactor: move\n");
}

#[tokio::test]
async fn a_file_that_moved_unchanged_is_followed() {
    let remote = GitRemote::new();
    let older = "prod.yaml";
    remote.commit(
        "main",
        &[(older, "one", false), ("base.yaml", "two", false)],
        "set one\n",
    );
    remote.commit("main", &[(older, "two", false)], "set two\n");
    move_file(&remote, older, OLD_PATH, "two");
    remote.commit("main", &[(OLD_PATH, "three", false)], "set three\n");
    move_file(&remote, OLD_PATH, PATH, "three");
    set(&remote, "four");
    let (world, all) = (world(), ["four", "three", "two", "one"]);
    let found = history(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(
        (contents(&found), found.is_complete),
        (all.map(str::to_owned).to_vec(), true)
    );
    assert!(
        found
            .revisions
            .iter()
            .all(|revision| revision.message.starts_with("set "))
    );
}

#[tokio::test]
async fn a_move_with_a_change_begins_the_history() {
    let remote = GitRemote::new();
    set(&remote, "four");
    move_file(&remote, PATH, OLD_PATH, "five");
    move_file(&remote, OLD_PATH, PATH, "five");
    let world = world();
    let found = history(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(
        (contents(&found), found.is_complete),
        (vec!["five".to_owned()], true)
    );
}

#[tokio::test]
async fn of_two_equal_files_the_likelier_is_followed() {
    let remote = GitRemote::new();
    remote.commit(
        "main",
        &[(PATH, "five", false), ("twin", "five", false)],
        "set five\n",
    );
    let both = [
        TreeChange::delete(PATH),
        TreeChange::delete("twin"),
        TreeChange::file(OLD_PATH, "five"),
    ];
    remote.commit("main", &[(PATH, "four", false)], "set four\n");
    let last = set(&remote, "five");
    remote.change("main", &both, "refactor: move\n");
    move_file(&remote, OLD_PATH, PATH, "five");
    let world = world();
    let found = history(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(
        (messages(&found)[0], contents(&found), found.is_complete),
        (
            (&*last, "set five"),
            ["five", "four", "five"].map(str::to_owned).to_vec(),
            true
        )
    );
}

#[tokio::test]
async fn a_shallow_remote_does_not_hide_the_beginning() {
    let remote = GitRemote::new();
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
        "a found ancestor is certain"
    );
    let failure = git
        .ancestry(&newest, &[name(&remote.tip("aside"))])
        .await
        .unwrap_err();
    assert_eq!(failure.reason, HISTORY_CUT, "{}", failure.summary());
}

#[tokio::test]
async fn a_server_of_branches_alone_is_asked_for_its_branches() {
    let remote = GitRemote::new();
    let old = set(&remote, "one");
    remote.pad(300);
    let new = set(&remote, "two");
    remote.git(&["config", "uploadpack.allowAnySHA1InWant", "false"]);
    let server = remote.http_open();
    server.speak_version_zero();
    let (world, missing) = (world(), "1".repeat(40));
    let related = async |commit: &str, others: &[&str]| {
        let others: Vec<CommitName> = others.iter().map(|other| name(other)).collect();
        let git = git(&world, &server.url());
        git.ancestry(&name(commit), &others).await.unwrap()
    };
    let ancestries = |found: branch::CommitAncestry| -> Vec<Ancestry> {
        found
            .others
            .into_iter()
            .map(|(ancestry, _)| ancestry)
            .collect()
    };
    let found = related(&new, &[&new, &old, &missing]).await;
    assert_eq!(
        ancestries(found),
        [Ancestry::Same, Ancestry::Descendant, Ancestry::Unknown]
    );
    let found = related(&old, &[&new]).await;
    assert_eq!(ancestries(found), [Ancestry::Ancestor]);
    assert_eq!(related(&missing, &[&new]).await.commit, None);
}

#[tokio::test]
async fn a_commit_can_be_pushed_after_history_questions() {
    let remote = GitRemote::new();
    set(&remote, "one");
    remote.pad(2);
    set(&remote, "two");
    let world = world();
    let git = git(&world, &remote.url());
    for content in ["three", "four"] {
        let snapshot = git.read(&[PATH.to_owned()]).await.unwrap();
        history(&git, &remote, 100).await;
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
