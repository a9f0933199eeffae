//! The remote is real git, and races, refusals and HTTP are as they are elsewhere.

use lab::GitRemote;
use lab::repo::{AUTHOR, TreeChange};

fn remote() -> GitRemote {
    let remote = GitRemote::new();
    remote.commit(
        "main",
        &[("run.sh", "#!/bin/sh\n", true), ("a/b.txt", "one\n", false)],
        "feat: start\n",
    );
    remote
}

fn git() -> lab::HermeticCommand {
    let git = lab::HermeticCommand::new("git")
        .env("GIT_AUTHOR_NAME", "Another")
        .env("GIT_COMMITTER_NAME", "Another");
    git.env("GIT_AUTHOR_EMAIL", "another@example.com")
        .env("GIT_COMMITTER_EMAIL", "another@example.com")
}

#[test]
fn a_commit_has_its_files_and_its_parent() {
    let remote = remote();
    let first = remote.tip("main");
    let second = remote.commit(
        "main",
        &[("a/b.txt", "two\n", false)],
        "fix: two\n\nRunbook-Image: dex\n",
    );
    let log = remote.log("main");
    assert_eq!(log[0].id, second);
    assert_eq!(log[0].parents, [first]);
    assert_eq!(
        (log[0].author.as_str(), log[0].title()),
        (AUTHOR, "fix: two")
    );
    assert_eq!(log[0].trailer("Runbook-Image"), Some("dex"));
    assert_eq!(log[1].message, "feat: start\n");
    assert_eq!(log[0].date - log[1].date, 60);
    assert_eq!(remote.file("main", "a/b.txt").as_deref(), Some("two\n"));
    assert_eq!(remote.file("main", "a/c.txt"), None);
    assert_eq!(remote.mode("main", "run.sh").as_deref(), Some("100755"));
    assert!(
        remote.diff(&second).ends_with("@@ -1 +1 @@\n-one\n+two\n"),
        "{}",
        remote.diff(&second)
    );
    remote.fsck();
}

#[test]
fn the_same_commits_have_the_same_ids() {
    assert_eq!(remote().tip("main"), remote().tip("main"));
}

#[test]
fn trees_hold_links_submodules_and_deletions() {
    let remote = remote();
    let module = remote.tip("main");
    let changes = [
        TreeChange::symlink("link", "a/b.txt"),
        TreeChange::submodule("module", &module),
        TreeChange::delete("run.sh"),
    ];
    remote.change_as(
        "Another <another@example.com>",
        "main",
        &changes,
        "chore: odd things",
    );
    assert_eq!(
        remote.log("main")[0].author,
        "Another <another@example.com>"
    );
    assert_eq!(remote.mode("main", "link").as_deref(), Some("120000"));
    assert_eq!(remote.mode("main", "module").as_deref(), Some("160000"));
    assert_eq!(remote.mode("main", "run.sh"), None);
}

#[test]
fn branches_and_tags_come_and_go() {
    let remote = remote();
    remote.commit("stage", &[("c", "c", false)], "feat: c");
    remote.tag("main", &remote.tip("stage"));
    assert_eq!(remote.branches(), ["main", "stage"]);
    assert_eq!(remote.log("stage")[1].id, remote.tip("main"));
    remote.delete_branch("stage");
    assert_eq!(remote.branches(), ["main"]);
    assert_eq!(remote.log("main").len(), 1);
}

#[test]
fn a_checkout_pushes() {
    let remote = remote();
    let checkout = remote.checkout("main");
    checkout.write("d/e.txt", "e\n");
    checkout.commit_and_push("feat: e").unwrap();
    assert_eq!(remote.file("main", "d/e.txt"), checkout.read("d/e.txt"));
    assert_eq!(remote.pushes(), 1);
}

#[test]
fn a_refused_push_shows_the_reasons() {
    let remote = remote();
    let checkout = remote.checkout("main");
    remote.reject_with(
        "error: GH006: Protected branch update failed.\nerror: Two reviews are required.",
    );
    let refusal = checkout.commit_and_push("feat: no").unwrap_err();
    assert!(
        refusal.contains("remote: error: GH006: Protected branch update failed."),
        "{refusal}"
    );
    assert!(
        refusal.contains("remote: error: Two reviews are required."),
        "{refusal}"
    );
    assert!(refusal.contains("pre-receive hook declined"), "{refusal}");
    assert_eq!((remote.log("main").len(), remote.pushes()), (1, 1));
    remote.accept();
    checkout.commit_and_push("feat: yes").unwrap();
}

#[test]
fn a_push_loses_a_race_once() {
    let remote = remote();
    let checkout = remote.checkout("main");
    let race = remote.on_next_push(|remote| {
        remote.commit("main", &[("human.txt", "me first\n", false)], "docs: human");
    });
    let refusal = checkout.commit_and_push("feat: late").unwrap_err();
    assert!(
        refusal.contains("cannot lock ref") || refusal.contains("failed to update ref"),
        "{refusal}"
    );
    assert!(race.is_over());
    assert_eq!(remote.log("main")[0].title(), "docs: human");
    checkout.git(&["pull", "--quiet", "--rebase"]);
    checkout.commit_and_push("feat: in time").unwrap();
    assert_eq!(
        remote.file("main", "human.txt").as_deref(),
        Some("me first\n")
    );
    remote.fsck();
}

