//! The past of a branch through git, against real remotes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use branch::{Branch as _, Changes, CommitName, HISTORY_CUT, History as _, Relation};
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
    remote.commit("main", &[(PATH, content, false)], &format!("set {content}\n"))
}

async fn changes(git: &Git<'_>, remote: &Remote, most: usize) -> Changes {
    let tip = remote.tip("main").parse().unwrap();
    git.changes(&tip, &[PATH.to_owned()], most).await.unwrap().remove(PATH).unwrap()
}

fn contents(changes: &Changes) -> Vec<String> {
    let content =
        |content: &Option<Vec<u8>>| content.as_ref().map(|it| String::from_utf8_lossy(it).into_owned());
    changes.list.iter().map(|change| content(&change.content).unwrap_or_else(|| "-".to_owned())).collect()
}

fn name(text: &str) -> CommitName {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_change_of_the_file_is_told_however_far_back_and_however_it_is_reached() {
    let remote = Remote::new();
    remote.pad(1);
    let first = set(&remote, "one");
    remote.pad(260);
    let second = set(&remote, "two");
    remote.pad(3);
    let http = remote.http_open();
    for url in [remote.path().display().to_string(), remote.url(), http.url()] {
        let world = world();
        let git = git(&world, &url);
        git.read(&[PATH.to_owned()]).await.unwrap();
        let all = changes(&git, &remote, 100).await;
        assert_eq!((contents(&all), all.is_whole), (vec!["two".to_owned(), "one".to_owned()], true));
        assert_eq!((all.list[0].commit.as_str(), all.list[1].commit.as_str()), (&*second, &*first));
        assert_eq!((all.list[1].message.as_str(), all.list[1].date), ("set one\n", 1_735_689_600 + 60));
        let newest = changes(&git, &remote, 1).await;
        assert_eq!((contents(&newest), newest.is_whole), (vec!["two".to_owned()], false));
    }
}

#[tokio::test]
async fn a_file_begins_where_it_came_last_and_a_deletion_is_a_change() {
    let remote = Remote::new();
    set(&remote, "lost");
    remote.change("main", &[Change::delete(PATH)], "chore: gone\n");
    set(&remote, "one");
    remote.change("main", &[Change::executable(PATH, "one")], "chore: mode alone\n");
    set(&remote, "two");
    let world = world();
    let git = git(&world, &remote.url());
    let all = changes(&git, &remote, 100).await;
    assert_eq!((contents(&all), all.is_whole), (vec!["two".to_owned(), "one".to_owned()], true));
    remote.change("main", &[Change::delete(PATH)], "chore: gone again\n");
    assert_eq!(contents(&changes(&git, &remote, 100).await), ["-", "two", "one"]);
}

/// Sets the file on a branch, which is made at the tip of `main` if it is not there.
fn set_on(remote: &Remote, branch: &str, content: &str) -> String {
    remote.commit(branch, &[(PATH, content, false)], &format!("set {content}\n"))
}

/// The commits of the changes, each with what is said of it.
fn said(changes: &Changes) -> Vec<(&str, &str)> {
    changes.list.iter().map(|change| (change.commit.as_str(), change.message.trim())).collect()
}

#[tokio::test]
async fn a_merge_is_one_change_with_what_it_brought() {
    let remote = Remote::new();
    let one = set(&remote, "one");
    set_on(&remote, "feature", "a");
    set_on(&remote, "feature", "b");
    remote.commit("feature", &[("n", "n", false)], "chore: other\n");
    let merge = remote.merge("feature", "main", "Merge pull request #7");
    let world = world();
    let all = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(contents(&all), ["b", "one"]);
    assert_eq!(said(&all), [(&*merge, "set b"), (&*one, "set one")]);
    assert_eq!(all.list[0].parent.as_ref().unwrap().as_str(), one);
}

#[tokio::test]
async fn what_a_merge_brought_is_said_where_it_was_set_however_it_came_there() {
    let remote = Remote::new();
    let one = set(&remote, "one");
    // By a merge that was merged, while `main` went on elsewhere, and further back than is fetched first.
    set_on(&remote, "fix", "two");
    remote.commit("release", &[("r", "r", false)], "chore: release\n");
    remote.merge("fix", "release", "Merge pull request #8");
    for number in 0..260 {
        remote.commit("release", &[("n", &number.to_string(), false)], "chore: other\n");
    }
    remote.commit("main", &[("m", "m", false)], "chore: main\n");
    let two = remote.merge("release", "main", "Merge pull request #9");
    let world = world();
    let http = remote.http_open();
    for url in [remote.url(), http.url()] {
        let all = changes(&git(&world, &url), &remote, 100).await;
        assert_eq!(said(&all), [(&*two, "set two"), (&*one, "set one")]);
    }
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
    let world = world();
    let all = changes(&git(&world, &remote.url()), &remote, 100).await;
    let commits: Vec<&str> = said(&all).into_iter().map(|(commit, _)| commit).collect();
    assert_eq!((commits, said(&all)[0].1), (vec![&*merge, &*ours, &*start], "Merge pull request #7"));
}

#[tokio::test]
async fn a_file_that_was_moved_as_it_was_is_followed() {
    let remote = Remote::new();
    let move_to = |from: &str, to: &str, content: &str| {
        let changes = [Change::delete(from), Change::file(to, content)];
        remote.change("main", &changes, "refactor: move\n")
    };
    let [old, older] = ["deploy/prod/kustomization.yaml", "prod.yaml"];
    remote.commit("main", &[(older, "one", false), ("base.yaml", "two", false)], "set one\n");
    remote.commit("main", &[(older, "two", false)], "set two\n");
    move_to(older, old, "two");
    remote.commit("main", &[(old, "three", false)], "set three\n");
    move_to(old, PATH, "three");
    set(&remote, "four");
    let (world, all) = (world(), ["four", "three", "two", "one"]);
    let found = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!((contents(&found), found.is_whole), (all.map(str::to_owned).to_vec(), true));
    assert!(found.list.iter().all(|change| change.message.starts_with("set ")));
    // What was changed on the way is not known to be the same file, nor is one of two.
    move_to(PATH, old, "five");
    move_to(old, PATH, "five");
    let found = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!((contents(&found), found.is_whole), (vec!["five".to_owned()], true));
    remote.commit("main", &[("twin", "five", false)], "chore: twin\n");
    let both = [Change::delete(PATH), Change::delete("twin"), Change::file(old, "five")];
    let moved = remote.change("main", &both, "refactor: move\n");
    move_to(old, PATH, "five");
    let found = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!((said(&found), found.is_whole), (vec![(&*moved, "refactor: move")], true));
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
    let clone = ["clone", "--quiet", "--bare", "--depth=2", "--no-single-branch"];
    remote.git(&[&clone[..], &[&remote.url(), &shallow]].concat());
    let world = world();
    let git = git(&world, &shallow);
    let tip = remote.tip("main").parse().unwrap();
    let failure = git.changes(&tip, &[PATH.to_owned()], 100).await.unwrap_err();
    assert_eq!(failure.reason, HISTORY_CUT, "{}", failure.summary());
    let (newest, parent) = (name(tip.as_str()), name(&remote.log("main")[1].id));
    let found = git.relations(&newest, std::slice::from_ref(&parent)).await.unwrap();
    assert_eq!(found.others[0].0, Relation::After, "what is found is certain");
    let failure = git.relations(&newest, &[name(&remote.tip("aside"))]).await.unwrap_err();
    assert_eq!(failure.reason, HISTORY_CUT, "{}", failure.summary());
}

#[tokio::test]
async fn commits_are_before_after_apart_or_unknown_however_far_apart() {
    let remote = Remote::new();
    let old = set(&remote, "old");
    remote.pad(300);
    let new = set(&remote, "new");
    let aside = remote.commit("aside", &[("x", "x", false)], "feat: aside\n");
    remote.commit("aside", &[("x", "y", false)], "feat: aside again\n");
    let apart = set(&remote, "newest");
    let gone = "0".repeat(40);
    let http = remote.http_open();
    for url in [remote.url(), http.url()] {
        let world = world();
        let git = git(&world, &url);
        let ask = async |commit: &str, others: &[&str]| {
            let others: Vec<_> = others.iter().map(|other| name(other)).collect();
            git.relations(&name(commit), &others).await.unwrap()
        };
        let relations = |found: branch::Relations| found.others.iter().map(|it| it.0).collect::<Vec<_>>();
        use Relation::{After, Apart, Before, Unknown};
        assert_eq!(relations(ask(&new, &[&old, &new]).await), [After, After]);
        assert_eq!(relations(ask(&old, &[&new, &gone]).await), [Before, Unknown]);
        assert_eq!(relations(ask(&apart, &[&aside, &old, &gone]).await), [Apart, After, Unknown]);
        // By the digits that a tag has.
        let found = ask(&old[..8], &[&new[..8], &apart, "0000000"]).await;
        assert_eq!(found.commit.as_ref().unwrap().as_str(), old);
        assert_eq!(found.others[0].1.as_ref().unwrap().as_str(), new);
        assert_eq!(relations(found), [Before, Before, Unknown]);
        // Many that are gone do not hide one that is there.
        let gone_ones = (0..20).map(|number| format!("{number:040x}"));
        let many: Vec<String> = gone_ones.chain([apart.clone()]).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = relations(ask(&new, &many).await);
        assert_eq!((found[0], found[19], found[20]), (Unknown, Unknown, Before));
        let nobody = ask(&gone, &[&new]).await;
        assert_eq!((nobody.commit.as_ref(), relations(nobody.clone())), (None, vec![Unknown]));
    }
}

#[tokio::test]
async fn two_commits_differ_where_their_trees_do() {
    let remote = Remote::new();
    remote.commit("main", &[("src/a.rs", "a", false), ("src/b.rs", "b", false), (PATH, "1", false)], "one\n");
    let one = remote.tip("main").parse().unwrap();
    set(&remote, "2");
    let bump = remote.tip("main").parse().unwrap();
    let changes =
        [Change::delete("src/b.rs"), Change::executable("src/a.rs", "a"), Change::file("new/deep/file", "x")];
    remote.change("main", &changes, "two\n");
    let two = remote.tip("main").parse().unwrap();
    let world = world();
    let git = git(&world, &remote.url());
    assert_eq!(git.differences(&one, &bump, 100).await.unwrap(), [PATH]);
    assert_eq!(git.differences(&bump, &two, 100).await.unwrap(), ["new/deep/file", "src/a.rs", "src/b.rs"]);
    assert_eq!(git.differences(&bump, &two, 1).await.unwrap().len(), 1);
    assert!(git.differences(&two, &two, 100).await.unwrap().is_empty());
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
        let files = vec![branch::FileChange { path: PATH.to_owned(), content: content.as_bytes().to_vec() }];
        let edit = branch::Edit { files, message: "set\n".to_owned() };
        let pushed = git.commit(&snapshot, &edit).await.unwrap();
        assert!(matches!(pushed, branch::Pushed::Landed { .. }), "{pushed:?}");
    }
    assert_eq!(remote.log("main").len(), 6);
    remote.fsck();
}
