//! Hostile input: files that are not text, files that are too large, directories of another user,
//! branches that are forced. Each has its reason, and nothing is written or lost.

use std::{fs, path::Path};

use super::{NEW, OLD, PROD, STAGE, both, bump, left_nothing, on, ordinary, remote};
use lab::{ProgramRun, SmallDisk, overlays, repo::TreeChange};

/// The maximum memory of a run, however large the file that it reads.
const MEMORY_KIB: u64 = 48 << 10;

/// Bytes that are not a kustomization, and a part of the message about them.
fn not_text() -> [(Vec<u8>, &'static str); 5] {
    let prod = overlays::prod(OLD);
    let utf16 = |unit: fn(u16) -> [u8; 2]| prod.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    [
        (
            [prod.as_bytes(), b"# caf\xE9\n"].concat(),
            "byte 0xE9 is not UTF-8",
        ),
        ([b"\xFF\xFE", &*utf16(u16::to_le_bytes)].concat(), "UTF-16"),
        ([b"\xFE\xFF", &*utf16(u16::to_be_bytes)].concat(), "UTF-16"),
        (utf16(u16::to_le_bytes), ""),
        ([prod.as_bytes(), b"# \0\n"].concat(), "U+0000"),
    ]
}

/// A checkout of stage and prod, with this prod.
fn checkout(prod: &[u8]) -> lab::repo::WorkingCopy {
    let checkout = ordinary().checkout("main");
    checkout.write(PROD, prod);
    checkout
}

/// Stage and prod of the files in a folder.
fn here(folder: &Path) -> lab::HermeticCommand {
    let command = bump()
        .current_dir(folder)
        .args(["--image", NEW, "--format", "json"]);
    command.args(["--overlay", STAGE, "--overlay", PROD])
}

#[track_caller]
fn refused(run: &ProgramRun, reason: &str, word: &str) {
    run.expect_code(10);
    let report = run.json();
    assert_eq!(
        (&report["reason"], &report["fault"]),
        (&reason.into(), &"configuration".into()),
        "{run}"
    );
    let summary = report["summary"].as_str().unwrap();
    assert!(summary.contains(word) && summary.contains(PROD), "{run}");
    assert!(
        run.max_rss_kib.is_none_or(|kib| kib < MEMORY_KIB),
        "{:?} KiB",
        run.max_rss_kib
    );
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    for (bytes, word) in not_text() {
        let checkout = checkout(&bytes);
        refused(&here(checkout.path()).run(), "unsupported-yaml", word);
        assert_eq!(fs::read(checkout.path().join(PROD)).unwrap(), bytes);
        assert_eq!(checkout.read(STAGE), Some(overlays::stage(OLD)));
        let remote = remote();
        remote.change("main", &[TreeChange::file(PROD, &bytes)], "chore: oops\n");
        refused(
            &both(&remote).args(["--format", "json"]).run(),
            "unsupported-yaml",
            word,
        );
        assert_eq!(remote.pushes(), 0);
    }
}

#[test]
fn a_file_of_two_gigabytes_is_not_read() {
    let checkout = checkout(b"");
    let prod = fs::File::options()
        .write(true)
        .open(checkout.path().join(PROD))
        .unwrap();
    prod.set_len(2 << 30).unwrap();
    let run = here(checkout.path()).run();
    refused(&run, "unsupported-yaml", "4 MiB");
    assert_eq!(prod.metadata().unwrap().len(), 2 << 30);
    assert_eq!(checkout.read(STAGE), Some(overlays::stage(OLD)));
}

#[test]
fn a_large_remote_file_is_not_read() {
    let remote = remote();
    remote.change(
        "main",
        &[TreeChange::file(PROD, vec![b'#'; 64 << 20])],
        "chore: oops\n",
    );
    let command = both(&remote).args(["--format", "json"]);
    let run = command.run();
    println!("{:?}, {:?} KiB", run.elapsed, run.max_rss_kib);
    refused(&run, "unsupported-yaml", "4 MiB");
    assert_eq!(remote.pushes(), 0);
    left_nothing(&command);
    // Nor in the history, after the repair.
    remote.commit(
        "main",
        &[(PROD, &overlays::prod(OLD), false)],
        "chore: repaired\n",
    );
    let run = command.run();
    run.expect_code(0);
    assert!(
        run.max_rss_kib.is_none_or(|kib| kib < MEMORY_KIB),
        "{:?} KiB",
        run.max_rss_kib
    );
    assert_eq!(
        remote.file("main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
}

#[test]
fn a_tag_named_like_the_branch_is_ignored() {
    let remote = remote();
    let old = remote.tip("main");
    let newer = remote.commit("main", &[("human.txt", "newer\n", false)], "docs: human\n");
    remote.tag("main", &old);
    both(&remote).run().expect_code(0);
    assert_eq!(remote.log("main")[0].parents, [newer]);
    assert_eq!(remote.git(&["rev-parse", "refs/tags/main"]).trim(), old);
    assert_eq!(
        remote.file("refs/heads/main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
}

#[test]
fn another_users_checkout_is_edited_and_stays_theirs() {
    let checkout = checkout(overlays::prod(OLD).as_bytes());
    if !lab::give_away(checkout.path()) {
        println!("SKIPPED: only root may give files away");
        return;
    }
    here(checkout.path()).run().expect_code(0);
    assert_eq!(checkout.read(PROD), Some(overlays::prod("sha-51c0cc9c")));
    let owner = |path: &Path| std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).unwrap());
    assert_eq!(owner(&checkout.path().join(PROD)), owner(checkout.path()));
}

#[test]
fn another_users_repository_is_denied_with_a_hint() {
    let remote = remote();
    let checkout = remote.checkout("main");
    if !lab::give_away(checkout.path()) {
        println!("SKIPPED: only root may give files away");
        return;
    }
    let denied = |run: &ProgramRun, folder: &Path| {
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing", "{run}");
        let command = format!(
            "git config --global --add safe.directory {}",
            folder.display()
        );
        assert!(run.json()["hints"].to_string().contains(&command), "{run}");
        assert_eq!(remote.pushes(), 0);
    };
    let origin = here(checkout.path()).args(["--branch", "main"]);
    denied(&origin.run(), checkout.path());
    // The hint works.
    let settings = origin.home().join(".gitconfig");
    fs::write(
        settings,
        format!("[safe]\n\tdirectory = {}\n", checkout.path().display()),
    )
    .unwrap();
    origin
        .clone()
        .without_env("GIT_CONFIG_GLOBAL")
        .arg("--dry-run")
        .run()
        .expect_code(0);
    assert!(lab::give_away(&remote.path()));
    denied(
        &both(&remote).args(["--format", "json"]).run(),
        &remote.path(),
    );
}

#[test]
fn a_full_disk_leaves_the_file_unchanged() {
    for is_protected in [false, true] {
        let Some(disk) = SmallDisk::almost_full() else {
            println!("SKIPPED: a small disk cannot be mounted here, so a full one was not tried");
            return;
        };
        let file = disk.path().join("kustomization.yaml");
        fs::write(&file, overlays::prod(OLD)).unwrap();
        if is_protected {
            disk.protect()
        } else {
            disk.fill()
        }
        let command = bump()
            .current_dir(disk.path())
            .args(["--image", NEW, "--overlay", "."]);
        let run = command.args(["--format", "json"]).run();
        run.expect_code(20);
        let report = run.json();
        assert_eq!(
            (&report["reason"], &report["fault"]),
            (&"not-written".into(), &"environment".into())
        );
        assert!(
            report["summary"]
                .as_str()
                .unwrap()
                .contains("nothing was changed"),
            "{run}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), overlays::prod(OLD));
        assert_eq!(disk.left(), ["kustomization.yaml"]);
    }
}

#[test]
fn a_forced_branch_is_read_again() {
    let remote = remote();
    let first = remote.tip("main");
    remote.commit(
        "main",
        &[("human.txt", "a mistake\n", false)],
        "docs: human\n",
    );
    let back = first.clone();
    let race = remote
        .on_next_push(move |remote| drop(remote.git(&["update-ref", "refs/heads/main", &back])));
    both(&remote).run().expect_code(0);
    assert!(race.is_over());
    let log = remote.log("main");
    assert_eq!((log.len(), &log[0].parents), (2, &vec![first]));
    assert_eq!(remote.file("main", "human.txt"), None);
    assert_eq!(
        remote.file("main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
    remote.fsck();
}

#[test]
fn a_forced_branch_without_the_overlay_is_refused() {
    let remote = remote();
    let other = remote.change(
        "other",
        &[TreeChange::delete("infra")],
        "chore: nothing here\n",
    );
    let tip = other.clone();
    let race = remote
        .on_next_push(move |remote| drop(remote.git(&["update-ref", "refs/heads/main", &tip])));
    let run = on(&remote, &["prod"]).args(["--format", "json"]).run();
    run.expect_code(10);
    assert!(race.is_over());
    assert_eq!(
        (&run.json()["reason"], remote.tip("main")),
        (&"overlay-missing".into(), other)
    );
}

#[test]
fn a_deleted_branch_is_not_created_again() {
    let remote = remote();
    let race = remote.on_next_push(|remote| remote.delete_branch("main"));
    let run = both(&remote).args(["--format", "json"]).run();
    run.expect_code(10);
    assert!(race.is_over());
    assert_eq!(
        (&run.json()["reason"], remote.branches()),
        (&"branch-missing".into(), Vec::new())
    );
}

#[test]
fn the_api_also_reads_a_forced_branch_again() {
    let remote = ordinary();
    let first = remote.tip("main");
    remote.commit(
        "main",
        &[("human.txt", "a mistake\n", false)],
        "docs: human\n",
    );
    let server = lab::FakeGitHub::new(&remote);
    let command = |environment| {
        let command = super::writing(
            &["--repository", "example/dex", "--format", "json"],
            &[environment],
        );
        server.environment(command, &server.token())
    };
    let back = first.clone();
    server
        .on_next_commit(move |remote| drop(remote.git(&["update-ref", "refs/heads/main", &back])));
    command("stage").run().expect_code(0);
    assert_eq!(remote.log("main")[0].parents, [first]);
    server.on_next_commit(|remote| {
        drop(remote.change("main", &[TreeChange::delete(PROD)], "chore: gone\n"))
    });
    let run = command("prod").run();
    run.expect_code(10);
    assert_eq!(
        (&run.json()["reason"], remote.log("main")[0].title()),
        (&"overlay-missing".into(), "chore: gone")
    );
}
