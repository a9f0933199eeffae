//! A killed run, a full disk, a read-only home: nothing is half-written, and the next run completes
//! it.

use std::time::Duration;

use super::{OLD, both, left_nothing, remote};
use lab::overlays;

#[test]
fn a_killed_run_and_the_next_commit_once() {
    let remote = remote();
    let whole = both(&remote)
        .arg("--dry-run")
        .run()
        .elapsed
        .max(Duration::from_millis(100));
    // All runs share one temporary directory, as on a self-hosted runner.
    let command = both(&remote);
    for part in 1..=12 {
        let (tip, commits) = (remote.tip("main"), remote.log("main").len());
        let mut running = command.spawn();
        std::thread::sleep(whole * part / 8);
        running.kill();
        drop(running.wait());
        command.run().expect_code(0);
        let log = remote.log("main");
        assert_eq!((log.len(), &log[0].parents), (commits + 1, &vec![tip]));
        assert_eq!(
            remote.file("main", super::PROD),
            Some(overlays::prod("sha-51c0cc9c"))
        );
        assert_eq!(
            remote.file("main", super::STAGE),
            Some(overlays::stage("sha-51c0cc9c"))
        );
        remote.fsck();
        let files = [
            (super::STAGE, &*overlays::stage(OLD), false),
            (super::PROD, &overlays::prod(OLD), true),
        ];
        remote.commit("main", &files, "chore: back\n");
    }
    // A git process that outlives its run may create its directory again; the next run a minute
    // later removes it.
    age(&command.temp());
    command.run().expect_code(0);
    left_nothing(&command);
}

/// Makes everything in a directory two minutes old.
fn age(directory: &std::path::Path) {
    let minutes_ago = std::time::SystemTime::now() - Duration::from_secs(120);
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        std::fs::File::open(entry.path())
            .unwrap()
            .set_modified(minutes_ago)
            .unwrap();
    }
}

#[test]
fn a_read_only_home_does_not_matter() {
    let remote = remote();
    let command = both(&remote)
        .env("HOME", "/proc/nowhere")
        .env("XDG_CACHE_HOME", "/proc/nowhere");
    command.run().expect_code(0);
    left_nothing(&command);
}

#[test]
fn a_full_disk_is_reported_without_a_push() {
    let remote = remote();
    let Some(disk) = lab::SmallDisk::almost_full() else {
        println!("SKIPPED: a small disk cannot be mounted here, so a full one was not tried");
        return;
    };
    let run = both(&remote)
        .args(["--format", "json"])
        .env("TMPDIR", disk.path())
        .run();
    run.expect_code(20);
    assert_eq!(
        (&run.json()["reason"], remote.pushes()),
        (&"not-written".into(), 0),
        "{run}"
    );
    assert!(
        run.json()["hints"].to_string().contains("free some space"),
        "{run}"
    );
    assert!(disk.left().is_empty(), "{:?}", disk.left());
}
