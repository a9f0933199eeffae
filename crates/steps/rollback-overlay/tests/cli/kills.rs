//! A killed run, a full disk, a read-only home: nothing is half-written, and the next run completes
//! it.

use std::{fs, time::Duration};

use super::{ProdWorld, left_nothing};

#[test]
fn a_killed_run_and_the_next_commit_once() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let whole = world
        .roll_back(&["--dry-run"])
        .run()
        .elapsed
        .max(Duration::from_millis(100));
    // All runs share one temporary directory, as on a self-hosted runner.
    let command = world.roll_back(&["--bad", &world.image("v2")]);
    for part in 1..=12 {
        let tip = world.remote.tip("main");
        let commits = world.remote.log("main").len();
        let before = world.file();
        let mut running = command.spawn();
        std::thread::sleep(whole * part / 10);
        running.kill();
        drop(running.wait());
        let after = world.file();
        assert!(
            after == before || after == world.prod("v1"),
            "half-written: {after}"
        );
        // A push may outlive the run that started it.
        lab::wait::until("no lock to be left", || !has_locks(&world));
        command.run().expect_code(0);
        assert_eq!(
            (world.file(), world.remote.log("main").len()),
            (world.prod("v1"), commits + 1)
        );
        assert_eq!(world.remote.log("main")[0].parents, [tip]);
        world.remote.fsck();
        world.deploy("v2");
    }
    // A git process that outlives its run may create its directory again; the next run a minute
    // later removes it.
    for entry in fs::read_dir(command.temp()).unwrap().map(Result::unwrap) {
        let minutes_ago = std::time::SystemTime::now() - Duration::from_secs(120);
        fs::File::open(entry.path())
            .unwrap()
            .set_modified(minutes_ago)
            .unwrap();
    }
    command.run().expect_code(0);
    left_nothing(&command);
}

fn has_locks(world: &ProdWorld) -> bool {
    let mut open = vec![world.remote.path().join("refs")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "lock")
            {
                return true;
            }
        }
    }
    false
}

#[test]
fn a_read_only_home_does_not_matter() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let command = world
        .roll_back(&[])
        .env("HOME", "/proc/nowhere")
        .env("XDG_CACHE_HOME", "/proc/nowhere");
    command.run().expect_code(0);
    left_nothing(&command);
}

#[test]
fn without_a_temporary_directory_nothing_is_written() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let run = world
        .roll_back(&["--format", "json"])
        .env("TMPDIR", "/nowhere")
        .run();
    run.expect_code(20);
    assert_eq!(
        (&run.json()["reason"], world.remote.pushes()),
        (&"not-written".into(), 0)
    );
}

#[test]
fn a_full_disk_is_reported_without_a_push() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let Some(disk) = lab::SmallDisk::almost_full() else {
        println!("SKIPPED: a small disk cannot be mounted here, so a full one was not tried");
        return;
    };
    let run = world
        .roll_back(&["--format", "json"])
        .env("TMPDIR", disk.path())
        .run();
    run.expect_code(20);
    assert_eq!(
        (&run.json()["reason"], world.remote.pushes()),
        (&"not-written".into(), 0),
        "{run}"
    );
    assert!(disk.left().is_empty(), "{:?}", disk.left());
}
