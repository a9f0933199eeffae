//! What nobody should send: texts that are none, files that are too large, branches that jump. Each gets
//! its reason, and nothing is written or lost.

use std::fs;

use super::{PROD, STAGE, World, left_nothing, rollback};
use lab::{Run, repo::Change};

/// So much memory is enough for any run, however large the file that it meets.
const MEMORY_KIB: u64 = 48 << 10;

impl World {
    /// Commits a prod that no bump would write.
    fn break_prod(&self, bytes: &[u8]) {
        self.remote
            .change("main", &[Change::file(PROD, bytes)], "chore: oops\n");
    }
}

#[track_caller]
fn refused(world: &World, run: &Run, word: &str) {
    run.expect_code(10);
    let report = run.json();
    assert_eq!(
        (&report["reason"], &report["fault"]),
        (&"unsupported-yaml".into(), &"configuration".into())
    );
    let summary = report["summary"].as_str().unwrap();
    assert!(summary.contains(word) && summary.contains(PROD), "{run}");
    assert!(
        run.max_rss_kib.is_none_or(|kib| kib < MEMORY_KIB),
        "{:?} KiB",
        run.max_rss_kib
    );
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn what_is_no_text_refuses_and_what_was_none_is_passed_over() {
    let world = World::with(&["v1", "v2"]);
    let prod = world.prod("v2");
    let utf16: Vec<u8> = prod.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, word) in [
        (
            [prod.as_bytes(), b"# caf\xE9\n"].concat(),
            "byte 0xE9 is not UTF-8",
        ),
        ([b"\xFF\xFE", &*utf16].concat(), "UTF-16"),
        ([prod.as_bytes(), b"# \0\n"].concat(), "U+0000"),
    ] {
        world.break_prod(&bytes);
        refused(&world, &world.roll_back(&["--format", "json"]).run(), word);
    }
    world.commit(&[(PROD, prod)], "chore: mended\n");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_large_file_is_not_read_neither_now_nor_where_it_was_once() {
    let world = World::with(&["v1", "v2"]);
    world.break_prod(&vec![b'#'; 64 << 20]);
    let command = world.roll_back(&["--format", "json"]);
    refused(&world, &command.run(), "4 MiB");
    left_nothing(&command);
    world.commit(&[(PROD, world.prod("v2"))], "chore: mended\n");
    let run = command.run();
    run.expect_code(0);
    assert!(
        run.max_rss_kib.is_none_or(|kib| kib < MEMORY_KIB),
        "{:?} KiB",
        run.max_rss_kib
    );
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_tag_named_like_the_branch_does_not_matter() {
    let world = World::with(&["v1", "v2"]);
    let [newer, older] = [0, 1].map(|at| world.remote.log("main")[at].id.clone());
    world.remote.tag("main", &older);
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.remote.log("main")[0].parents, [newer]);
    assert_eq!(
        world.remote.git(&["rev-parse", "refs/tags/main"]).trim(),
        older
    );
    assert_eq!(
        world.remote.file("refs/heads/main", PROD),
        Some(world.prod("v1"))
    );
}

#[test]
fn a_repository_of_somebody_else_is_not_trusted_and_the_hint_says_how_to() {
    let world = World::with(&["v1", "v2"]);
    let checkout = world.remote.checkout("main");
    if !lab::give_away(checkout.path()) {
        println!("SKIPPED: only root may give files away");
        return;
    }
    let command = rollback().current_dir(checkout.path()).args([
        "--image",
        &world.name(),
        "--branch",
        "main",
    ]);
    let origin = command.args(["--overlay", PROD, "--format", "json"]);
    assert!(lab::give_away(&world.remote.path()));
    let remote = world.roll_back(&["--format", "json"]);
    for (command, folder) in [(origin, checkout.path()), (remote, &world.remote.path())] {
        let run = command.run();
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing", "{run}");
        let trust = format!(
            "git config --global --add safe.directory {}",
            folder.display()
        );
        assert!(run.json()["hints"].to_string().contains(&trust), "{run}");
    }
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn a_branch_that_is_forced_back_meanwhile_is_left_as_it_is() {
    let world = World::with(&["v1", "v2", "v3"]);
    let back = world.remote.log("main")[1].id.clone();
    let tip = back.clone();
    let race = world
        .remote
        .on_next_push(move |remote| drop(remote.git(&["update-ref", "refs/heads/main", &tip])));
    // The bad image went with that, and nobody called bad what is there now.
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(12);
    assert!(race.is_over());
    assert_eq!(
        (&run.json()["reason"], world.remote.tip("main")),
        (&"newer-image".into(), back)
    );
    assert_eq!(world.file(), world.prod("v2"));
    world.remote.fsck();
}

#[test]
fn an_overlay_or_a_branch_that_somebody_deletes_meanwhile_is_missing() {
    let world = World::with(&["v1", "v2"]);
    let race = world.remote.on_next_push(|remote| {
        remote.change(
            "main",
            &[Change::delete(PROD), Change::file(STAGE, "kept: true\n")],
            "chore: gone\n",
        );
    });
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(10);
    assert!(race.is_over());
    assert_eq!(run.json()["reason"], "overlay-missing");
    assert_eq!(world.remote.log("main")[0].title(), "chore: gone");
    let world = World::with(&["v1", "v2"]);
    let _race = world
        .remote
        .on_next_push(|remote| remote.delete_branch("main"));
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(10);
    assert_eq!(
        (&run.json()["reason"], world.remote.branches()),
        (&"branch-missing".into(), Vec::new())
    );
}

/// A token that is rejected, or works, and a password in the address: none is in any text.
#[test]
fn no_secret_is_in_any_text() {
    const TOKEN: &str = "ghs_Very-Secret_0123456789";
    let world = World::with(&["v1", "v2"]);
    for (password, code) in [("another", 21), (TOKEN, 0)] {
        let http = world.remote.http("x-access-token", password);
        let in_the_address = http
            .url()
            .replace("://", &format!("://x-access-token:{TOKEN}@"));
        for (url, format) in [
            (http.url(), "plain"),
            (http.url(), "json"),
            (http.url(), "github"),
            (in_the_address, "json"),
        ] {
            let command = world
                .at(&url, &["prod"])
                .args(["-vv", "--format", format, "--record"]);
            let home = command.home();
            let command = command
                .arg(home.join("record"))
                .env("GITHUB_OUTPUT", home.join("outputs"));
            let command = command.env("GITHUB_SERVER_URL", format!("http://{}", http.address()));
            let command = if url.contains('@') {
                command
            } else {
                command.env("RUNBOOK_GITHUB_TOKEN", TOKEN)
            };
            let run = command.run();
            run.expect_code(code);
            let mut texts = vec![run.stdout.clone(), run.stderr.clone()];
            texts.extend(files(&home));
            let lines = texts.iter().flat_map(|text| text.lines());
            // The base64 of the user and of the token's start.
            let tells = |line: &&str| {
                line.contains("Very-Secret") || line.contains("eC1hY2Nlc3MtdG9rZW46Z2hz")
            };
            let bad: Vec<_> = lines
                .filter(|line| !line.starts_with("::add-mask::"))
                .filter(tells)
                .collect();
            assert!(bad.is_empty(), "{format}: {bad:?}");
            assert!(home.join("record/run.json").exists());
        }
    }
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let mut texts = Vec::new();
    for path in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if path.is_dir() {
            texts.extend(files(&path));
        } else {
            texts.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
        }
    }
    texts
}
