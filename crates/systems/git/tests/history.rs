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

#[tokio::test]
async fn a_merge_is_one_change_with_what_it_brought() {
    let remote = Remote::new();
    set(&remote, "one");
    let checkout = remote.checkout("main");
    checkout.git(&["checkout", "--quiet", "-b", "feature"]);
    for content in ["a", "b"] {
        checkout.write(PATH, content);
        checkout.git(&["commit", "--quiet", "-am", content]);
    }
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "feature"]);
    checkout.git(&["push", "--quiet", "origin", "main"]);
    let world = world();
    let all = changes(&git(&world, &remote.url()), &remote, 100).await;
    assert_eq!(contents(&all), ["b", "one"]);
    assert_eq!(all.list[0].commit.as_str(), remote.tip("main"));
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
