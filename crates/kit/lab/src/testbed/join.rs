//! One world for all tests of this machine: found where one runs, started where none does.

use std::fs::{self, File};
use std::path::Path;

use super::process;
use super::tools::Tools;
use super::world::TestbedWorld;

/// How many seconds the shared world lasts without a user: longer than the gap between two test
/// programs.
const GRACE: u64 = 60;

/// Returns the shared world. One process at a time looks, so that two never start one each.
pub(super) fn shared() -> TestbedWorld {
    let run = Tools::find().run_folder();
    let turn = turn(&run);
    let folder = run.join("world");
    let world = TestbedWorld::attach(&folder).unwrap_or_else(|| {
        process::end(&folder);
        TestbedWorld::start(&folder, GRACE)
    });
    drop(turn);
    world
}

/// Returns the shared world, if one runs.
pub(super) fn running() -> Option<TestbedWorld> {
    TestbedWorld::attach(&Tools::of_the_user().run_folder().join("world"))
}

/// Ends the shared world, even while others use it.
pub(super) fn end() {
    let run = Tools::of_the_user().run_folder();
    let turn = turn(&run);
    process::end(&run.join("world"));
    drop(turn);
}

/// Returns once it is this process's turn; it lasts until the file is closed.
fn turn(run: &Path) -> File {
    fs::create_dir_all(run).expect("a folder in the cache");
    let turn = File::create(run.join("turn")).expect("a file in the cache");
    turn.lock().expect("a lock on the file");
    turn
}
