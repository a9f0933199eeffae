//! A recorded run gives the same report again, offline.

use serde_json::Value;

use super::{at, both, on, ordinary, remote, writing};

fn replayed(directory: &std::path::Path) -> (Value, Value) {
    let (mut recorded, mut again) =
        contract::replay::<bump_overlay::BumpOverlay>(directory).unwrap();
    for report in [&mut recorded, &mut again] {
        report["elapsed_ms"] = Value::Null;
    }
    (recorded, again)
}

#[test]
fn a_commit_is_replayed_without_its_remote() {
    let remote = remote();
    let race = remote.on_next_push(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    let command = both(&remote);
    let record = command.home().join("record");
    command
        .clone()
        .arg("--record")
        .arg(&record)
        .run()
        .expect_code(0);
    assert!(race.is_over());
    drop((race, remote));
    let (recorded, again) = replayed(&record);
    assert_eq!(recorded, again);
    assert_eq!(recorded["verdict"], "passed");
}

#[test]
fn a_commit_through_the_api_is_replayed() {
    for flags in [
        &["--repository", "example/dex"][..],
        &["--repository", "example/dex", "--pull-request", "always"],
    ] {
        let remote = ordinary();
        let server = lab::FakeGitHub::new(&remote);
        server.on_next_commit(|remote| {
            remote.commit(
                "main",
                &[("human.txt", "me first\n", false)],
                "docs: human\n",
            );
        });
        server.merge_at_poll(2);
        let command = server.environment(writing(flags, &["stage"]), &server.token());
        let record = command.home().join("record");
        command
            .clone()
            .arg("--record")
            .arg(&record)
            .run()
            .expect_code(0);
        drop(server);
        let (recorded, again) = replayed(&record);
        assert_eq!(recorded, again);
        assert_eq!(recorded["verdict"], "passed");
    }
}

#[test]
fn refusals_failures_and_dry_runs_are_replayed() {
    let remote = remote();
    let missing = on(&remote, &["nowhere"]);
    let gone = at("http://127.0.0.1:1/a.git", &["prod"]);
    // How often an attempt fits into a longer time depends on the load.
    let gone = gone.args(["--timeout", "0"]);
    for command in [missing, on(&remote, &["prod"]).arg("--dry-run"), gone] {
        let record = command.home().join("record");
        drop(command.clone().arg("--record").arg(&record).run());
        let (recorded, again) = replayed(&record);
        assert_eq!(recorded, again);
    }
}

#[test]
fn the_guards_are_replayed_without_the_source() {
    let remote = remote();
    let source = |state: &str| remote.commit("main", &[("src/app.rs", state, false)], "feat: x\n");
    let (older, newer) = (source("one"), source("two"));
    let deploy = |source: &str| {
        let image = format!("registry.example/example/dex:sha-{}", &source[..8]);
        let command =
            super::bump().args(["--overlay", super::PROD, "--branch", "main", "--remote"]);
        command
            .arg(remote.path())
            .args(["--image", &image, "--source-commit", source])
    };
    for (source, code) in [(&newer, 0), (&older, 12), (&remote.tip("main"), 0)] {
        let command = deploy(source);
        let record = command.home().join("record");
        command
            .clone()
            .arg("--record")
            .arg(&record)
            .run()
            .expect_code(code);
        let (recorded, again) = replayed(&record);
        assert_eq!(recorded, again);
    }
}

#[test]
fn an_edit_in_place_is_replayed_without_files() {
    let remote = remote();
    let checkout = remote.checkout("main");
    let command = super::bump().current_dir(checkout.path()).args([
        "--overlay",
        super::PROD,
        "--image",
        super::NEW,
    ]);
    let record = command.home().join("record");
    command
        .clone()
        .arg("--record")
        .arg(&record)
        .run()
        .expect_code(0);
    drop(checkout);
    let (recorded, again) = replayed(&record);
    assert_eq!(recorded, again);
    assert_eq!(recorded["facts"]["lines"], 1);
}