#[test]
fn ten_pushes_and_a_race_stay_linear() {
    let remote = remote();
    let race = remote.on_next_push(|remote| {
        remote.commit("main", &[("human.txt", "me first\n", false)], "docs: human");
    });
    std::thread::scope(|scope| {
        for number in 0..10 {
            let remote = &remote;
            scope.spawn(move || push_until_taken(remote, number));
        }
    });
    assert!(race.is_over());
    assert_eq!(remote.log("main").len(), 12);
    assert!(
        remote
            .log("main")
            .iter()
            .all(|commit| commit.parents.len() <= 1)
    );
    remote.fsck();
}

fn push_until_taken(remote: &GitRemote, number: usize) {
    let checkout = remote.checkout("main");
    checkout.write(&format!("file-{number}"), "x");
    let mut taken = checkout.commit_and_push("feat: one of ten").is_ok();
    while !taken {
        checkout.git(&["pull", "--quiet", "--rebase"]);
        taken = checkout.try_git(&["push", "--quiet"]).is_ok();
    }
}

#[test]
fn a_panicking_race_fails_its_test() {
    let remote = remote();
    let checkout = remote.checkout("main");
    let race = remote.on_next_push(|_| panic!("as planned"));
    checkout.commit_and_push("feat: meanwhile").unwrap();
    let heard = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(race)));
    assert!(heard.is_err());
}

#[test]
fn a_race_may_go_on_for_ever() {
    let remote = remote();
    let checkout = remote.checkout("main");
    let race = remote.on_every_push(|remote| {
        remote.commit(
            "main",
            &[("n", &remote.pushes().to_string(), false)],
            "chore: again",
        );
    });
    for _ in 0..3 {
        checkout.git(&["pull", "--quiet", "--rebase"]);
        checkout.commit_and_push("feat: late").unwrap_err();
    }
    drop(race);
    checkout.git(&["pull", "--quiet", "--rebase"]);
    checkout.commit_and_push("feat: at last").unwrap();
    assert_eq!(remote.pushes(), 4);
}

#[test]
fn a_big_repository_allows_partial_clones() {
    let start = std::time::Instant::now();
    let remote = GitRemote::with_files(20_000);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    let http = remote.http_open();
    let clone = ["clone", "--quiet", "--bare", "--depth=1", "--filter=tree:0"];
    assert_eq!(
        git()
            .args(clone)
            .arg(http.url())
            .run()
            .expect_code(0)
            .stderr,
        ""
    );
    let part = http.bytes_sent();
    git()
        .args(["clone", "--quiet", "--bare", &http.url()])
        .run()
        .expect_code(0);
    assert!(part < 10_000, "{part}");
    assert!(
        http.bytes_sent() - part > 1_000_000,
        "{}",
        http.bytes_sent()
    );
}

#[test]
fn a_push_over_http_needs_the_password() {
    let remote = remote();
    let http = remote.http("ada", "love/lace");
    let git = git();
    let refused = git
        .clone()
        .args(["clone", "--quiet", &http.url(), "refused"])
        .run();
    assert_eq!(refused.code, 128, "{refused}");
    assert_eq!(
        http.request_lines(),
        ["GET /remote.git/info/refs?service=git-upload-pack"]
    );
    let url = http.url().replace("://", "://ada:love%2Flace@");
    git.clone()
        .args(["clone", "--quiet", &url, "clone"])
        .run()
        .expect_code(0);
    let inside = git.clone().current_dir(git.home().join("clone"));
    inside
        .clone()
        .args(["commit", "--quiet", "--allow-empty", "-m", "feat: bob"])
        .run()
        .expect_code(0);
    inside.args(["push", "--quiet"]).run().expect_code(0);
    assert_eq!(
        remote.log("main")[0].author,
        "Another <another@example.com>"
    );
    assert!(
        http.authorizations()
            .iter()
            .flatten()
            .all(|shown| shown == "Basic YWRhOmxvdmUvbGFjZQ==")
    );
    assert!(http.bytes_sent() > 0);
}

#[test]
fn a_large_push_comes_through_in_chunks() {
    let remote = remote();
    let http = remote.http_open();
    let checkout = remote.checkout("main");
    let noise: Vec<_> = (0..100_000_u32)
        .map(|n| lab::image::sha256(&n.to_be_bytes()))
        .collect();
    checkout.write("noise", noise.join("\n"));
    checkout.git(&["remote", "set-url", "origin", &http.url()]);
    checkout.commit_and_push("feat: noise").unwrap();
    assert_eq!(remote.file("main", "noise"), checkout.read("noise"));
}

#[test]
fn http_says_no_as_often_as_told() {
    let remote = remote();
    let http = remote.http_open();
    let ask = || git().args(["ls-remote", &http.url()]).run();
    http.answer_next([502, 403]);
    let said = [ask(), ask(), ask()];
    assert!(said[0].stderr.contains("502"), "{}", said[0]);
    assert!(said[1].stderr.contains("403"), "{}", said[1]);
    assert_eq!(said[2].code, 0, "{}", said[2]);
    http.answer_always(401);
    assert_eq!(ask().code, 128);
    assert_eq!(http.requests(), 5, "the one that was answered asked twice");
}

#[test]
fn http_may_let_read_and_not_write() {
    let remote = remote();
    let http = remote.http_open();
    http.refuse_pushes(403, "Write access to repository not granted.\n");
    let checkout = remote.checkout("main");
    checkout.git(&["remote", "set-url", "origin", &http.url()]);
    checkout.git(&["fetch", "--quiet"]);
    let refusal = checkout.commit_and_push("feat: no").unwrap_err();
    assert!(
        refusal.contains("Write access to repository not granted."),
        "{refusal}"
    );
    assert_eq!(remote.pushes(), 0);
}
