//! An end without warning, a full disk, a home that cannot be written: nothing is half-written, and the
//! next run makes it good.

use std::{fs, time::Duration};

use super::{World, left_nothing};

#[test]
fn whenever_it_is_killed_the_next_run_makes_exactly_one_commit() {
    let world = World::with(&["v1", "v2"]);
    let whole = world
        .roll_back(&["--dry-run"])
        .run()
        .elapsed
        .max(Duration::from_millis(100));
    // One temporary folder for all, as on a machine that stays.
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
        // A push may outlive the run that began it.
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
    // A git that has outlived its run may have made its folder again: it goes a minute later.
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

fn has_locks(world: &World) -> bool {
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
fn a_home_that_cannot_be_written_does_not_matter() {
    let world = World::with(&["v1", "v2"]);
    let command = world
        .roll_back(&[])
        .env("HOME", "/proc/nowhere")
        .env("XDG_CACHE_HOME", "/proc/nowhere");
    command.run().expect_code(0);
    left_nothing(&command);
}

#[test]
fn without_a_place_for_temporary_files_nothing_is_written() {
    let world = World::with(&["v1", "v2"]);
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
fn a_full_disk_is_said_and_nothing_is_written() {
    let world = World::with(&["v1", "v2"]);
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
