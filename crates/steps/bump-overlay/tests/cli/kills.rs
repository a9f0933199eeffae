//! An end without warning, a full disk, a home that cannot be written: nothing is half-written, and the
//! next run makes it good.

use std::time::Duration;

use super::{OLD, both, left_nothing, remote};
use lab::overlays;

#[test]
fn whenever_it_is_killed_the_next_run_makes_exactly_one_commit() {
    let remote = remote();
    let whole = both(&remote)
        .arg("--dry-run")
        .run()
        .elapsed
        .max(Duration::from_millis(100));
    // One temporary folder for all, as on a machine that stays.
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
    // A git that has outlived its run may have made its folder again: it goes a minute later.
    for entry in std::fs::read_dir(command.temp())
        .unwrap()
        .map(Result::unwrap)
    {
        let minutes_ago = std::time::SystemTime::now() - Duration::from_secs(120);
        std::fs::File::open(entry.path())
            .unwrap()
            .set_modified(minutes_ago)
            .unwrap();
    }
    command.run().expect_code(0);
    left_nothing(&command);
}

#[test]
fn a_home_that_cannot_be_written_does_not_matter() {
    let remote = remote();
    let command = both(&remote)
        .env("HOME", "/proc/nowhere")
        .env("XDG_CACHE_HOME", "/proc/nowhere");
    command.run().expect_code(0);
    left_nothing(&command);
}

#[test]
fn a_full_disk_is_said_and_nothing_is_written() {
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
