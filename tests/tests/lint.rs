//! Actions and workflows are valid, and safe at the strictest setting of zizmor.

use std::path::PathBuf;

use tests::{root, tools};

/// Returns the files below a folder of the repository whose names have this end.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder of the repository");
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        let nested = path.join("action.yml");
        let candidates = if path.is_dir() {
            vec![nested]
        } else {
            vec![path]
        };
        found.extend(
            candidates
                .into_iter()
                .filter(|path| path.is_file() && path.to_string_lossy().ends_with(end)),
        );
    }
    found.sort();
    found
}

fn workflows() -> Vec<PathBuf> {
    let all = [
        files(".github/workflows", ".yml"),
        files("tests/workflows", ".yml"),
    ]
    .concat();
    assert!(all.len() >= 3, "too few workflows: {all:?}");
    all
}

/// actionlint knows the inputs and outputs of each action, and rejects a wrong input.
#[test]
fn the_workflows_are_valid() {
    let run = lab::HermeticCommand::new(tools::program("actionlint"))
        .args(["-no-color", "-shellcheck=", "-pyflakes="])
        .args(workflows())
        .current_dir(root())
        .run();
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn actions_and_workflows_are_safe() {
    let actions = files("actions", "action.yml");
    assert!(actions.len() >= 2, "too few actions: {actions:?}");
    let run = lab::HermeticCommand::new(tools::program("zizmor"))
        .args([
            "--offline",
            "--persona=pedantic",
            "--no-progress",
            "--color=never",
        ])
        .args(actions.into_iter().chain(workflows()))
        .current_dir(root())
        .run();
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn the_shim_fits_on_a_screen() {
    let shim = std::fs::read_to_string(root().join("actions/.dex/run.sh")).unwrap();
    assert!(shim.lines().count() < 60);
}
