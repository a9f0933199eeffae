//! A recorded run gives the same report again, offline.

use serde_json::Value;

use super::ProdWorld;

pub(crate) fn replayed(directory: &std::path::Path) -> (Value, Value) {
    let (mut recorded, mut again) =
        contract::replay::<rollback_overlay::RollbackOverlay>(directory).unwrap();
    for report in [&mut recorded, &mut again] {
        report["elapsed_ms"] = Value::Null;
    }
    (recorded, again)
}

#[test]
fn every_kind_of_end_is_replayed_offline() {
    let world = ProdWorld::with(&["v1", "v2", "v3"]);
    let race = world.remote.on_next_push(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    let image = world.image("v3");
    let commands = [
        world.roll_back(&["--dry-run"]),
        world.roll_back(&[]),
        world.roll_back(&[]),
        world.roll_back(&["--bad", &image]),
        world.roll_back(&["--bad", &world.image("v2"), "--to", &world.image("gone")]),
        world.roll_back(&["--undo", &"0".repeat(40)]),
        world
            .at("http://127.0.0.1:1/a.git", &["prod"])
            // How often an attempt fits into a longer time depends on the load.
            .args(["--timeout", "0"]),
    ];
    let records = commands.map(|command| {
        let record = command.home().join("record");
        (
            command.clone().arg("--record").arg(&record).run(),
            record,
            command,
        )
    });
    drop((race, world));
    let codes = records.each_ref().map(|(run, ..)| run.code);
    assert_eq!(codes, [0, 0, 0, 0, 10, 10, 20]);
    for (_, record, _) in &records {
        let (recorded, again) = replayed(record);
        assert_eq!(recorded, again);
    }
}
