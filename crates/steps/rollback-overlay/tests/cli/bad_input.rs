//! Hostile input: files that are not text, files that are too large, branches that are forced. Each
//! has its reason, and nothing is written or lost.

use std::fs;

use super::{PROD, ProdWorld, STAGE, left_nothing, rollback};
use lab::{ProgramRun, repo::TreeChange};

/// The maximum memory of a run, however large the file that it reads.
const MEMORY_KIB: u64 = 48 << 10;

impl ProdWorld {
    /// Commits a prod that is not a kustomization.
    fn break_prod(&self, bytes: &[u8]) {
        self.remote
            .change("main", &[TreeChange::file(PROD, bytes)], "chore: oops\n");
    }
}

#[track_caller]
fn refused(world: &ProdWorld, run: &ProgramRun, word: &str) {
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
fn a_file_that_is_not_text_is_refused() {
    let world = ProdWorld::with(&["v1", "v2"]);
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
    world.commit(&[(PROD, prod)], "chore: repaired\n");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_large_file_is_read_at_no_revision() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world.break_prod(&vec![b'#'; 64 << 20]);
    let command = world.roll_back(&["--format", "json"]);
    refused(&world, &command.run(), "4 MiB");
    left_nothing(&command);
    world.commit(&[(PROD, world.prod("v2"))], "chore: repaired\n");
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
fn a_tag_named_like_the_branch_is_ignored() {
    let world = ProdWorld::with(&["v1", "v2"]);
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
fn another_users_repository_is_denied_with_a_hint() {
    let world = ProdWorld::with(&["v1", "v2"]);
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
fn a_branch_that_is_forced_back_is_superseded() {
    let world = ProdWorld::with(&["v1", "v2", "v3"]);
    let back = world.remote.log("main")[1].id.clone();
    let tip = back.clone();
    let race = world
        .remote
        .on_next_push(move |remote| drop(remote.git(&["update-ref", "refs/heads/main", &tip])));
    // The bad image is gone, and the flags do not call the deployed one bad.
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
fn an_overlay_or_branch_deleted_meanwhile_is_missing() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let race = world.remote.on_next_push(|remote| {
        remote.change(
            "main",
            &[
                TreeChange::delete(PROD),
                TreeChange::file(STAGE, "kept: true\n"),
            ],
            "chore: gone\n",
        );
    });
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(10);
    assert!(race.is_over());
    assert_eq!(run.json()["reason"], "overlay-missing");
    assert_eq!(world.remote.log("main")[0].title(), "chore: gone");
    let world = ProdWorld::with(&["v1", "v2"]);
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

#[test]
fn no_text_contains_a_secret() {
    const TOKEN: &str = "ghs_Very-Secret_0123456789";
    let world = ProdWorld::with(&["v1", "v2"]);
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
