//! Others who write at the same time.

use super::{PROD, ProdWorld, left_nothing};

#[test]
fn two_rollbacks_at_once_make_one_commit() {
    for flags in [&[][..], &["--bad"]] {
        let world = ProdWorld::with(&["v1", "v2", "v3"]);
        let bad = world.image("v3");
        let flags: Vec<&str> = flags
            .iter()
            .copied()
            .chain((!flags.is_empty()).then_some(&*bad))
            .collect();
        let runs: Vec<_> = (0..4).map(|_| world.roll_back(&flags).spawn()).collect();
        for run in runs {
            run.wait().expect_code(0);
        }
        assert_eq!(
            (world.remote.log("main").len(), world.file()),
            (4, world.prod("v2"))
        );
    }
}

#[test]
fn the_loser_of_two_rollbacks_goes_no_further() {
    let world = ProdWorld::with(&["v1", "v2", "v3"]);
    let (file, bad) = (world.prod("v2"), world.image("v3"));
    let race = world.remote.on_next_push(move |remote| {
        let message = format!("rollback(prod): x\n\nRunbook-Rollback-Of: {bad}\n");
        remote.commit("main", &[(PROD, &file, false)], &message);
    });
    let run = world.roll_back(&[]).run();
    run.expect_code(0);
    assert!(
        race.is_over() && run.stderr.contains("unchanged: "),
        "{run}"
    );
    assert_eq!(world.file(), world.prod("v2"));
}

#[test]
fn a_faster_deployment_wins() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world.push("v3");
    let file = world.prod("v3");
    let race = world.remote.on_next_push(move |remote| {
        remote.commit("main", &[(PROD, &file, false)], "deploy(prod): v3\n");
    });
    world.roll_back(&[]).run().expect_code(12);
    assert!(race.is_over());
    assert_eq!(world.file(), world.prod("v3"));
}

#[test]
fn another_writers_commit_is_kept() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let race = world.remote.on_next_push(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    world.roll_back(&[]).run().expect_code(0);
    assert!(race.is_over());
    assert_eq!(
        world.remote.file("main", "human.txt").as_deref(),
        Some("me first\n")
    );
    assert_eq!(
        (world.remote.log("main").len(), world.file()),
        (4, world.prod("v1"))
    );
}

#[test]
fn permanent_contention_ends_at_the_deadline() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let race = world.remote.on_every_push(|remote| {
        remote.commit(
            "main",
            &[("n", &remote.pushes().to_string(), false)],
            "chore: again\n",
        );
    });
    let command = world.roll_back(&["--timeout", "2s", "--format", "json"]);
    let run = command.run();
    drop(race);
    run.expect_code(22);
    assert_eq!(
        (&run.json()["reason"], &run.json()["facts"]["changed"]),
        (&"contended".into(), &false.into())
    );
    assert_eq!(world.file(), world.prod("v2"));
    left_nothing(&command);
}
